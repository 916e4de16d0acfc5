"""Why a call was made is read from the end of a conversation, in each format, and never fails."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.formats.requests.background import read_background

SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}}
CHAT = {
    "messages": [
        {"role": "system", "content": "You are kind."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": [{"type": "text", "text": "My cup is broken."}, {"type": "image_url"}]},
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [{"id": "c1", "function": {"name": "look_up", "arguments": '{"order":"A-1"}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "sent on Monday"},
    ],
    "tools": [{"type": "function", "function": {"name": "refund", "description": "Pays back.", "parameters": SCHEMA}}],
}
CHAT_ANSWER = {
    "choices": [
        {"message": {"content": "another"}},
        {
            "message": {
                "content": "I pay it back.",
                "tool_calls": [{"id": "c2", "function": {"name": "refund", "arguments": "{}"}}],
            }
        },
    ]
}
MESSAGES = {
    "messages": [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": [{"type": "text", "text": "My cup is broken."}, {"type": "image_url"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "c1", "name": "look_up", "input": {"order": "A-1"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "sent on Monday"}]}
            ],
        },
    ],
    "tools": [{"name": "refund", "description": "Pays back.", "input_schema": SCHEMA}],
}
MESSAGES_ANSWER = {
    "content": [
        {"type": "text", "text": "I pay it back."},
        {"type": "tool_use", "id": "c2", "name": "refund", "input": {}},
        {"type": "text", "text": "after it"},
    ]
}
RESPONSES = {
    "input": [
        {"role": "user", "content": "Hello"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]},
        {"role": "user", "content": [{"type": "input_text", "text": "My cup is broken."}, {"type": "image_url"}]},
        {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": '{"order":"A-1"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "sent on Monday"},
    ],
    "tools": [{"type": "function", "name": "refund", "description": "Pays back.", "parameters": SCHEMA}],
}
RESPONSES_ANSWER = {
    "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I pay it back."}]},
        {"type": "function_call", "call_id": "c2", "name": "refund", "arguments": "{}"},
    ]
}
TURN = [
    ("user", "", "My cup is broken."),
    ("user", "", "[image_url]"),
    ("model", "", "I look."),
    ("call", "look_up", '{"order":"A-1"}'),
    ("result", "look_up", "sent on Monday"),
    ("model", "", "I pay it back."),
]
CHUNKS = [{"choices": [{"delta": {"content": part}}]} for part in ("I pay", " it back.", None)] + [{"choices": []}]
EVENTS = [{"type": "response.output_text.delta", "delta": part} for part in ("I pay", " it back.")]
FRAMES = [
    b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"I pa',
    b'y"}}\n\ndata: [DONE\n\n',
    'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":" it back."}}\n\n',
]


def refund(path="", name="refund"):
    return ToolCall("c2", "function", name, {"amount": 700}, path=path)


def told(background):
    return [
        (
            each.speaker,
            each.tool,
            json.dumps(json.loads(each.text), separators=(",", ":"))
            if each.tool == "look_up" and each.speaker == "call"
            else each.text,
        )
        for each in background.said
    ]


@pytest.mark.parametrize(
    ("request_", "path", "answer", "heard"),
    [
        pytest.param(CHAT, "choices[1].message.tool_calls[0]", CHAT_ANSWER, (), id="chat"),
        pytest.param(
            CHAT, "[1].choices[1].message.tool_calls[0]", [None, CHAT_ANSWER], (), id="chat of several models"
        ),
        pytest.param(CHAT, "choices[0].message.tool_calls[0]", None, CHUNKS, id="chat streamed"),
        pytest.param(MESSAGES, "content[1]", MESSAGES_ANSWER, (), id="messages"),
        pytest.param(MESSAGES, "content[1]", None, FRAMES, id="messages streamed"),
        pytest.param(RESPONSES, "output[1]", RESPONSES_ANSWER, (), id="responses"),
        pytest.param(RESPONSES, "output[1]", {"id": "resp_1", "output": []}, EVENTS, id="responses streamed"),
    ],
)
def test_the_last_turn_is_told_alike_in_all_formats(request_, path, answer, heard):
    background = read_background(refund(path), request_, answer, heard)
    assert told(background) == TURN
    assert (background.description, background.schema) == ("Pays back.", SCHEMA)


@pytest.mark.parametrize("request_", [CHAT, MESSAGES, RESPONSES], ids=["chat", "messages", "responses"])
def test_the_conversation_is_told_from_its_beginning_and_none_of_it_if_the_operator_says_so(request_):
    whole = read_background(refund(), request_, extent="conversation")
    assert told(whole) == [("user", "", "Hello"), ("model", "", "Hi."), *TURN[:-1]]
    assert not read_background(refund(), request_, extent="none")


@pytest.mark.parametrize("extent", ["last_turn", "conversation"])
@given(st.lists(st.sampled_from(["user", "assistant", "tool"]), max_size=300), st.integers(1, 5000))
@settings(max_examples=15, deadline=None)
def test_a_long_conversation_is_bounded_and_keeps_the_users_last_words(extent, roles, length):
    messages = [{"role": role, "content": f"{at} " + "x" * length} for at, role in enumerate(roles)]
    said = read_background(refund(), {"messages": messages}, extent=extent).said
    most, room = {"last_turn": (30, 20_000), "conversation": (80, 60_000)}[extent]
    assert len(said) <= most + 1
    assert sum(min(len(each.text), 4000) for each in said) <= room + 4000
    spoken = [at for at, role in enumerate(roles) if role == "user"]
    asked = [each.text for each in said if each.speaker == "user"]
    if spoken:
        assert asked[-1].startswith(f"{spoken[-1]} ")
    if said and extent == "conversation":
        first = int(said[0].text.split()[0])
        assert len(said) + sum(each.skipped for each in said[1:]) == len(roles) - first
    numbers = [int(each.text.split()[0]) for each in said]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("item", "told_"),
    [
        ("Hello", [("user", "", "Hello")]),
        ({"role": "developer", "content": "secret"}, []),
        (
            {"type": "shell_call", "id": "c", "action": {"commands": ["ls"]}},
            [("call", "shell_call", '{"commands": ["ls"]}')],
        ),
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select 1"},
            [("call", "sql", "select 1")],
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": ["a", {"type": "input_image"}]},
            [("result", "", "a\n[input_image]")],
        ),
        ({"role": "function", "name": "old", "content": "42"}, [("result", "old", "42")]),
        (
            {"role": "assistant", "content": None, "function_call": {"name": "old", "arguments": "{}"}},
            [("call", "old", "{}")],
        ),
        (
            {"role": "assistant", "content": ["said", {"type": "refusal", "refusal": "no"}, {}, 5]},
            [("model", "", "said"), ("model", "", "no")],
        ),
        ({"role": "tool", "content": {1, 2}}, [("result", "", "")]),
        (7, []),
    ],
)
def test_an_item_is_told_by_its_shape(item, told_):
    said = read_background(refund(), {"input": [item]}, extent="conversation").said
    assert [(each.speaker, each.tool, each.text) for each in said] == told_


def test_a_turn_begins_with_the_users_words_within_a_message():
    parts = [*[{"type": "tool_result", "tool_use_id": "c", "content": "old"}] * 2, {"type": "text", "text": "new"}]
    assert told(read_background(refund(), {"messages": [{"role": "user", "content": parts}]})) == [("user", "", "new")]


def test_a_text_as_input_is_the_users():
    assert told(read_background(refund(), {"input": "Pay."})) == [("user", "", "Pay.")]
    assert told(read_background(refund(), {"input": 5})) == []


def test_an_mcp_client_tells_of_the_tool_alone():
    """The message beside such a call is one that LiteLLM has made of it."""
    request_ = {"messages": [{"role": "user", "content": "Tool: pay"}], "mcp_tool_description": "Pays."}
    for schema in (SCHEMA, None):
        found = read_background(refund("mcp after apr_1"), {**request_, "mcp_input_schema": schema})
        assert (found.said, found.description, found.schema) == ((), "Pays.", schema or {})


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["user", "assistant", "text", "tool_use", "function_call"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "role",
                        "type",
                        "content",
                        "tool_calls",
                        "function_call",
                        "function",
                        "name",
                        "text",
                        "output",
                        "call_id",
                    ),
                    *("choices", "message", "delta", "tools", "parameters", "description", "messages", "input"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(
    ANYTHING,
    ANYTHING,
    st.lists(ANYTHING | st.binary(max_size=20)),
    st.sampled_from(["", "output[1]", "content[0]", "choices[0]", "[3].choices[1]"]),
)
@settings(max_examples=60, deadline=None)
def test_nothing_that_a_payload_holds_makes_it_fail(items, answer, heard, path):
    for request_ in ({"messages": items, "tools": items}, {"input": items, "functions": items}):
        read_background(refund(path), request_, answer, heard, "conversation")


def test_a_result_without_its_call_has_the_name_that_is_known_of_it():
    items = [{"type": "function_call_output", "call_id": f"c{at}", "output": "x"} for at in range(2)]
    said = read_background(refund(), {"input": items}, names={"c0": "look_up"}).said
    assert [each.tool for each in said] == ["look_up", ""]


def test_what_there_is_no_room_for_is_counted():
    answers = [{"role": "assistant", "content": f"{at}"} for at in range(99)]
    said = read_background(refund(), {"messages": [{"role": "user", "content": "go"}, *answers]}).said
    assert (said[0].text, said[1].text, said[1].skipped, len(said)) == ("go", "69", 69, 31)
