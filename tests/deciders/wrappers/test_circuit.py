"""The circuit's states, as its attempts and the clock drive them."""

from __future__ import annotations

import asyncio

import pytest

from litellm_bighub.deciders.wrappers.circuit import Breaker, BreakerState, Circuit
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable, DecisionUnreadable
from litellm_bighub.testing import ScriptedDecider


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


CALL, CONTEXT = ToolCall(id="c", type="function", name="pay"), CallContext()
DOWN = DecisionUnavailable("down")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Gated(ScriptedDecider):
    """Answers when the gate opens, and counts who waits at it."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.gate = asyncio.Event()
        self.entered = asyncio.Event()

    async def decide(self, call, context):
        self.asked.append((call, context))
        self.entered.set()
        await self.gate.wait()
        answer = self.otherwise
        if isinstance(answer, BaseException):
            raise answer
        return answer


async def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(DecisionUnavailable):
            await breaker.decide(CALL, CONTEXT)


async def opened(decider: ScriptedDecider, clock: Clock) -> Breaker:
    """A breaker that one failure opened, with its reset time passed."""
    answer, decider.otherwise = decider.otherwise, DOWN
    gate = getattr(decider, "gate", asyncio.Event())
    gate.set()
    breaker = Breaker(decider, failures=1, reset_seconds=30, clock=clock)
    await fail(breaker)
    gate.clear()
    getattr(decider, "entered", gate).clear()
    decider.otherwise = answer
    decider.asked.clear()
    clock.now += 30
    return breaker


async def test_it_opens_after_so_many_failures_in_a_row():
    decider, clock = ScriptedDecider(otherwise=DOWN), Clock()
    breaker = Breaker(decider, failures=3, reset_seconds=30, clock=clock)
    await fail(breaker, 5)
    assert len(decider.asked) == 3
    clock.now += 29.9
    with pytest.raises(DecisionUnavailable, match="breaker is open"):
        await breaker.decide(CALL, CONTEXT)
    assert len(decider.asked) == 3


@pytest.mark.parametrize("answer", [Allow("fine"), DecisionRefused("401"), DecisionUnreadable("[]")])
async def test_an_answer_in_between_starts_the_count_anew(answer):
    decider = ScriptedDecider(otherwise=DOWN)
    breaker = Breaker(decider, failures=2, reset_seconds=30, clock=Clock())
    await fail(breaker)
    decider.otherwise = answer
    await asyncio.gather(breaker.decide(CALL, CONTEXT), return_exceptions=True)
    decider.otherwise = DOWN
    await fail(breaker)
    decider.otherwise = Allow("fine")
    assert await breaker.decide(CALL, CONTEXT) == Allow("fine")


@pytest.mark.lesson("after the reset all waiting calls go out at once")
async def test_half_open_lets_exactly_one_probe_through():
    """The published adapter sends all waiting calls out at once after the reset."""
    clock, decider = Clock(), Gated()
    breaker = await opened(decider, clock)
    calls = [asyncio.create_task(breaker.decide(CALL, CONTEXT)) for _ in range(10)]
    refused = await asyncio.wait_for(asyncio.gather(*calls[1:], return_exceptions=True), timeout=60)
    assert [type(result) for result in refused] == [DecisionUnavailable] * 9
    assert len(decider.asked) == 1
    decider.gate.set()
    assert await calls[0] == Allow("fine")
    assert await asyncio.gather(*[breaker.decide(CALL, CONTEXT) for _ in range(3)]) == [Allow("fine")] * 3


async def test_a_failed_probe_opens_it_for_another_while():
    clock, decider = Clock(), ScriptedDecider(otherwise=DOWN)
    breaker = await opened(decider, clock)
    await fail(breaker, 3)
    assert len(decider.asked) == 1
    clock.now += 30
    await fail(breaker, 3)
    assert len(decider.asked) == 2


@pytest.mark.parametrize("answer", [DecisionRefused("401"), DecisionUnreadable("[]")])
async def test_a_probe_that_is_refused_closes_it(answer):
    clock, decider = Clock(), ScriptedDecider(otherwise=answer)
    breaker = await opened(decider, clock)
    for _ in range(2):
        with pytest.raises(type(answer)):
            await breaker.decide(CALL, CONTEXT)
    assert len(decider.asked) == 2


async def test_after_a_cancelled_probe_the_next_call_probes():
    clock, decider = Clock(), Gated()
    breaker = await opened(decider, clock)
    probe = asyncio.create_task(breaker.decide(CALL, CONTEXT))
    await decider.entered.wait()
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    decider.gate.set()
    assert await breaker.decide(CALL, CONTEXT) == Allow("fine")
    assert len(decider.asked) == 2


async def test_an_answer_to_an_old_question_does_not_close_it():
    clock, decider = Clock(), Gated()
    breaker = Breaker(decider, failures=1, reset_seconds=30, clock=clock)
    old = asyncio.create_task(breaker.decide(CALL, CONTEXT))
    await decider.entered.wait()
    decider.decide, waiting = ScriptedDecider(otherwise=DOWN).decide, decider.decide
    await fail(breaker)
    decider.decide = waiting
    decider.gate.set()
    assert await old == Allow("fine")
    with pytest.raises(DecisionUnavailable, match="breaker is open"):
        await breaker.decide(CALL, CONTEXT)


async def test_a_bug_is_not_counted():
    decider = ScriptedDecider(otherwise=ZeroDivisionError())
    breaker = Breaker(decider, failures=1, reset_seconds=30, clock=Clock())
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await breaker.decide(CALL, CONTEXT)


async def test_closing_closes_the_decider():
    decider = ScriptedDecider()
    await Breaker(decider, failures=1, reset_seconds=1).aclose()
    assert decider.closed == 1


async def test_whoever_watches_is_told_each_change_once():
    clock, states = Clock(), []
    decider = ScriptedDecider(otherwise=DOWN)
    breaker = Breaker(decider, failures=2, reset_seconds=10, clock=clock, on_state=states.append)

    await fail(breaker, 3)
    clock.now += 10
    await fail(breaker)
    clock.now += 10
    decider.otherwise = Allow("fine")
    await breaker.decide(CALL, CONTEXT)

    assert states == ["closed", "open", "half_open", "open", "half_open", "closed"]
