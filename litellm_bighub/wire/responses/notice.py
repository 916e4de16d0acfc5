"""The assistant message that stands where a withheld call stood."""

from __future__ import annotations

from typing import Any


def notice_item(item_id: str, text: str) -> dict[str, Any]:
    """A complete message item."""
    return {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [_part(text)],
    }


def notice_events(item: dict[str, Any], output_index: int) -> list[dict[str, Any]]:
    """The events by which a stream tells of a message made by `notice_item`. They have no sequence numbers yet."""
    text: str = item["content"][0]["text"]
    place = {"item_id": item["id"], "output_index": output_index, "content_index": 0}
    begun = {**item, "status": "in_progress", "content": []}
    return [
        {"type": "response.output_item.added", "output_index": output_index, "item": begun},
        {"type": "response.content_part.added", **place, "part": _part("")},
        {"type": "response.output_text.delta", **place, "delta": text, "logprobs": []},
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": _part(text)},
        {"type": "response.output_item.done", "output_index": output_index, "item": item},
    ]


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}
