"""Texts that are read as one are found, and no others are joined."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.formats.payload.message_parts import message_parts, parts_of
from litellm_bighub.formats.payload.slots import Found, Slot, SlotRun, TextKind


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


KEYS = st.sampled_from(["messages", "content", "output", "input", "text", "thinking", "system", 0, 1])
PLACES = st.lists(KEYS, min_size=1, max_size=5)
FOUND = st.lists(st.tuples(PLACES, st.sampled_from([TextKind.TEXT, OUTPUT, TextKind.JSON]), st.booleans()), max_size=8)


@given(FOUND)
def test_what_was_found_has_the_parts_of_its_slots(told):
    """Whether the owner's place is told at once, or as a list's and where in it."""
    found, slots, lists = Found(), [], {}
    for place, kind, in_list in told:
        slots.append(slot(*place, kind=kind))
        if in_list and len(place) > 1 and type(place[-2]) is int and type(place[-1]) is str:
            within = slots[-1].where[0]
            found.said.append("a")
            found.told.append(({}, place[-1], kind, lists.setdefault(within[0], within[0]), within[1], None))
        else:
            found.add({}, place[-1], "a", kind, slots[-1].where)
    assert parts_of(found) == message_parts(slots)
    assert parts_of(Found(slots)) == message_parts(slots)


def test_without_slots_texts_of_other_fields_are_no_parts():
    found = Found()
    for key, where in (("text", "content"), ("title", "content"), (0, "content")):
        found.add({key: "a"} if key else ["a"], key, "a", TextKind.TEXT, (None, where))
    assert parts_of(found) == message_parts(found.slots)


def test_without_slots_the_texts_of_one_list_are_its_parts():
    found, place = Found(), (None, "content")
    for index in range(3):
        found.said.append("a")
        found.told.append(({"text": "a"}, "text", TextKind.TEXT, place, index, None))
    assert parts_of(found) == message_parts(found.slots) == [[0, 1, 2]]


@pytest.mark.parametrize("key", ["text", "content"])
@pytest.mark.parametrize("place", [(None, "content"), (None, "messages"), (((None, "messages"), 0), "content")])
@pytest.mark.parametrize("texts", [["a"], ["a", "b"]])
def test_a_run_has_the_parts_of_its_slots(key, place, texts):
    found = Found()
    found.add_run(texts, SlotRun([{key: text} for text in texts], key, TextKind.TEXT, place))
    told = parts_of(found)
    assert told == message_parts(found.slots)
