"""What single events of a Messages stream tell of texts."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.messages.texts.event_texts import may_stream, read
from litellm_bighub.formats.payload.slots import TextKind
from litellm_bighub.formats.stream.event_texts import (
    AnnouncedTexts,
    GroupedTexts,
    LastTexts,
    StreamedText,
    ToldTexts,
)


def added(**delta):
    return {"type": "content_block_delta", "index": 1, "delta": delta}


@pytest.mark.parametrize(
    ("delta", "place", "kind"),
    [
        ({"type": "text_delta", "text": "x"}, ("text",), TextKind.TEXT),
        ({"type": "thinking_delta", "thinking": "x", "estimated_tokens": 3}, ("thinking",), TextKind.TEXT),
        ({"type": "input_json_delta", "partial_json": "x"}, ("input",), TextKind.JSON),
        ({"type": "compaction_delta", "content": "x", "encrypted_content": None}, ("content",), TextKind.TEXT),
        ({"type": "new_delta", "hint": "x"}, ("hint",), TextKind.TEXT),
    ],
)
def test_a_delta_adds_to_one_text(delta, place, kind):
    told = read(added(**delta))
    assert isinstance(told, StreamedText)
    assert (told.place, told.kind, told.text, told.item_id, told.index) == (place, kind, "x", "1", 1)


def test_the_texts_of_a_delta_that_adds_to_several_stay_together():
    told = read(added(type="new_delta", hint="x", note="y"))
    assert told == GroupedTexts(((("hint",), "x"), (("note",), "y")), "1")
    told = read({**added(type="text_delta", text="x"), "note": "y"})
    assert told == GroupedTexts(((("text",), "x"), (("", "note"), "y")), "1")


@pytest.mark.parametrize(
    "event",
    [
        added(type="citations_delta", citation={"type": "char_location", "cited_text": "x"}),
        added(type="compaction_delta", content="x", encrypted_content="\u1234"),
        added(type="signature_delta", signature='{"said": "x"}'),
        {"type": "content_block_delta", "index": 1, "delta": "x"},
        {"type": "content_block_stop", "index": 1, "note": "x"},
        {"type": "message_start", "message": {"content": [{"type": "text", "text": "x"}]}},
        {"type": "message_delta", "delta": {"stop_sequence": "x"}},
        {"type": "new_event", "note": "x"},
    ],
)
def test_all_else_is_told_whole(event):
    told = read(event)
    assert isinstance(told, ToldTexts)
    assert any("x" in each.slot.text for each in told.texts)
    assert told.ends == (() if event["type"] == "content_block_stop" else None)


def test_a_block_begins_with_what_its_deltas_go_on_with():
    told = read(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "x"}, "note": "y"}
    )
    assert isinstance(told, AnnouncedTexts)
    assert [(each.keys, each.place) for each in told.texts] == [
        (("content_block", "text"), ("text",)),
        (("note",), None),
    ]
    assert may_stream(("text",))
    assert not may_stream(("input", "a"))
    assert not may_stream(None)


@pytest.mark.parametrize(
    ("event", "texts"),
    [
        ({"type": "message_stop"}, []),
        ({"type": "error", "error": {"type": "api_error", "message": "x"}, "request_id": "r"}, ["x"]),
        ({"type": "error", "error": "x"}, ["x"]),
    ],
)
def test_the_last_event(event, texts):
    told = read(event)
    assert isinstance(told, LastTexts)
    assert [each.slot.text for each in told.texts] == texts


def test_what_is_no_event_tells_nothing_that_could_be_read():
    assert read("[DONE]") == ToldTexts([])
