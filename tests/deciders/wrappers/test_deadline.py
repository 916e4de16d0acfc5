"""The deadline: cancels and waits, and mistakes nothing else for itself."""

from __future__ import annotations

import asyncio

import pytest

from litellm_bighub.deciders.wrappers.deadline import Deadline
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow
from litellm_bighub.errors import DecisionUnavailable
from litellm_bighub.testing import ScriptedDecider

CALL = ToolCall(id="c", type="function", name="pay")


class Endless(ScriptedDecider):
    cleaned = False

    def __init__(self) -> None:
        super().__init__()
        self.entered = asyncio.Event()

    async def decide(self, call, context):
        self.entered.set()
        try:
            return await asyncio.Event().wait()
        finally:
            self.cleaned = True


async def test_the_decider_is_cancelled_when_its_time_is_up():
    decider = Endless()
    with pytest.raises(DecisionUnavailable, match=r"no decision within 0\.01 s"):
        await Deadline(decider, 0.01).decide(CALL, CallContext())
    assert decider.cleaned


async def test_a_decision_in_time_passes():
    assert await Deadline(ScriptedDecider(), 60).decide(CALL, CallContext()) == Allow("fine")


async def test_a_timeout_of_something_else_goes_out_as_it_is():
    with pytest.raises(TimeoutError):
        await Deadline(ScriptedDecider(otherwise=TimeoutError()), 60).decide(CALL, CallContext())


async def test_cancelling_from_outside_stays_a_cancellation():
    decider = Endless()
    task = asyncio.create_task(Deadline(decider, 60).decide(CALL, CallContext()))
    await decider.entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_closing_closes_the_decider():
    decider = ScriptedDecider()
    await Deadline(decider, 1).aclose()
    assert decider.closed == 1
