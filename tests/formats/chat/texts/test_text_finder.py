"""Every text of a chat completion's request and answer is found at its place, and only there."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.chat.texts.text_finder import (
    find_in_answer,
    find_in_message,
    find_in_request,
    lone_text_in_answer,
    lone_text_in_request,
)
from litellm_bighub.formats.payload.request_walk import in_scope
from litellm_bighub.formats.payload.slots import TextKind, rewrite, slot_of

C = "bob@example.com"
M = "[mask]"
SCHEMA = {"type": "object", "properties": {"to": {"type": "string", "description": C, "default": C, "examples": [C]}}}
FUNCTION = {"name": "mail", "description": C, "parameters": SCHEMA}


def call(arguments: Any = f'{{"to": "{C}"}}') -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": arguments}}


MESSAGES: dict[str, dict[str, Any]] = {
    "content": {"role": "user", "content": C},
    "a part": {"role": "user", "content": [{"type": "text", "text": C}]},
    "a name": {"role": "user", "name": C, "content": "hi"},
    "a part of tomorrow": {"role": "user", "content": [{"type": "of tomorrow", "id": C, "deep": {"text": [C]}}]},
    "a bare part": {"role": "user", "content": [C]},
    "one part": {"role": "user", "content": {"type": "text", "text": C}},
    "a document": {
        "role": "user",
        "content": [
            {
                "type": "document",
                "title": C,
                "context": C,
                "source": {"type": "content", "content": [{"type": "text", "text": C}]},
            }
        ],
    },
    "a document of plain text": {
        "role": "user",
        "content": [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": C}}],
    },
    "a result of a tool": {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": C}]},
    "a refusal": {"role": "assistant", "refusal": C},
    "a refusal in a part": {"role": "assistant", "content": [{"type": "refusal", "refusal": C}]},
    "reasoning": {"role": "assistant", "reasoning": C, "reasoning_content": C},
    "reasoning details": {"role": "assistant", "reasoning_details": [{"type": "reasoning.text", "text": C}]},
    "reasoning items": {
        "role": "assistant",
        "reasoning_items": [{"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": C}]}],
    },
    "an unsigned thought": {"role": "assistant", "thinking_blocks": [{"type": "thinking", "thinking": C}]},
    "arguments": {"role": "assistant", "tool_calls": [call()]},
    "arguments that are an object": {"role": "assistant", "tool_calls": [call({"to": C})]},
    "a custom call": {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "x", "input": C}}],
    },
    "a legacy call": {"role": "assistant", "function_call": {"name": "mail", "arguments": f'{{"to": "{C}"}}'}},
    "a transcript": {"role": "assistant", "audio": {"id": "a", "data": "d", "expires_at": 1, "transcript": C}},
    "annotations": {
        "role": "assistant",
        "annotations": [
            {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 0, "title": C, "url": C}}
        ],
    },
    "a provider's fields": {
        "role": "assistant",
        "provider_specific_fields": {"citations": [[{"cited_text": C}]], "x": C},
    },
    "a field of tomorrow": {"role": "assistant", "later": {"on": C}},
    "a result in a part": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": C}]},
    "a use in a part": {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"a": C}}],
    },
}

REQUESTS: dict[str, dict[str, Any]] = {
    "a tool": {"tools": [{"type": "function", "function": FUNCTION}]},
    "a tool in another shape": {"tools": [{"type": "x", "description": C, "input_schema": SCHEMA}]},
    "a custom tool": {
        "tools": [
            {
                "type": "custom",
                "custom": {"name": "x", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": C}}},
            }
        ]
    },
    "a function": {"functions": [FUNCTION]},
    "allowed tools": {
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": FUNCTION}]},
        }
    },
    "a prediction": {"prediction": {"type": "content", "content": [{"type": "text", "text": C}]}},
    "a response format": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "description": C, "schema": SCHEMA}}
    },
    "ids of users": {"user": C, "safety_identifier": C, "prompt_cache_key": C},
    "a stop": {"stop": [C, "x"]},
    "notes": {"metadata": {"k": C}},
    "notes in the proxy": {"metadata": {"k": C, "requester_metadata": {"k": C}, "user_api_key_alias": "the key's"}},
    "a place": {"web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": C}}}},
    "headers": {"extra_headers": {"X-Told": C}},
    "a field of tomorrow": {"later": [{"on": {"and": C}}]},
    "what is laid over": {
        "extra_body": {
            "prediction": {"content": C},
            "tools": [{"type": "function", "function": FUNCTION}],
            "messages": [{"role": "user", "content": C}],
            "guided": {"to": C},
        }
    },
}


def masks(found: Any) -> None:
    rewrite(found.slots, [slot.text.replace(C, M) for slot in found.slots])


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("as_model", [False, True], ids=["dict", "model"])
def test_messages(message, as_model):
    expected = copy.deepcopy(message)
    data = {"messages": [modelled(expected) if as_model else expected]}
    masks(find_in_request(data))
    assert C not in told(data)
    assert M in told(data)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_the_same_in_an_answer(message):
    data = {"id": "x", "choices": [{"index": 0, "message": copy.deepcopy(message)}]}
    masks(find_in_answer([data]))
    assert C not in told(data)
    masks(find_in_message(alone := copy.deepcopy(message)))
    assert C not in told(alone)


class Model(BaseModel, extra="allow"):
    pass


def modelled(value: Any) -> Any:
    if isinstance(value, dict):
        return Model.model_validate({key: modelled(member) for key, member in value.items()})
    return [modelled(member) for member in value] if isinstance(value, list) else value


def told(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join([told(member) for member in value.values()])
    if isinstance(value, BaseModel):
        return told({**value.model_dump()})
    return " ".join(map(told, value)) if isinstance(value, list) else str(value)


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_requests(request_):
    data = copy.deepcopy(request_)
    masks(find_in_request(data))
    assert C not in told(data)
    assert M in told(data)


NAMES = {
    "a tool's": {"tools": [{"type": "function", "function": {"name": C}}]},
    "a key": {"tools": [{"type": "function", "function": {"parameters": {"properties": {C: {}}}}}]},
    "an enum": {"tools": [{"type": "function", "function": {"parameters": {"properties": {"a": {"enum": [C]}}}}}]},
    "a required key": {"tools": [{"type": "function", "function": {"parameters": {"required": [C]}}}]},
    "the chosen tool's": {"tool_choice": {"type": "function", "function": {"name": C}}},
    "a schema's": {"response_format": {"json_schema": {"name": C}}},
    "a call's": {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": C}}]}]},
    "a legacy call's": {"messages": [{"role": "assistant", "function_call": {"name": C}}]},
    "a function's": {"messages": [{"role": "function", "name": C}]},
    "a note's": {"metadata": {C: "x"}},
    "a header's": {"extra_headers": {C: "x"}},
}


@pytest.mark.parametrize("request_", NAMES.values(), ids=NAMES)
def test_names_are_scanned_and_never_rewritten(request_):
    before = copy.deepcopy(request_)
    found = find_in_request(request_)
    assert any(slot.kind is TextKind.NAME and C in slot.text for slot in found.slots)
    with pytest.raises(PayloadError, match="means something only as it stands"):
        masks(found)
    assert request_ == before


def test_what_is_no_text_is_left_alone():
    data = {
        "model": "m",
        "temperature": 1.0,
        "stream": True,
        "tool_choice": "auto",
        "function_call": "none",
        "response_format": BaseModel,
        "logit_bias": {"50256": -100},
        "metadata": None,
        "user": None,
        "kept": "by LiteLLM",
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "low"}}]}],
    }
    found = find_in_request(data, unsent=frozenset({"kept"}))
    assert (found.texts, found.images) == ([], ["u"])
    assert find_in_request({"metadata": {"user_api_key_alias": "a"}}).texts == []
    assert find_in_request({"messages": [{"role": "user", "content": ""}]}).texts == []


def test_media_and_hidden_places():
    parts = [
        {"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}},
        {"type": "file", "file": {"filename": "n", "file_data": "f"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "p"}},
        {"type": "document", "source": {"type": "url", "url": "u"}},
        {"type": "document", "source": {"type": "file", "file_id": "i"}},
        {"type": "redacted_thinking", "data": "gAAAA"},
    ]
    found = find_in_request({"messages": [{"role": "user", "content": parts}]})
    assert (found.texts, found.files, len(found.hidden)) == (["n"], ["d", "f", "p", "u", "i"], 1)


def test_escapes_in_arguments_hide_nothing():
    data = {"messages": [{"role": "assistant", "tool_calls": [call(r'{"to": "\u0062ob@example.com"}')]}]}
    masks(find_in_request(data))
    assert data["messages"][0]["tool_calls"][0]["function"]["arguments"] == f'{{"to": "{M}"}}'


def test_a_signed_thought_is_left_out_where_it_is_rewritten():
    kept = {"type": "thinking", "thinking": "fine", "signature": "s1"}
    message = {"content": "x", "thinking_blocks": [kept, {"type": "thinking", "thinking": C, "signature": "s2"}]}
    masks(find_in_answer({"choices": [{"message": message}]}))
    assert message["thinking_blocks"] == [kept]


@pytest.mark.parametrize("token", [C, "fine"])
def test_tokens_are_dropped_where_they_tell_what_was_rewritten(token):
    logprobs = {"content": [{"token": token[:3], "logprob": -1.0}, {"token": token[3:], "logprob": -1.0}]}
    answer = {"choices": [{"message": {"content": token}, "logprobs": copy.deepcopy(logprobs)}]}
    masks(find_in_answer(answer))
    assert answer["choices"][0]["logprobs"] == (None if token == C else logprobs)


def test_annotations_that_no_longer_fit_are_dropped():
    annotation = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 20, "url": "u"}}
    message = {"content": f"see {C} there", "annotations": [annotation]}
    masks(find_in_answer({"choices": [{"message": message}]}))
    assert message == {"content": f"see {M} there", "annotations": []}


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"messages": "hello"}, "messages: is a str"),
        ({"messages": ["hello"]}, r"messages\[0\]: is a str"),
        ({"messages": [{"content": 7}]}, r"messages\[0\].content: is a int"),
        ({"extra_body": {"messages": 7}}, r"extra_body.messages: is a int"),
    ],
)
def test_what_cannot_be_read(data, path):
    with pytest.raises(PayloadError, match=path):
        find_in_request(data)


def test_tuples_become_lists():
    data = {"messages": ({"role": "user", "content": C},)}
    masks(find_in_request(data))
    assert data == {"messages": [{"role": "user", "content": M}]}


@pytest.mark.parametrize(("role", "expected"), [("System", False), ("user", True), (None, True)])
def test_roles_out_of_scope(role, expected):
    message = {"role": role, "content": C}
    assert in_scope(message, ("system",)) is expected
    assert bool(find_in_request({"messages": [message]}, skip_roles=("system",)).slots) is expected
    assert in_scope(message, ())


@given(
    st.lists(st.sampled_from(list(MESSAGES.values())), max_size=4, unique_by=id),
    st.sampled_from(list(REQUESTS.values())),
)
def test_what_comes_back_unchanged_changes_nothing(messages, more):
    data = copy.deepcopy({**more, "messages": messages})
    found = find_in_request(data)
    assert rewrite(found.slots, found.texts) == 0
    assert data == {**more, "messages": messages}
    assert len({(id(slot.owner), slot.key) for slot in found.slots}) == len(found.slots)


def choice(message, **more):
    return {"index": 0, "finish_reason": "stop", "message": message, **more}


SAID = {"role": "assistant", "content": C, "refusal": None}


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": []},
        {"choices": None},
        {"choices": [choice(SAID), choice(SAID)]},
        {"choices": [choice({**SAID, "refusal": C})]},
        {"choices": [choice({**SAID, "content": ""})]},
        {"choices": [choice(SAID)], "usage": {"note": C}},
        {"choices": [choice(SAID)], "id": {"deep": C}},
    ],
    ids=["none", "null", "two", "a refusal", "empty", "a text in usage", "a text in an id"],
)
def test_an_answer_that_is_not_one_text_takes_the_long_way(answer):
    assert lone_text_in_answer(answer) is None


def test_an_answer_that_is_one_text_takes_the_short_way():
    answer = {
        "id": "c",
        "choices": [choice(SAID, logprobs=None)],
        "usage": {"total_tokens": 1, "details": {"cached": 1}},
    }
    lone = lone_text_in_answer(answer)
    assert lone is not None
    slot = slot_of(*lone)
    assert (slot.text, slot.path) == (C, find_in_answer(answer).slots[0].path)


@pytest.mark.parametrize(
    "other",
    [
        choice(SAID, logprobs=None),
        {"index": 1, "message": SAID},
        choice({**SAID, "content": None}),
        choice({"content": C}),
    ],
    ids=["more fields", "fewer fields", "no content", "no role"],
)
def test_choices_of_one_text_are_found_beside_others(other):
    answer = {"choices": [choice(SAID), other]}
    expected = [C] if other["message"].get("content") is None else [C, C]
    assert find_in_answer(answer).texts == expected


def test_a_request_that_is_one_text_takes_the_short_way():
    lone = lone_text_in_request({"model": "m", "messages": [{"role": "user", "content": C}]})
    assert lone is not None
    slot = slot_of(*lone)
    assert (slot.text, slot.path) == (C, "messages[0].content")
    assert lone_text_in_request({"model": {"deep": C}, "messages": [{"role": "user", "content": C}]}) is None


class Unlike(dict[str, Any]):
    """A dict to all who read it. A list that holds one beside dicts is no list of equal elements."""


SPOKEN = st.sampled_from(["", "a", "b"])
EQUAL = st.lists(
    st.fixed_dictionaries(
        {"role": st.just("user"), "content": SPOKEN | st.just([{"type": "text", "text": "c"}])},
        optional={"tool_calls": st.just([call()]), "name": st.just("d")},
    )
    | st.fixed_dictionaries({"role": st.just("user"), "content": SPOKEN}),
    min_size=1,
    max_size=4,
)


def upper(found):
    seen = [(each.text, each.path) for each in found.slots if each.kind is not TextKind.NAME]
    if "mail" not in str(found.texts):
        found.rewrite([text.upper() for text in found.texts])
    return seen, found.texts


@given(EQUAL)
def test_equal_messages_are_found_as_unlike_ones_are(messages):
    unlike = copy.deepcopy(messages)
    unlike[0] = Unlike(unlike[0])
    requests = {"messages": messages}, {"messages": unlike}
    assert upper(find_in_request(requests[0])) == upper(find_in_request(requests[1]))
    assert requests[0] == requests[1]


@given(EQUAL)
def test_equal_choices_are_found_as_unlike_ones_are(messages):
    choices = [{"index": 0, "finish_reason": "stop", "message": message} for message in messages]
    unlike = copy.deepcopy(choices)
    unlike[0] = Unlike(unlike[0])
    answers = {"choices": choices}, {"choices": unlike}
    assert upper(find_in_answer(answers[0])) == upper(find_in_answer(answers[1]))
    assert answers[0] == answers[1]
