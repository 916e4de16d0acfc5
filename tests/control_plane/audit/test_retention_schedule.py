"""Every hour somebody looks for what is too old; where more is left, at once."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.audit.retention_schedule import EVERY_SECONDS, RetentionSchedule
from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import retention
from litellm_bighub.control_plane.store.tables.clock_checks import DAY
from litellm_bighub.policy.policy_file import parse_policy

NOW = 1e9


def schedule(policy="version: 1\naudit_keep_days: 30\n", keep_days=None):
    return RetentionSchedule(PolicySource(parse_policy(policy, "policy.yaml")), keep_days)


def test_it_is_due_every_hour():
    retaining = schedule()

    assert [retaining.due(NOW + at) for at in (0, 1, EVERY_SECONDS - 1, EVERY_SECONDS)] == [True, False, False, True]


def test_a_clock_that_was_set_back_does_not_put_it_off():
    retaining = schedule()
    retaining.due(NOW)

    assert retaining.due(NOW - 2 * DAY)


@pytest.mark.parametrize(
    ("policy", "keep_days", "due"),
    [
        pytest.param("version: 1\n", None, False, id="everything is kept"),
        pytest.param("version: 1\n", 7, True, id="the setting says how long"),
        pytest.param("version: 1\naudit_keep_days: 30\n", None, True, id="the policy says how long"),
    ],
)
async def test_nothing_is_removed_unless_somebody_says_how_long(open_plane, policy, keep_days, due):
    retaining = schedule(policy, keep_days)
    assert retaining.due(NOW) is due

    plane = open_plane("version: 1\n")
    assert await plane.write(lambda transaction: retaining.run(transaction, NOW)) == 0


async def test_the_setting_counts_before_the_policy(open_plane):
    plane = open_plane("version: 1\n")
    await plane.write(lambda transaction: transaction.append(AuditEvent(NOW - 10 * DAY, "test", "s", {})))

    async def removed(keep_days):
        retaining = schedule(keep_days=keep_days)
        looks = (NOW, NOW + DAY)  # the second confirms the clock
        return sum([await plane.write(lambda transaction, at=at: retaining.run(transaction, at)) for at in looks])

    assert await removed(None) == 0
    assert await removed(7) > 0


async def test_where_more_is_left_it_is_due_again_at_once(open_plane):
    plane = open_plane("version: 1\n")
    retaining = schedule()

    def fill(transaction):
        for _ in range(retention.AT_ONCE + 5):
            transaction.append(AuditEvent(NOW - 99 * DAY, "test", "s", {}), notify=False)

    await plane.write(fill)
    await plane.write(lambda transaction: retaining.run(transaction, NOW - DAY))
    assert retaining.due(NOW)
    assert await plane.write(lambda transaction: retaining.run(transaction, NOW)) == retention.AT_ONCE
    assert retaining.due(NOW)
    assert await plane.write(lambda transaction: retaining.run(transaction, NOW)) > 0
    assert not retaining.due(NOW)
