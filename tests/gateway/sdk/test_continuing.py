"""`on_block: continue` in code: the model hears of its blocked calls, and its next answer comes back, streamed too."""

from __future__ import annotations

import sys

import litellm
import pytest
from litellm.integrations.custom_guardrail import CustomGuardrail

import litellm_bighub
from litellm_bighub import BighubGuardrail, OpenAIResponsesHandler, ToolDecisions, Withholding
from litellm_bighub.domain.decision import Block, RequireApproval
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.testing import Failure, ScriptedDecider, ScriptedUpstream, function_call, text
from tests.deciders.fakes import Kept
from tests.gateway.sdk.sdk_calls import (
    CANARY,
    RESPONSES,
    chat_and_messages,
    each_api,
    litellms_types,
    told,
    whole_and_streamed,
)

pytestmark = litellms_types

WIPE = [text("Wiping."), function_call("wipe", {"a": CANARY})]
LOOK = function_call("lookup", {"a": 1})
TOLD = "was blocked"
"""What the model is told, as the scripted one finds it in a request."""
CONTINUE = Withholding(on_block="continue", continue_rounds=2)
WAYS = ["plain", "router", "sync"]


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def decisions(kept):
    answers = {"wipe": Block("not within policy"), "refund": RequireApproval("large", "req_9")}
    return ToolDecisions(ScriptedDecider(answers), sinks=[kept])


def router(upstream):
    params = {"model": "openai/gpt-4.1", "api_key": "sk-x", "max_retries": 0, "api_base": upstream.base_url}
    return litellm.Router(model_list=[{"model_name": "first", "litellm_params": params}], num_retries=0)


async def answered(api, upstream, decisions, *, streamed=False, way="plain", **more):
    """All that was given back, and the answer that it comes to."""
    request = api.arguments(upstream, max_retries=0, **more)
    if way == "router":
        request = {**api.arguments(**more), "model": "first", "router": router(upstream)}
    request |= {"tool_decisions": decisions, "withholding": CONTINUE, **({"stream": True} if streamed else {})}
    answer = api.blocking(**request) if way == "sync" else await api.awaited(**request)
    if not streamed:
        return [answer], answer
    events = list(answer) if way == "sync" else [event async for event in answer]
    return events, api.joined(events)


@each_api
@whole_and_streamed
@pytest.mark.parametrize("way", WAYS)
async def test_the_model_is_told_and_its_next_answer_comes_back(upstream, decisions, kept, api, streamed, way):
    upstream.script("go", WIPE)
    upstream.script(TOLD, [text("I will not.")])
    events, answer = await answered(api, upstream, decisions, streamed=streamed, way=way)

    assert api.calls(answer) == []
    assert "I will not." in repr(answer)
    assert CANARY not in repr(events)
    assert TOLD not in repr(events)
    assert told(kept) == [("wipe", "blocked")]
    assert len(upstream.requests) == 2
    assert upstream.requests[-1].body.get("stream") in {None, False}


@each_api
@whole_and_streamed
async def test_calls_of_the_next_answer_are_decided_on_once(upstream, decisions, kept, api, streamed):
    upstream.script("go", WIPE)
    upstream.script(TOLD, [text("I look."), LOOK, function_call("refund", {"a": CANARY})])
    events, answer = await answered(api, upstream, decisions, streamed=streamed)

    assert api.calls(answer) == ["lookup"]
    assert CANARY not in repr(events)
    assert "needs the approval of a person" in repr(answer)
    assert told(kept) == [("wipe", "blocked"), ("lookup", "allowed"), ("refund", "requires_approval")]


@pytest.mark.format("responses")
async def test_who_goes_on_from_a_joined_responses_stream_goes_on_from_its_last_answer(decisions):
    """It keeps its first id, by which the provider does not know the second answer's call."""
    with ScriptedUpstream(strict=True) as upstream:
        upstream.script("go", WIPE)
        upstream.script(TOLD, [LOOK])
        upstream.script("it is blue", [text("Blue, then.")])
        _, answer = await answered(RESPONSES, upstream, decisions, streamed=True)
        [call_id] = [get(item, "call_id") for item in answer.output if get(item, "type") == "function_call"]
        result = {"type": "function_call_output", "call_id": call_id, "output": "it is blue"}
        goes_on = {"previous_response_id": answer.id, "input": [result]}
        _, last = await answered(RESPONSES, upstream, decisions, **goes_on)

    assert RESPONSES.calls(answer) == ["lookup"]
    assert "Blue, then." in repr(last)


