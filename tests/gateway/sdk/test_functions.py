"""Calls in code: governed functions, callbacks of LiteLLM, and refusals where neither could govern."""

from __future__ import annotations

import asyncio

import litellm
import pytest
from litellm.caching.caching import Cache
from pydantic import BaseModel

import litellm_bighub
from litellm_bighub import BighubGuardrail, ToolDecisions
from litellm_bighub.domain.decision import Block, RequireApproval
from litellm_bighub.errors import UngovernedCallError
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding
from litellm_bighub.testing import ScriptedDecider, ScriptedUpstream, function_call, text

# LiteLLM's own types, when pydantic first meets them.
pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")

CANARY = "canary-4711"


class Upper(litellm.integrations.custom_guardrail.CustomGuardrail):
    """A text guardrail of the first contract. It leaves names of tools alone: a rewrite of one fails the request."""

    async def apply_guardrail(self, text: str) -> str:
        return text if text == "wipe" else text.upper()


class Report(BaseModel):
    """What the caller wants the model to answer."""

    title: str


@pytest.fixture
def decider():
    return ScriptedDecider({"wipe": Block("not within policy"), "refund": RequireApproval("large", "req_9")})


@pytest.fixture
def callback(decider, monkeypatch):
    """`litellm.callbacks` as a program has it that governs its plain calls."""
    guardrail = BighubGuardrail(guardrail_name="bighub", decider_instance=decider)
    monkeypatch.setattr(litellm, "callbacks", [guardrail])
    yield guardrail
    litellm_bighub.uninstall()


def request(upstream: ScriptedUpstream, **more):
    return {"model": "openai/gpt-4.1", "input": "go", "api_base": upstream.base_url, "api_key": "sk-x", **more}


def types(response) -> list[str]:
    return [item.type if hasattr(item, "type") else item["type"] for item in response.output]


@pytest.mark.format("responses")
async def test_a_whole_answer_is_governed(upstream, decider):
    upstream.script("go", [text("hm"), function_call("lookup", {"a": 1}), function_call("wipe", {"a": CANARY})])
    response = await litellm_bighub.aresponses(**request(upstream), tool_decisions=ToolDecisions(decider))

    assert types(response) == ["message", "function_call", "message"]
    assert CANARY not in response.model_dump_json()
    assert [call.name for call, _ in decider.asked] == ["lookup", "wipe"]


@pytest.mark.format("responses")
async def test_actor_and_domain_are_the_callers_own(upstream, decider):
    upstream.script("go", [function_call("lookup", {})])
    await litellm_bighub.aresponses(
        **request(upstream), tool_decisions=ToolDecisions(decider), actor="billing", domain="payments"
    )
    [(_, context)] = decider.asked

    assert (context.actor, context.domain, context.surface) == ("billing", "payments", "litellm_bighub.aresponses")
    assert context.response_id.startswith("resp_up")


@pytest.mark.format("responses")
async def test_guardrails_see_request_and_answer(upstream, decider):
    upstream.script("GO", [text("hm"), function_call("wipe", {})])
    response = await litellm_bighub.aresponses(
        **request(upstream), guardrails=[Upper(guardrail_name="upper")], tool_decisions=ToolDecisions(decider)
    )

    assert upstream.requests[0].prompt == "GO"
    assert response.output[0].content[0].text == "HM"
    assert types(response) == ["message", "message"]


@pytest.mark.format("responses")
async def test_a_stream_is_governed(upstream, decider):
    upstream.script("go", [text("hm"), function_call("lookup", {"a": 1}), function_call("wipe", {"a": CANARY})])
    stream = await litellm_bighub.aresponses(**request(upstream), stream=True, tool_decisions=ToolDecisions(decider))
    events = [event async for event in stream]

    assert CANARY not in "".join(event.model_dump_json() for event in events)
    assert types(events[-1].response) == ["message", "function_call", "message"]


@pytest.mark.format("responses")
async def test_a_stream_without_tool_decisions_comes_through(upstream):
    upstream.script("go", [function_call("wipe", {"a": CANARY})])
    stream = await litellm_bighub.aresponses(**request(upstream), stream=True)
    assert CANARY in "".join([event.model_dump_json() async for event in stream])


