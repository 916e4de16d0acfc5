"""Texts that are read as one are found, and no others are joined."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.payload.message_parts import message_parts
from litellm_bighub.formats.payload.slots import Slot, TextKind


def slot(*keys, kind=TextKind.TEXT):
    where = None
    for key in keys:
        where = (where, key)
    return Slot({}, keys[-1], "a", kind, where)


OUTPUT = TextKind.OUTPUT_TEXT


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        ([slot("messages", 0, "content", n, "text") for n in range(3)], [[0, 1, 2]]),
        ([slot("messages", 0, "content", 0, "text"), slot("messages", 1, "content", 0, "text")], []),
        ([slot("messages", 0, "content", 0, "text"), slot("messages", 0, "content", 1)], [[0, 1]]),
        ([slot("messages", n, "content", kind=OUTPUT) for n in range(2)], []),
        ([slot("content", n, "text") for n in range(2)], [[0, 1]]),
        ([slot("content", 0, "text"), slot("content", 1, "thinking"), slot("content", 2, "text")], [[0, 2]]),
        ([slot("system", n, "text") for n in range(2)], [[0, 1]]),
        ([slot("input", 2, "output", n, "text") for n in range(2)], [[0, 1]]),
        ([slot("input", n) for n in range(2)], []),
        ([slot("metadata", "tags", n) for n in range(2)], []),
        ([slot("messages", 0, "content", 0, "content", n, "text") for n in range(2)], [[0, 1]]),
        ([slot("output", n, "content", 0, "text", kind=OUTPUT) for n in range(2)], [[0, 1]]),
        ([slot("output", n, "content", 0, "text") for n in range(2)], []),
        ([slot("output", 0, "summary", n, "text") for n in range(2)], [[0, 1]]),
        ([slot("choices", n, "text") for n in range(2)], []),
        ([slot(1, "choices", n, "text") for n in range(2)], []),
        ([slot("x", 0, "content", n, "text", kind=TextKind.JSON) for n in range(2)], []),
        ([Slot(None, "text", "a", TextKind.TEXT, None)] * 2, []),
        ([slot("text"), slot("text")], []),
        ([slot("response_format", "text"), slot("response_format", "text")], []),
        ([slot(0), slot(1)], []),
        ([slot("documents", n, "text") for n in range(2)], []),
    ],
    ids=[
        "parts of a message",
        "two messages",
        "a text among parts",
        "plain messages",
        "blocks of an answer",
        "of one kind",
        "system",
        "a result",
        "items",
        "notes",
        "a result in a message",
        "texts that clients join",
        "thoughts of two items",
        "a summary",
        "choices",
        "choices of one of several",
        "JSON",
        "nowhere",
        "a field",
        "a field of a field",
        "a list alone",
        "documents",
    ],
)
def test_which_texts_are_one(slots, expected):
    assert message_parts(slots) == expected
