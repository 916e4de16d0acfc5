"""The assistant message that stands where a withheld call stood."""

from __future__ import annotations

from typing import Any

from litellm_bighub.wire.fields import get

NOTICE_PREFIX = "msg_bighub_"
"""How ids of notices begin, so that nothing need be looked up for other messages."""


def wants_refusals(request: object) -> bool:
    """Whether the caller will parse the answer's text, so that a notice must not be part of it.

    With structured outputs a message that is no answer is a refusal: official clients leave those unparsed.
    """
    if get(request, "text_format") is not None:
        return True
    return get(get(get(request, "text"), "format"), "type") not in {None, "text"}


def notice_item(item_id: str, text: str, *, refusal: bool = False) -> dict[str, Any]:
    """A complete message item, whose text is an answer or a refusal to answer."""
    return {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [_refusal(text) if refusal else _answer(text)],
    }


def notice_events(item: dict[str, Any], output_index: int) -> list[dict[str, Any]]:
    """The events by which a stream tells of a message made by `notice_item`. They have no sequence numbers yet."""
    [part] = item["content"]
    place = {"item_id": item["id"], "output_index": output_index, "content_index": 0}
    begun = {**item, "status": "in_progress", "content": []}
    return [
        {"type": "response.output_item.added", "output_index": output_index, "item": begun},
        *_part_events(part, place),
        {"type": "response.output_item.done", "output_index": output_index, "item": item},
    ]


def _part_events(part: dict[str, Any], place: dict[str, Any]) -> list[dict[str, Any]]:
    if part["type"] == "refusal":
        text = part["refusal"]
        empty = _refusal("")
        told = [
            {"type": "response.refusal.delta", **place, "delta": text},
            {"type": "response.refusal.done", **place, "refusal": text},
        ]
    else:
        text = part["text"]
        empty = _answer("")
        told = [
            {"type": "response.output_text.delta", **place, "delta": text, "logprobs": []},
            {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        ]
    begin = {"type": "response.content_part.added", **place, "part": empty}
    return [begin, *told, {"type": "response.content_part.done", **place, "part": part}]


def _answer(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _refusal(text: str) -> dict[str, Any]:
    return {"type": "refusal", "refusal": text}