@pytest.mark.format("responses")
def test_synchronous_code_is_governed(upstream, decider):
    upstream.script("go", [function_call("wipe", {"a": CANARY})])
    response = litellm_bighub.responses(**request(upstream), tool_decisions=ToolDecisions(decider))
    assert types(response) == ["message"]


@pytest.mark.format("responses")
def test_a_synchronous_stream_is_governed_and_can_be_left_early(upstream, decider):
    upstream.script("go", [text("hm"), function_call("wipe", {"a": CANARY})])
    events = list(litellm_bighub.responses(**request(upstream), stream=True, tool_decisions=ToolDecisions(decider)))
    assert CANARY not in "".join(event.model_dump_json() for event in events)

    left = litellm_bighub.responses(**request(upstream), stream=True, tool_decisions=ToolDecisions(decider))
    assert next(left).type == "response.created"
    left.close()
    assert list(left) == []


@pytest.mark.format("responses")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_withheld_call_can_be_an_error(upstream, decider, streamed):
    upstream.script("go", [function_call("refund", {"a": CANARY})])

    async def ask():
        answer = await litellm_bighub.aresponses(
            **request(upstream),
            stream=streamed,
            tool_decisions=ToolDecisions(decider),
            withholding=Withholding(on_approval="error"),
        )
        return [event async for event in answer]

    with pytest.raises(ToolCallWithheld) as raised:
        await ask()
    assert raised.value.approval_id == "req_9"
    assert CANARY not in str(raised.value.detail)


@pytest.mark.format("responses")
async def test_a_notice_in_a_structured_answer_is_a_refusal(upstream, decider):
    upstream.script("go", [function_call("wipe", {})])
    response = await litellm_bighub.aresponses(
        **request(upstream), text_format=Report, tool_decisions=ToolDecisions(decider)
    )
    assert response.output[0].content[0].type == "refusal"


# Plain calls of LiteLLM, with our guardrail as a callback.


@pytest.mark.format("responses")
async def test_a_plain_whole_call_is_governed_once(upstream, decider, callback):
    upstream.script("go", [text("hm"), function_call("lookup", {}), function_call("wipe", {"a": CANARY})])
    response = await litellm.aresponses(**request(upstream))

    assert types(response) == ["message", "function_call", "message"]
    assert CANARY not in response.model_dump_json()
    assert len(decider.asked) == 2


@pytest.mark.format("responses")
@pytest.mark.parametrize(
    "more",
    [
        {"proxy_server_request": {"url": "http://proxy/v1/responses"}},
        {"litellm_metadata": {"user_api_key_auth": "x", "user_api_key": "x"}},
        {"guardrails": []},
        {"metadata": {"guardrails": []}},
    ],
    ids=lambda more: next(iter(more)),
)
async def test_nothing_in_a_call_switches_governing_off(upstream, callback, more):
    upstream.script("go", [function_call("wipe", {"a": CANARY})])
    assert types(await litellm.aresponses(**request(upstream), **more)) == ["message"]
    with pytest.raises(UngovernedCallError):
        await litellm.aresponses(**request(upstream), stream=True, **more)


@pytest.mark.format("responses")
async def test_a_plain_stream_is_refused_before_anything_is_asked(upstream, callback):
    with pytest.raises(UngovernedCallError, match=r"litellm_bighub\.aresponses"):
        await litellm.aresponses(**request(upstream), stream=True)
    assert upstream.requests == []


def test_a_plain_synchronous_call_is_refused_before_anything_is_asked(upstream, callback):
    with pytest.raises(UngovernedCallError, match=r"litellm_bighub\.responses"):
        litellm.responses(**request(upstream))
    assert upstream.requests == []


def router(upstream) -> litellm.Router:
    params = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x"}
    return litellm.Router(model_list=[{"model_name": "gpt-4.1", "litellm_params": params}], num_retries=0)


