"""The same answers as `/v1/messages` has them, whole and in events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from litellm_bighub.testing.upstream.items import Item
from litellm_bighub.testing.upstream.requests import Request
from litellm_bighub.testing.upstream.response import usage


@dataclass(frozen=True, slots=True)
class AnthropicMessage:
    """A message of items that already have their ids.

    Attributes:
        id: as in `msg_up1`.
        request: what is answered.
        items: messages, reasoning and function calls; no other kind of item has a block here, so others are left out.
    """

    id: str
    request: Request
    items: Sequence[Item]

    def whole(self) -> Item:
        """The message in one piece."""
        return {**self._frame(), "content": self._blocks(), "stop_reason": self._stop_reason(), "usage": self._usage()}

    def events(self, delta_size: int) -> Iterator[Item]:
        """The message in the events of a stream."""
        started = {**self._frame(), "content": [], "stop_reason": None, "usage": {**self._usage(), "output_tokens": 1}}
        yield {"type": "message_start", "message": started}
        for index, block in enumerate(self._blocks()):
            blank, deltas = _STREAMED[block["type"]]
            yield {"type": "content_block_start", "index": index, "content_block": {**block, **blank}}
            for delta in deltas(block, delta_size):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        ended = {"stop_reason": self._stop_reason(), "stop_sequence": None}
        yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": self._usage()["output_tokens"]}}
        yield {"type": "message_stop"}

    def _frame(self) -> Item:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.request.model,
            "stop_sequence": None,
        }

    def _blocks(self) -> list[Item]:
        return [block for item in self.items for block in _BLOCKS.get(item["type"], _nothing)(item)]

    def _stop_reason(self) -> str:
        return "tool_use" if any(block["type"] == "tool_use" for block in self._blocks()) else "end_turn"

    def _usage(self) -> Item:
        counted = usage(self.request, self.items)
        return {"input_tokens": counted["input_tokens"], "output_tokens": counted["output_tokens"]}


def _text(item: Item) -> list[Item]:
    return [{"type": "text", "text": part.get("text") or part.get("refusal", "")} for part in item["content"]]


def _thinking(item: Item) -> list[Item]:
    thought = "\n".join(part["text"] for part in item["summary"])
    return [{"type": "thinking", "thinking": thought, "signature": f"signed {item['id']}"}]


def _tool_use(item: Item) -> list[Item]:
    given = json.loads(item["arguments"])
    return [{"type": "tool_use", "id": item["call_id"], "name": item["name"], "input": given}]


def _nothing(_: Item) -> list[Item]:
    return []


def _text_deltas(block: Item, size: int) -> Iterator[Item]:
    return ({"type": "text_delta", "text": piece} for piece in _pieces(block["text"], size))


def _thinking_deltas(block: Item, size: int) -> Iterator[Item]:
    yield from ({"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"], size))
    yield {"type": "signature_delta", "signature": block["signature"]}


def _input_deltas(block: Item, size: int) -> Iterator[Item]:
    return ({"type": "input_json_delta", "partial_json": piece} for piece in _pieces(json.dumps(block["input"]), size))


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


_BLOCKS: dict[str, Callable[[Item], list[Item]]] = {
    "message": _text,
    "reasoning": _thinking,
    "function_call": _tool_use,
}
_STREAMED: dict[str, tuple[Item, Callable[[Item, int], Iterator[Item]]]] = {
    "text": ({"text": ""}, _text_deltas),
    "thinking": ({"thinking": "", "signature": ""}, _thinking_deltas),
    "tool_use": ({"input": {}}, _input_deltas),
}