@each_api
@whole_and_streamed
async def test_the_model_is_asked_only_so_often(upstream, decisions, kept, api, streamed):
    upstream.script("go", WIPE)
    upstream.script(TOLD, WIPE)
    events, answer = await answered(api, upstream, decisions, streamed=streamed)

    assert api.calls(answer) == []
    assert CANARY not in repr(events)
    assert TOLD in repr(answer)
    assert (len(upstream.requests), len(kept.events)) == (3, 3)


@each_api
@whole_and_streamed
@pytest.mark.parametrize("beside", [LOOK, function_call("refund", {"a": CANARY})], ids=["allowed", "asks"])
async def test_beside_a_call_that_is_the_callers_the_notice_stands_there(upstream, decisions, api, streamed, beside):
    upstream.script("go", [*WIPE, beside])
    events, answer = await answered(api, upstream, decisions, streamed=streamed)

    assert TOLD in repr(answer)
    assert CANARY not in repr(events)
    assert len(upstream.requests) == 1


@each_api
@whole_and_streamed
@pytest.mark.parametrize("way", WAYS)
async def test_when_the_model_cannot_be_told_the_notice_stands_there(upstream, decisions, api, streamed, way):
    upstream.script("go", WIPE)
    upstream.script(TOLD, Failure(500))
    events, answer = await answered(api, upstream, decisions, streamed=streamed, way=way)

    assert TOLD in repr(answer)
    assert CANARY not in repr(events)


@chat_and_messages
async def test_the_next_answer_is_told_the_whole_conversation(upstream, decisions, api):
    upstream.script("go", WIPE)
    upstream.script(TOLD, [text("I will not.")])
    await answered(api, upstream, decisions)
    first, following = (request.body for request in upstream.requests)

    asked = "messages" if "messages" in first else "input"
    assert following[asked][: len(first[asked])] == first[asked]
    assert "Wiping." in repr(following)


class Mask(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return {**inputs, "texts": [each.replace("4711", "[hidden]") for each in inputs["texts"]]}


@pytest.mark.format("responses")
@whole_and_streamed
async def test_the_next_answers_texts_are_checked(upstream, decisions, streamed):
    upstream.script("go", WIPE)
    upstream.script(TOLD, [text("Customer 4711 stays.")])
    masks = [Mask(guardrail_name="mask")]
    events, answer = await answered(RESPONSES, upstream, decisions, streamed=streamed, guardrails=masks)

    assert "Customer [hidden] stays." in repr(answer)
    assert "Customer 4711" not in repr(events)


@each_api
@whole_and_streamed
async def test_a_guardrail_among_litellms_callbacks_leaves_the_next_answer_alone(
    upstream, decisions, kept, api, streamed, monkeypatch
):
    bystander = ScriptedDecider()
    monkeypatch.setattr(litellm, "callbacks", [BighubGuardrail(guardrail_name="bighub", decider_instance=bystander)])
    upstream.script("go", WIPE)
    upstream.script(TOLD, [text("I will not.")])
    try:
        await answered(api, upstream, decisions, streamed=streamed)
    finally:
        litellm_bighub.uninstall()

    assert told(kept) == [("wipe", "blocked")]
    assert bystander.asked == []


def test_litellms_callbacks_cannot_ask_for_another_answer_and_say_so(monkeypatch):
    monkeypatch.delitem(sys.modules, "litellm.proxy.proxy_server", raising=False)
    with pytest.raises(ConfigurationError, match=r"bighub\.on_block: .*litellm_bighub\.aresponses"):
        BighubGuardrail(guardrail_name="bighub", decider_instance=ScriptedDecider(), on_block="continue")


@pytest.mark.format("responses")
def test_a_handler_cannot_ask_for_another_answer_and_says_so(decisions):
    with pytest.raises(ConfigurationError, match=r"withholding\.on_block: .*litellm_bighub\.aresponses"):
        OpenAIResponsesHandler(tool_decisions=decisions, withholding=CONTINUE)
