"""A few attempts within a minute, then a wait."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.people.attempts import WINDOW_SECONDS, Attempts, AttemptSource

HERE, THERE, ANN = (
    AttemptSource.of_address("10.0.0.1"),
    AttemptSource.of_address("10.0.0.2"),
    AttemptSource.of_user("ann"),
)


@pytest.mark.parametrize("source", [HERE, ANN], ids=["address", "user"])
def test_a_source_waits_for_the_rest_of_the_minute(source, clock):
    attempts = Attempts(clock)
    assert [attempts.begin(source) for _ in range(source.most + 1)] == [True] * source.most + [False]
    clock.now += WINDOW_SECONDS
    assert attempts.begin(source)


def test_another_source_does_not_wait(clock):
    attempts = Attempts(clock)
    assert all(attempts.begin(HERE) for _ in range(HERE.most))
    assert attempts.begin(THERE)


def test_an_attempt_that_has_to_wait_counts_for_nobody(clock):
    attempts = Attempts(clock)
    assert all(attempts.begin(HERE) for _ in range(HERE.most))
    assert not any(attempts.begin(HERE, ANN) for _ in range(ANN.most))
    assert attempts.begin(THERE, ANN)


def test_what_succeeds_does_not_count(clock):
    attempts = Attempts(clock)
    for _ in range(3 * HERE.most):
        assert attempts.begin(HERE)
        attempts.succeeded(HERE)


def test_it_remembers_a_bounded_number_of_sources_the_active_ones(clock):
    attempts = Attempts(clock)
    assert all(attempts.begin(HERE) for _ in range(HERE.most - 1))
    for number in range(18_000):
        attempts.begin(AttemptSource.of_address(str(number)))
        if number == 9_000:
            attempts.begin(HERE)
    assert not attempts.begin(HERE)
    assert len(attempts._failures) == 10_000
