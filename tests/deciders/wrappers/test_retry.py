"""Retry: again only for what may pass, and never longer than anybody waits."""

from __future__ import annotations

import pytest

from litellm_bighub.deciders.wrappers.retry import Retry
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable, DecisionUnreadable
from litellm_bighub.testing import ScriptedDecider

CALL = ToolCall(id="c", type="function", name="pay")


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        pytest.param(DecisionUnavailable("x", transient=True), 3, id="passing"),
        pytest.param(DecisionRefused("x", transient=True), 3, id="passing refusal"),
        pytest.param(DecisionUnavailable("x"), 1, id="lasting"),
        pytest.param(DecisionRefused("x"), 1, id="refusal"),
        pytest.param(DecisionUnreadable("x"), 1, id="unreadable"),
        pytest.param(ConnectionError("a bug of the decider's"), 1, id="anything else"),
        pytest.param(DecisionUnavailable("x", transient=True, retry_after=0), 3, id="at once"),
        pytest.param(DecisionUnavailable("x", transient=True, retry_after=5), 1, id="too late"),
    ],
)
async def test_what_is_tried_again(error, asked):
    decider = ScriptedDecider(otherwise=error)
    with pytest.raises(type(error)) as raised:
        await Retry(decider, attempts=3, patience=5).decide(CALL, CallContext())
    assert raised.value is error
    assert len(decider.asked) == asked


async def test_the_first_answer_ends_it():
    class Recovering(ScriptedDecider):
        async def decide(self, call, context):
            self.otherwise = Allow("back") if self.asked else DecisionUnavailable("x", transient=True)
            return await super().decide(call, context)

    assert await Retry(Recovering(), attempts=3, patience=5).decide(CALL, CallContext()) == Allow("back")


async def test_closing_closes_the_decider():
    decider = ScriptedDecider()
    await Retry(decider, attempts=1, patience=1).aclose()
    assert decider.closed == 1
