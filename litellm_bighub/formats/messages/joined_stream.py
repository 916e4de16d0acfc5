"""One Messages stream of an answer whose calls were blocked, and of the model's next answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.formats.messages.sse import Frame, Splitter, parse
from litellm_bighub.formats.messages.whole_message import message
from litellm_bighub.formats.payload.copies import json_text, plain, text, whole, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.stream.gate_protocol import Withhold

_START = "content_block_start"


class MessagesJoinedStream:
    """One stream's, as `wire.joining` draws it: one message under the first answer's id, with the next one's end."""

    def __init__(self) -> None:
        self._events: list[object] = []
        self._following: object = None
        self._blocks = 0
        self._over = False

    def hear(self, event: object) -> None:
        """Take in the upstream's next event, or its next bytes."""
        self._events.append(event)

    def heard(self) -> object:
        """The message that the upstream's events told, calls and all; `None` if it did not end well."""
        return message(_parsed(self._events))

    def accepts(self, answer: object) -> bool:
        """Whether the stream can end with this answer."""
        return isinstance(get(answer, "content"), list)

    def follow(self, answer: object) -> None:
        """From here on no notice is told, and where the first answer ends this one begins."""
        self._following = answer

    def in_place(self, withheld: Withhold) -> Withhold:
        """Nothing."""
        return replace(withheld, notice="", item_id="")

    def passed(self, event: object) -> Sequence[object]:
        """What is sent for an event that the gate has released."""
        if self._following is None and not _may_start(event):
            return (event,)
        frame = _frame(event)
        inner = frame.event
        event_type = text(inner, "type")
        if self._over:
            return (event,) if event_type in {"message_stop", "ping", ""} else ()
        if event_type == _START:
            self._blocks = max(self._blocks, (whole(inner, "index") or 0) + 1)
        if self._following is None or event_type != "message_delta" or not text(get(inner, "delta"), "stop_reason"):
            return (event,)
        self._over = True
        return [frame.changed(made).released for made in self._rest(inner, self._following)]

    def _rest(self, event: object, answer: object) -> Iterator[object]:
        for index, block in enumerate(plain(get(answer, "content")), self._blocks):
            yield from _block_events(block, index)
        ends = {key: get(answer, key) for key in ("stop_reason", "stop_sequence")}
        usage = plain(get(answer, "usage")) or get(event, "usage")
        yield with_fields(event, delta=with_fields(get(event, "delta"), **ends), usage=usage)


def _block_events(block: JsonMapping, index: int) -> Iterator[JsonObject]:
    begun, deltas = dict(block), list[JsonObject]()
    match block.get("type"):
        case "text":
            begun |= {"text": ""}
            deltas.append({"type": "text_delta", "text": block.get("text", "")})
            deltas += [{"type": "citations_delta", "citation": each} for each in begun.pop("citations", ())]
        case "thinking":
            begun |= {"thinking": "", "signature": ""}
            deltas.append({"type": "thinking_delta", "thinking": block.get("thinking", "")})
            if block.get("signature"):
                deltas.append({"type": "signature_delta", "signature": block["signature"]})
        case "tool_use":
            begun |= {"input": {}}
            deltas.append({"type": "input_json_delta", "partial_json": json_text(block.get("input", {}))})
        case _:
            pass
    yield {"type": _START, "index": index, "content_block": begun}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _may_start(event: object) -> bool:
    """Whether the event may begin a block; cheaper than reading it."""
    match event:
        case bytes() | bytearray():
            return _START.encode() in event
        case str():
            return _START in event
        case _:
            return True


def _frame(event: object) -> Frame:
    match event:
        case bytes():
            return parse(event, bytes)
        case str():
            return parse(event.encode(errors="surrogatepass"), str)
        case _:
            return Frame(event, event)


def _parsed(events: Sequence[object]) -> Iterator[object]:
    splitter = Splitter()
    for event in events:
        if not isinstance(event, str | bytes | bytearray):
            yield event
            continue
        data = event.encode(errors="surrogatepass") if isinstance(event, str) else bytes(event)
        yield from (parse(raw, bytes).event for raw in splitter.feed(data))
    yield from (parse(raw, bytes).event for raw in splitter.close())
