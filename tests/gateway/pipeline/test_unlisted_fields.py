"""A call that may not pass stands nowhere in a whole answer: not in fields that its format does not know either."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings, strategies as st
from litellm.types.llms.openai import ResponsesAPIResponse
from litellm.types.utils import ModelResponse

from litellm_bighub import Allow, Block, ToolDecisions
from litellm_bighub.domain.call import CallContext
from litellm_bighub.gateway.pipeline.enforcement import Enforcement
from tests.gateway.planted import (
    CALL_FORMS,
    CANARY,
    FIELD,
    LOOKUP,
    PAY,
    TRACES,
    WIPE,
    WRAPPINGS,
    Call,
    owners,
    plant,
    told,
)

FORMS = {**CALL_FORMS, **TRACES}
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


class Decider:
    """Blocks `wipe` and edits `pay`, or allows everything."""

    name = "decider"

    def __init__(self, *, allows: bool) -> None:
        self.allows = allows

    async def decide(self, call, context):
        if self.allows or call.name == "lookup":
            return Allow()
        return Block("no") if call.name == "wipe" else Allow(edited={"amount": 1, "to": "x"})

    async def aclose(self):
        pass


async def governed(answer: Any, *, allows: bool = False) -> Any:
    await Enforcement(ToolDecisions(Decider(allows=allows))).govern(answer, CallContext())
    return answer


def chat(*calls: Call) -> dict[str, Any]:
    message = {
        "role": "assistant",
        "content": "I do it.",
        "reasoning_content": "Hm {",
        "tool_calls": [CALL_FORMS["chat"](call) for call in calls],
        "thinking_blocks": [{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}],
        "annotations": [{"type": "url_citation", "url_citation": {"title": "t", "url": "u"}}],
        "provider_specific_fields": {"thought_signature": "c2ln", "citations": [[{"cited_text": "{x"}]]},
    }
    choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": dict(USAGE),
    }


def messages(*calls: Call) -> dict[str, Any]:
    content = [
        {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
        {"type": "text", "text": "I do it {", "citations": [{"type": "char_location", "cited_text": "{x"}]},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result"}]},
        *(CALL_FORMS["messages"](call) for call in calls),
    ]
    usage = {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"web_search_requests": 1}}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": content,
        "stop_reason": "tool_use",
        "usage": usage,
        "container": {"id": "c_1"},
        "context_management": {"applied_edits": [{"type": "clear_tool_uses_20250919", "cleared_tool_uses": 1}]},
    }


def responses(*calls: Call) -> dict[str, Any]:
    part = {"type": "output_text", "text": "I do it {", "annotations": [], "logprobs": [{"token": "I", "bytes": [73]}]}
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}]}
    thought["encrypted_content"] = json.dumps([{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}])
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "output": [
            thought,
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]},
            *(CALL_FORMS["responses"](call) for call in calls),
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [{"type": "function", "name": "wipe", "parameters": {"type": "object", "properties": {}}}],
        "metadata": {"team": "a"},
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    }


ANSWERS = {
    "chat": lambda *calls: ModelResponse(**chat(*calls)),
    "chat dict": chat,
    "messages": messages,
    "responses": lambda *calls: ResponsesAPIResponse(**responses(*calls)),
    "responses dict": responses,
}

each_answer = pytest.mark.parametrize("made", ANSWERS.values(), ids=ANSWERS)
a_place = st.integers(0, 200)
a_wrapping = st.sampled_from(sorted(WRAPPINGS))
many = settings(max_examples=25, deadline=None)


def planted(made, calls, place, value):
    answer = made(*calls)
    found = list(owners(answer))
    plant(found[place % len(found)], value)
    return answer


@each_answer
@many
@given(place=a_place, form=st.sampled_from(sorted(FORMS)), wrapping=a_wrapping)
async def test_a_withheld_call_stands_nowhere(made, place, form, wrapping):
    answer = planted(made, [WIPE, LOOKUP], place, WRAPPINGS[wrapping](FORMS[form](WIPE)))
    left = repr(told(await governed(answer)))
    assert CANARY not in left
    assert FIELD not in left
    assert LOOKUP[1] in left


@each_answer
@many
@given(place=a_place, form=st.sampled_from(sorted(FORMS)), wrapping=a_wrapping)
async def test_the_models_arguments_do_not_stand_beside_a_persons(made, place, form, wrapping):
    answer = planted(made, [PAY, LOOKUP], place, WRAPPINGS[wrapping](FORMS[form](PAY)))
    left = repr(told(await governed(answer)))
    assert "48111" not in left
    assert FIELD not in left
    assert PAY[1] in left


@each_answer
@many
@given(place=a_place, form=st.sampled_from(sorted(CALL_FORMS)), wrapping=a_wrapping)
async def test_a_call_that_nobody_decided_on_stands_nowhere(made, place, form, wrapping):
    answer = planted(made, [LOOKUP], place, WRAPPINGS[wrapping](FORMS[form](WIPE)))
    left = repr(told(await governed(answer, allows=True)))
    assert FIELD not in left
    assert LOOKUP[1] in left


@each_answer
@many
@given(place=a_place, form=st.sampled_from(sorted(FORMS)), wrapping=a_wrapping)
async def test_an_answer_whose_calls_pass_stays_as_it_is(made, place, form, wrapping):
    assume(form in CALL_FORMS or wrapping != "marked")  # a mark makes a call of any text
    answer = planted(made, [WIPE, LOOKUP], place, WRAPPINGS[wrapping](FORMS[form](WIPE)))
    before = copy.deepcopy(told(answer))
    assert told(await governed(answer, allows=True)) == before


@each_answer
async def test_ordinary_fields_of_providers_stay(made):
    answer = made(LOOKUP)
    for owner in list(owners(answer)):
        plant(owner, {"service": "fast", "scores": [0.1, 2], "note": "the weather", "at": "2026-01-01"})
    before = copy.deepcopy(told(answer))
    assert told(await governed(answer)) == before


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@each_answer
@many
@given(place=a_place, value=VALUES)
async def test_any_value_can_be_looked_through(made, place, value):
    await governed(planted(made, [WIPE, PAY, LOOKUP], place, value))


@each_answer
@pytest.mark.parametrize(
    "hostile",
    ["[" * 100_000, '{"a":' * 5_000, "{" * 100_000, {"tool_calls": ["wipe(now)"]}],
    ids=["lists", "objects", "braces", "unreadable call"],
)
async def test_what_cannot_be_looked_through_goes(made, hostile):
    left = await governed(planted(made, [LOOKUP], 0, hostile))
    assert FIELD not in repr(told(left))
