"""The circuit's states, as its attempts and the clock drive them."""

from __future__ import annotations

import pytest

from litellm_bighub.deciders.wrappers.circuit import BreakerState, Circuit


class Watched:
    def __init__(self, failures: int = 2) -> None:
        self.now = 0.0
        self.states: list[BreakerState] = []
        self.circuit = Circuit(
            failures=failures, reset_seconds=10.0, clock=lambda: self.now, on_state=self.states.append
        )

    def fail(self, times: int) -> None:
        for _ in range(times):
            attempt = self.circuit.admit()
            assert attempt is not None
            attempt.failed()


def test_failures_in_a_row_open_it():
    watched = Watched()
    watched.fail(2)

    assert watched.circuit.admit() is None
    assert watched.states == ["closed", "open"]


def test_a_success_between_failures_counts_from_the_beginning():
    watched = Watched()
    watched.fail(1)
    watched.circuit.admit().succeeded()
    watched.fail(1)

    assert watched.circuit.admit() is not None
    assert watched.states == ["closed"]


def test_without_a_limit_it_never_opens():
    watched = Watched(failures=0)
    watched.fail(100)

    assert watched.circuit.admit() is not None


def test_after_its_time_one_attempt_probes():
    watched = Watched()
    watched.fail(2)
    watched.now = 9.9
    assert watched.circuit.admit() is None
    watched.now = 10.0

    assert watched.circuit.admit() is not None
    assert watched.circuit.admit() is None
    assert watched.states == ["closed", "open", "half_open"]


@pytest.mark.parametrize(("outcome", "state"), [("succeeded", "closed"), ("failed", "open"), ("abandoned", "open")])
def test_the_probe_says_how_it_goes_on(outcome, state):
    watched = Watched()
    watched.fail(2)
    watched.now = 10.0
    getattr(watched.circuit.admit(), outcome)()

    assert watched.states[-1] == state
    assert (watched.circuit.admit() is None) == (outcome == "failed")


def test_an_attempt_from_before_says_nothing_while_it_is_open():
    watched = Watched()
    early = watched.circuit.admit()
    watched.fail(2)
    early.succeeded()

    assert watched.circuit.admit() is None


def test_an_outcome_counts_once():
    watched = Watched()
    attempt = watched.circuit.admit()
    attempt.failed()
    attempt.failed()

    assert watched.circuit.admit() is not None
