"""The request that goes on after blocked calls, in each format."""

from __future__ import annotations

import pytest

from tests.formats.absent import of_format

chat = of_format("litellm_bighub.formats.chat.format")
messages = of_format("litellm_bighub.formats.messages.format")
responses = of_format("litellm_bighub.formats.responses.format")

CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "wipe", "arguments": "{}"}
CUSTOM = {"type": "custom_tool_call", "id": "ct_1", "call_id": "c2", "name": "sql", "input": "drop"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}
SEALED = {**THOUGHT, "encrypted_content": "x"}
NOTICES = {"c1": "no", "c2": "never"}
CHAT_CALL = {"id": "c1", "type": "function", "function": {"name": "wipe", "arguments": "{}"}}
TOOL_USE = {"type": "tool_use", "id": "c1", "name": "wipe", "input": {}}


def completion(**message):
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": None, **message}}]}


@pytest.mark.format("responses")
def test_items_are_replayed_and_calls_answered():
    changed = responses.answering({"input": "go"}, {"output": [THOUGHT, CALL, CUSTOM]}, NOTICES)

    assert changed == {
        "input": [
            {"role": "user", "content": "go"},
            THOUGHT,
            CALL,
            CUSTOM,
            {"type": "function_call_output", "call_id": "c1", "output": "no"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "never"},
        ]
    }


@pytest.mark.format("responses")
def test_what_the_provider_has_forgotten_is_not_named():
    changed = responses.answering({"input": [], "store": False}, {"output": [THOUGHT, SEALED, CALL]}, NOTICES)

    assert changed is not None
    kept, call, _ = changed["input"]
    assert kept == {"type": "reasoning", "summary": [], "encrypted_content": "x"}
    assert "id" not in call


@pytest.mark.format("responses")
@pytest.mark.parametrize(
    "item",
    [{"type": "computer_call", "call_id": "c1", "action": {"type": "click"}}, {**CALL, "call_id": "c9"}],
    ids=["another type", "no notice"],
)
def test_a_call_that_only_the_caller_can_answer_ends_it(item):
    assert responses.answering({"input": "go"}, {"output": [item]}, NOTICES) is None


@pytest.mark.format("responses", "chat")
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", None),
        ("none", None),
        ("required", "auto"),
        ({"type": "function", "name": "wipe"}, "auto"),
    ],
)
def test_nobody_is_made_to_call_the_tool_again(choice, expected):
    request = {"input": "go", "messages": [], "tool_choice": choice}
    for changed in (
        responses.answering(request, {"output": [CALL]}, NOTICES),
        chat.answering(request, completion(tool_calls=[CHAT_CALL]), NOTICES),
    ):
        assert changed is not None
        assert changed.get("tool_choice") == expected


@pytest.mark.format("chat")
def test_a_completion_is_answered():
    asked = [{"role": "user", "content": "go"}]
    changed = chat.answering({"messages": asked}, completion(content="hm", tool_calls=[CHAT_CALL]), NOTICES)
    assert changed == {
        "messages": [
            *asked,
            {"role": "assistant", "content": "hm", "tool_calls": [CHAT_CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "no"},
        ]
    }


@pytest.mark.format("chat")
def test_a_legacy_call_is_answered():
    legacy = {"name": "wipe", "arguments": "{}"}
    changed = chat.answering({"messages": []}, completion(function_call=legacy), {"": "no"})
    assert changed is not None
    assert changed["messages"][1] == {"role": "function", "name": "wipe", "content": "no"}


@pytest.mark.format("chat")
@pytest.mark.parametrize(
    "response",
    [
        {"choices": completion()["choices"] * 2},
        completion(tool_calls=[{**CHAT_CALL, "id": "c9"}]),
        completion(function_call={"name": "wipe", "arguments": "{}"}),
    ],
    ids=["two choices", "no notice", "no notice for a legacy call"],
)
def test_a_completion_that_cannot_be_answered_ends_it(response):
    assert chat.answering({"messages": []}, response, NOTICES) is None


@pytest.mark.format("messages")
def test_a_messages_answer_is_answered():
    asked = [{"role": "user", "content": "go"}]
    request = {"messages": asked, "tool_choice": {"type": "any"}}
    changed = messages.answering(request, {"content": [{"type": "text", "text": "hm"}, TOOL_USE]}, NOTICES)
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "no", "is_error": True}
    assert changed == {
        "messages": [
            *asked,
            {"role": "assistant", "content": [{"type": "text", "text": "hm"}, TOOL_USE]},
            {"role": "user", "content": [result]},
        ],
        "tool_choice": {"type": "auto"},
    }
    assert messages.answering(request, {"content": [{**TOOL_USE, "id": "c9"}]}, NOTICES) is None
