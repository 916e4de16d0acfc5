"""Shadow mode: decides, records, lets pass."""

from __future__ import annotations

import pytest

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.deciders.wrappers.shadow import Shadow
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block, RequireApproval
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable, DecisionUnreadable
from tests.deciders.fakes import Kept, Scripted

CALL = ToolCall(id="c", type="function", name="pay")


@pytest.mark.parametrize(
    ("answer", "verdict", "enforced"),
    [
        pytest.param(Allow("fine"), "allowed", True, id="allowed"),
        pytest.param(Block("no"), "blocked", False, id="blocked"),
        pytest.param(RequireApproval("large", "req_1"), "requires_approval", False, id="approval"),
        pytest.param(DecisionUnavailable("x"), "blocked", False, id="unavailable"),
        pytest.param(DecisionRefused("x"), "blocked", False, id="refused"),
        pytest.param(DecisionUnreadable("x"), "blocked", False, id="unreadable"),
    ],
)
async def test_everything_passes_and_what_was_decided_is_recorded(answer, verdict, enforced):
    kept = Kept()
    [decision] = await ToolDecisions(Shadow(Scripted(otherwise=answer)), sinks=[kept]).decide([CALL], CallContext())
    assert isinstance(decision, Allow)
    event = kept.events[0]
    assert (event.verdict, event.enforced, event.allowed, event.decider) == (verdict, enforced, True, "scripted")


async def test_a_bug_still_goes_out():
    with pytest.raises(ZeroDivisionError):
        await Shadow(Scripted(otherwise=ZeroDivisionError())).decide(CALL, CallContext())


async def test_closing_closes_the_decider():
    decider = Scripted()
    await Shadow(decider).aclose()
    assert decider.closed == 1
