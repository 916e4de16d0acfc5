"""The record's part: calls of messages and choices, as guardrails are handed them."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.chat.texts.texts import TEXTS
from litellm_bighub.formats.payload.slots import TextKind
from litellm_bighub.formats.stream.text_part import WholeText

CALLS = [
    {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": r'{"to": "\u0062ob"}'}},
    {"id": "c2", "type": "custom", "custom": {"name": "run", "input": "ls"}},
    {"id": "c3", "function": {"arguments": {"to": "bob"}}},
    {"id": "c4"},
]
MESSAGE = {"role": "assistant", "tool_calls": CALLS, "function_call": {"name": "old", "arguments": "{}"}}


@pytest.mark.parametrize("holder", [MESSAGE, {"message": MESSAGE}], ids=["messages", "choices"])
def test_calls(holder):
    found = TEXTS.calls([{"role": "user", "content": "hi"}, holder], "items")
    assert [(each.call_id, each.name, each.arguments) for each in found] == [
        ("c1", "mail", '{"to": "bob"}'),
        ("c2", "run", "ls"),
        ("c3", "", '{"to": "bob"}'),
        (None, "old", "{}"),
    ]
    assert [each.told and each.told.kind for each in found] == [TextKind.JSON, TextKind.TEXT, None, TextKind.JSON]
    assert [each.named and each.named.kind for each in found] == [TextKind.NAME, TextKind.NAME, None, TextKind.NAME]
    way = "message." if "message" in holder else ""
    assert found[0].told is not None
    assert found[0].told.path == f"items[1].{way}tool_calls[0].function.arguments"


def test_no_calls():
    assert TEXTS.calls(None, "items") == ()
    assert TEXTS.calls([{"function_call": "torn"}, {"content": "hi"}], "items") == ()


def test_what_the_record_tells():
    assert TEXTS.call_types == ("completion", "acompletion", "text_completion", "atext_completion")
    assert (TEXTS.answer_items, TEXTS.has_chat_items) == ("choices", True)
    assert TEXTS.gate(WholeText()).finish() is not None