@pytest.mark.format("responses")
async def test_a_router_in_code_is_governed(upstream, decider, callback):
    upstream.script("go", [function_call("wipe", {"a": CANARY})])
    response = await router(upstream).aresponses(model="gpt-4.1", input="go")
    assert types(response) == ["message"]
    assert len(decider.asked) == 1


@pytest.mark.format("responses")
async def test_a_router_in_code_is_refused_a_stream(upstream, callback):
    with pytest.raises(UngovernedCallError, match=r"litellm_bighub\.aresponses"):
        await router(upstream).aresponses(model="gpt-4.1", input="go", stream=True)
    assert upstream.requests == []


@pytest.mark.format("responses")
async def test_an_error_of_the_operators_choice_goes_out(upstream, decider, monkeypatch):
    guardrail = BighubGuardrail(guardrail_name="bighub", decider_instance=decider, on_block="error")
    monkeypatch.setattr(litellm, "callbacks", [guardrail])
    upstream.script("go", [function_call("wipe", {"a": CANARY})])
    with pytest.raises(ToolCallWithheld):
        await litellm.aresponses(**request(upstream))


@pytest.mark.format("responses")
async def test_a_cached_answer_holds_no_withheld_call(upstream, decider, callback, monkeypatch):
    monkeypatch.setattr(litellm, "cache", Cache(type="local"))
    upstream.script("go", [function_call("wipe", {"a": CANARY})])
    first = await litellm.aresponses(**request(upstream), caching=True)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
    monkeypatch.setattr(litellm, "callbacks", [])
    second = await litellm.aresponses(**request(upstream), caching=True)

    assert CANARY not in first.model_dump_json()
    assert CANARY not in second.model_dump_json()
    assert len(upstream.requests) == 1


@pytest.mark.format("responses")
async def test_what_was_allowed_once_is_decided_on_again_in_place_of_coming_from_the_cache(
    upstream, decider, callback, monkeypatch
):
    monkeypatch.setattr(litellm, "cache", Cache(type="local"))
    upstream.script("go", [function_call("lookup", {})])
    for _ in range(2):
        await litellm.aresponses(**request(upstream), caching=True)
        await asyncio.sleep(0.2)  # LiteLLM writes in the background
    assert len(decider.asked) == 2


def chat(upstream):
    asked = {**request(upstream), "messages": [{"role": "user", "content": "go"}]}
    return {key: value for key, value in asked.items() if key != "input"}


@pytest.mark.format("chat")
async def test_a_plain_chat_call_is_governed_once(upstream, decider, callback):
    upstream.script("go", [function_call("lookup", {}), function_call("wipe", {"a": CANARY})])
    response = await litellm.acompletion(**chat(upstream))

    assert [call.function.name for call in response.choices[0].message.tool_calls] == ["lookup"]
    assert CANARY not in response.model_dump_json()
    assert len(decider.asked) == 2


async def test_a_call_that_litellm_answers_by_another_is_decided_on_once(upstream, decider, callback):
    upstream.script("go", [function_call("lookup", {}), function_call("wipe", {"a": CANARY})])
    bridged = {**chat(upstream), "model": "openai/responses/gpt-4.1"}
    response = await litellm.acompletion(**bridged)

    assert upstream.requests[0].path == "/v1/responses"
    calls = [
        call for choice in response.choices for call in choice.message.tool_calls or ()
    ]  # of 1.104 in a second one
    assert [call.function.name for call in calls] == ["lookup"]
    assert CANARY not in response.model_dump_json()
    assert len(decider.asked) == 2


@pytest.mark.format("chat")
async def test_a_plain_chat_stream_is_refused_before_anything_is_asked(upstream, callback):
    with pytest.raises(UngovernedCallError, match=r"litellm\.acompletion\(stream=True\)"):
        await litellm.acompletion(**chat(upstream), stream=True)
    assert upstream.requests == []


@pytest.mark.format("chat")
async def test_the_same_call_again_is_decided_on_again(upstream, decider, callback):
    upstream.script("go", [function_call("lookup", {})])
    for _ in range(2):
        await litellm.acompletion(**chat(upstream))

    assert len(decider.asked) == 2
