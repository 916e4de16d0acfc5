"""However a client comes back with requests for approval, the provider is sent nothing that it does not know."""

from __future__ import annotations

from itertools import count

import anyio
import pytest
from hypothesis import given, strategies as st

from litellm_bighub import ToolDecisions
from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.responses.approval_request import request_item
from litellm_bighub.formats.responses.format import RESPONSES
from litellm_bighub.gateway.conversation.request_history import RequestHistory
from litellm_bighub.testing import ScriptedDecider
from litellm_bighub.testing.upstream.answer_memory import AnswerMemory
from litellm_bighub.wording import ENGLISH

CONTEXT = {"conversation": CallContext(conversation="conv_1")}
SHOWN = st.sampled_from(["whole", "reference", "untyped reference", "not at all"])
ANSWERED = st.sampled_from([True, False, None])
APPROVAL = st.tuples(SHOWN, ANSWERED, st.sampled_from(["apr", "hosted"]), st.booleans())
"""How the client shows the request, what it answers, whose the approval is, and whether the ledger knows it."""


def shown(how: str, approval_id: str) -> list[dict]:
    match how:
        case "whole":
            return [request_item(approval_id, "refund", {"amount": 900})]
        case "reference":
            return [{"type": "item_reference", "id": approval_id}]
        case "untyped reference":
            return [{"id": approval_id}]
        case _:
            return []


def answers(approval_id: str, approve: bool | None) -> list[dict]:  # noqa: FBT001 - as the item has it
    if approve is None:
        return []
    return [{"type": "mcp_approval_response", "approval_request_id": approval_id, "approve": approve}]


class Provider:
    """A strict provider behind the part of the gateway that puts requests right."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.memory = AnswerMemory()
        self.decisions = ToolDecisions(ScriptedDecider())
        self.history = RequestHistory(self.decisions)

    async def first_answer(self, approvals: list[tuple[str, bool]], *, reasons: bool) -> None:
        """The provider answers calls, each of which needs an approval."""
        calls = [
            {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": "refund"}
            for number, _ in enumerate(approvals)
        ]
        thought = [{"type": "reasoning", "id": "rs_1", "summary": []}] if reasons else []
        self.memory.keep("resp_1", self.body([]), [*thought, *calls])
        kept = {"conversation": "conv_1"} if self.way == "conversation" else {}
        rows = [
            DecidedCall(
                "resp_1", f"call_{number}", "function", "refund", "requires_approval", False, "AI_AGENT", 1.0,
                item_id=f"fc_{number}", notice_id=approval_id, notice="It waits.", arguments={"amount": 900}, **kept,
            )
            for number, (approval_id, known) in enumerate(approvals) if known or self.way != "replay"
        ]  # fmt: skip
        await self.decisions.ledger.write(rows)

    def body(self, items: list[dict]) -> dict:
        match self.way:
            case "conversation":
                return {"input": items, "conversation": "conv_1", "extra_body": {"conversation": "conv_1"}}
            case "previous" if items:
                return {"input": items, "previous_response_id": "resp_1"}
            case _:
                return {"input": items}

    async def refuses(self, items: list[dict]) -> str:
        """Why the provider refuses what the gateway makes of these items."""
        body = self.body(items)
        effects = {"apr_0": "approved", "hosted_1": "denied"}
        body["input"] = RESPONSES.client_approvals.readable(items, effects, ENGLISH)
        context = CONTEXT.get(self.way, CallContext())
        await self.history.prepare(body, RESPONSES, body.get("previous_response_id", ""), lambda: context)
        why = self.memory.refuses(body)
        await self.history.record_results(body, {"status": "completed"})
        if self.way == "conversation" and not why:
            self.memory.keep("resp_2", body, [])
        return why


@pytest.mark.parametrize("way", ["replay", "previous", "conversation"])
@given(
    approvals=st.lists(APPROVAL, min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
    shuffled=st.booleans(),
    reasons=st.booleans(),
)
def test_the_provider_knows_all_that_it_is_sent(way, approvals, order, shuffled, reasons):
    numbers = count()
    ids = [f"{kind}_{next(numbers)}" for _, _, kind, _ in approvals]
    all_shown = all(how != "not at all" and known for how, _, _, known in approvals)
    reasons = reasons and way == "replay" and all_shown and not shuffled
    known = [knows or kind == "hosted" for _, _, kind, knows in approvals]
    items = [item for each, (how, *_) in zip(ids, approvals, strict=True) for item in shown(how, each)]
    items += [item for each, (_, said, *_) in zip(ids, approvals, strict=True) for item in answers(each, said)]
    if shuffled:
        order.shuffle(items)
    thought = [{"type": "reasoning", "id": "rs_1", "summary": []}] if reasons else []
    said = {"type": "message", "role": "user", "content": "go on"}

    async def play() -> None:
        provider = Provider(way)
        await provider.first_answer(list(zip(ids, known, strict=True)), reasons=reasons)
        for more in ([said], [said, said]):
            assert await provider.refuses([*thought, *items, *more]) == ""

    anyio.run(play)


@pytest.mark.parametrize("how", ["whole", "reference", "untyped reference", "not at all"])
async def test_the_model_is_given_the_call_that_the_answer_is_about(how):
    provider = Provider("replay")
    await provider.first_answer([("apr_0", True)], reasons=False)
    items = [*shown(how, "apr_0"), *answers("apr_0", approve=True)]
    body = {"input": RESPONSES.client_approvals.readable(items, {"apr_0": "approved"}, ENGLISH)}

    await provider.history.prepare(body, RESPONSES, "", CallContext)

    call, output, said = body["input"]
    assert (call["type"], call["call_id"], call["arguments"]) == ("function_call", "call_0", '{"amount":900}')
    assert (output["type"], output["output"]) == ("function_call_output", "It waits.")
    assert said["content"] == ENGLISH.approval_approved.format(approval_id="apr_0")
