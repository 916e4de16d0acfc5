"""A look at the clock is believed when another, a day later, agrees with it."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.store.tables.clock_checks import DAY, ClockChecks, check_clock, past_checks

NOW = 1e9


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        pytest.param(ClockChecks(NOW), NOW + 60, ClockChecks(NOW + 60, None, NOW + 60), id="goes on"),
        pytest.param(ClockChecks(NOW), NOW - 60, ClockChecks(NOW - 60, None, NOW - 60), id="a little behind"),
        pytest.param(ClockChecks(NOW), NOW + 2 * DAY, ClockChecks(NOW + 2 * DAY, NOW + 2 * DAY), id="a step ahead"),
        pytest.param(ClockChecks(NOW), NOW - 2 * DAY, ClockChecks(NOW - 2 * DAY, NOW - 2 * DAY), id="a step back"),
        pytest.param(
            ClockChecks(NOW, NOW, NOW - 9 * DAY),
            NOW + 60,
            ClockChecks(NOW + 60, NOW, NOW - 9 * DAY),
            id="in doubt: what was sure stays so",
        ),
        pytest.param(
            ClockChecks(NOW + DAY / 2, NOW, None), NOW + DAY, ClockChecks(NOW + DAY, None, NOW + DAY), id="confirmed"
        ),
        pytest.param(
            ClockChecks(NOW, NOW, None),
            NOW + 7 * DAY,
            ClockChecks(NOW + 7 * DAY, NOW + 7 * DAY, NOW),
            id="a week later: what was said then is sure",
        ),
        pytest.param(
            ClockChecks(NOW, None, NOW),
            NOW - 9 * DAY,
            ClockChecks(NOW - 9 * DAY, NOW - 9 * DAY, NOW - 9 * DAY),
            id="set back: nothing is sure that is to come",
        ),
    ],
)
def test_what_one_more_look_shows(before, now, after):
    assert before.then(now) == after


def test_looks_are_remembered_one_by_one_for_each_purpose(connection):
    assert past_checks(connection, "audit") is None
    assert check_clock(connection, "audit", NOW) == ClockChecks(NOW, NOW)
    assert check_clock(connection, "audit", NOW + DAY) == ClockChecks(NOW + DAY, None, NOW + DAY)
    assert past_checks(connection, "audit") == ClockChecks(NOW + DAY, None, NOW + DAY)
    assert past_checks(connection, "decided_calls") is None
