"""The whole message that the events of a stream tell."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.messages.calls import CUT_OFF
from litellm_bighub.formats.payload.copies import plain, text, whole
from litellm_bighub.formats.payload.fields import get

_TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


class _UntoldError(ValueError):
    """The events are not those of one whole message, or of one with parts that nobody knew when this was written."""


def message(events: Iterable[object]) -> JsonObject | None:
    """The message with what a request that replays it needs; `None` if it has no end or cannot be read."""
    read = _Told()
    try:
        for event in events:
            read.take(event)
        return read.message()
    except (KeyError, ValueError, RecursionError, UnreadableAnswerError):
        return None


@dataclass(slots=True)
class _Told:
    _message: JsonObject = field(default_factory=JsonObject)
    _blocks: dict[int, JsonObject] = field(default_factory=dict)
    _inputs: dict[int, str] = field(default_factory=dict)
    _stopped: bool = False

    def take(self, event: object) -> None:
        match text(event, "type"):
            case "message_start":
                self._message = plain(get(event, "message"))
            case "content_block_start":
                self._blocks[_index(event)] = plain(get(event, "content_block"))
            case "content_block_delta":
                self._add(_index(event), plain(get(event, "delta")))
            case "message_delta":
                self._message |= plain(get(event, "delta"))
            case "message_stop":
                self._stopped = True
            case _:
                pass

    def message(self) -> JsonObject:
        reason = text(self._message, "stop_reason")
        if not (self._stopped and reason) or reason in CUT_OFF or text(self._message, "type") != "message":
            raise _UntoldError("the message did not end well")
        for index, joined in self._inputs.items():
            if joined:
                self._blocks[index]["input"] = json.loads(joined)
        return {**self._message, "content": [self._blocks[index] for index in sorted(self._blocks)]}

    def _add(self, index: int, delta: JsonObject) -> None:
        block = self._blocks[index]
        match delta:
            case {"type": str(kind)} if kind in _TEXTS and isinstance(delta.get(_TEXTS[kind]), str):
                key = _TEXTS[kind]
                block[key] = block.get(key, "") + delta[key]
            case {"type": "input_json_delta", "partial_json": str(piece)}:
                self._inputs[index] = self._inputs.get(index, "") + piece
            case {"type": "citations_delta", "citation": citation}:
                block["citations"] = [*block.get("citations", []), citation]
            case _:
                raise _UntoldError("a delta of an unknown type")


def _index(event: object) -> int:
    index = whole(event, "index")
    if index is None:
        raise _UntoldError("a block without a place")
    return index
