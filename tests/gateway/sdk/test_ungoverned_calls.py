"""Plain calls in code whose answers LiteLLM hands to no hook: nothing is asked while our guardrail is a callback."""

from __future__ import annotations

import asyncio

import litellm
import pytest
from litellm import google_genai, interactions

import litellm_bighub
from litellm_bighub import BighubGuardrail, ToolDecisions
from litellm_bighub.domain.decision import Block
from litellm_bighub.errors import UngovernedCallExit
from litellm_bighub.testing import ScriptedDecider, function_call, text
from tests.gateway.sdk.sdk_calls import CANARY, CHAT, TURN, litellms_types

pytestmark = litellms_types

CONTENTS = [{"role": "user", "parts": [{"text": "go"}]}]
KNOWN = {"model": "openai/gpt-4.1", "api_key": "sk-x", "max_retries": 0}
GEMINI = {**KNOWN, "model": "gemini/gemini-2.0-flash"}
INTERACTION = {"model": "gemini/gemini-2.5-flash", "api_key": "x"}
PROVIDER = {"custom_llm_provider": "openai", "api_key": "sk-x"}
CALL = {"id": "c", "type": "function", "function": {"name": "wipe", "arguments": "{}"}}


@pytest.fixture
def decider():
    return ScriptedDecider({"wipe": Block("not within policy")})


@pytest.fixture(autouse=True)
def _callback(upstream, decider, monkeypatch):
    """`litellm.callbacks` as a program has it that governs its plain calls."""
    upstream.script("go", [text("hm"), function_call("wipe", {"a": CANARY})])
    monkeypatch.setattr(litellm, "callbacks", [BighubGuardrail(guardrail_name="bighub", decider_instance=decider)])
    yield
    litellm_bighub.uninstall()


def complete(base, **more):
    return litellm.completion(messages=TURN, api_base=base, **{**KNOWN, **more})


def through_a_router(base):
    router = litellm.Router([{"model_name": "m", "litellm_params": {**KNOWN, "api_base": base}}], num_retries=2)
    return router.completion(model="m", messages=TURN)


UNGOVERNED = {
    "completion": complete,
    "streamed": lambda base: list(complete(base, stream=True)),
    "retries": lambda base: complete(base, num_retries=2),
    "many at once": lambda base: litellm.batch_completion(messages=[TURN, TURN], api_base=base, **KNOWN),
    "router": through_a_router,
    "mock": lambda base: complete(base, mock_response="hm", mock_tool_calls=[CALL]),
    "generate": lambda base: google_genai.generate_content(contents=CONTENTS, api_base=base, **KNOWN),
    "generate streamed": lambda base: list(
        google_genai.generate_content_stream(contents=CONTENTS, api_base=base, **KNOWN)
    ),
    "gemini": lambda base: google_genai.generate_content(contents=CONTENTS, api_base=base, **GEMINI),
    "agemini": lambda base: asyncio.run(google_genai.agenerate_content(contents=CONTENTS, api_base=base, **GEMINI)),
    "interactions": lambda base: interactions.create(**INTERACTION, input="go", api_base=base),
    "ainteractions": lambda base: asyncio.run(interactions.acreate(**INTERACTION, input="go", api_base=base)),
    "interaction fetched": lambda base: interactions.get("i", custom_llm_provider="gemini", api_base=base, api_key="x"),
    "ainteraction fetched": lambda base: asyncio.run(
        interactions.aget("i", custom_llm_provider="gemini", api_base=base, api_key="x")
    ),
    "passthrough": lambda base: asyncio.run(
        litellm.allm_passthrough_route(
            method="POST", endpoint="v1/chat", model="m", custom_llm_provider="vllm", api_base=base, json={}
        )
    ),
    "get": lambda base: litellm.get_responses("resp_1", api_base=base, **PROVIDER),
    "aget": lambda base: asyncio.run(litellm.aget_responses("resp_1", api_base=base, **PROVIDER)),
    "acancel": lambda base: asyncio.run(litellm.acancel_responses("resp_1", api_base=base, **PROVIDER)),
    "compact": lambda base: litellm.compact_responses(input="go", model="gpt-4.1", api_base=base, **PROVIDER),
    "acompact": lambda base: asyncio.run(
        litellm.acompact_responses(input="go", model="gpt-4.1", api_base=base, **PROVIDER)
    ),
}


@pytest.mark.parametrize("ask", UNGOVERNED.values(), ids=UNGOVERNED)
def test_it_is_refused_before_anything_is_asked(upstream, ask):
    with pytest.raises(UngovernedCallExit, match=r"to no callback; (call litellm_bighub\.completion|send it)"):
        ask(upstream.base_url)
    assert upstream.requests == []


@pytest.mark.format("chat")
def test_fallbacks_of_synchronous_code_are_governed(upstream):
    """LiteLLM makes an asynchronous call of it."""
    answer = complete(upstream.base_url, fallbacks=["openai/gpt-4o"])
    assert CHAT.calls(answer) == []
    assert "was blocked" in answer.choices[0].message.content


@pytest.mark.format("chat")
def test_the_function_that_the_error_names_is_governed(upstream, decider):
    answer = litellm_bighub.completion(
        messages=TURN, api_base=upstream.base_url, tool_decisions=ToolDecisions(decider), **KNOWN
    )
    assert CHAT.calls(answer) == []


def test_what_can_hold_no_call_goes_on(upstream):
    answer = litellm.text_completion(prompt="go", api_base=upstream.base_url, **KNOWN)
    assert CANARY not in repr(answer)
    assert len(upstream.requests) == 1


def test_a_guardrail_that_was_taken_out_refuses_nothing(upstream):
    with pytest.raises(UngovernedCallExit):
        complete(upstream.base_url)
    litellm.callbacks = []
    assert CHAT.calls(complete(upstream.base_url)) == ["wipe"]
