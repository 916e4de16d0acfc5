"""Event sequences as Anthropic sends them: as dicts, and as bytes."""

from __future__ import annotations

import copy
import json
from typing import Any

from anthropic._models import construct_type_unchecked
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent

from litellm_bighub.formats.messages.gate import MessagesGate
from litellm_bighub.formats.stream.gate_protocol import Outcome
from tests.formats.driving import Driven, Event

PING: Event = {"type": "ping"}
STOP: Event = {"type": "message_stop"}


def message_start() -> Event:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    return {"type": "message_start", "message": message}


def message_delta(reason: str = "tool_use") -> Event:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": {"output_tokens": 2},
    }


def start(index: int, block: Event) -> Event:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **told: object) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": told}


def stop(index: int) -> Event:
    return {"type": "content_block_stop", "index": index}


def said(index: int, *pieces: str) -> list[Event]:
    deltas = [delta(index, type="text_delta", text=piece) for piece in pieces]
    return [start(index, {"type": "text", "text": ""}), *deltas, stop(index)]


def thinking(index: int, *pieces: str) -> list[Event]:
    deltas = [delta(index, type="thinking_delta", thinking=piece) for piece in pieces]
    return [start(index, {"type": "thinking", "thinking": "", "signature": ""}), *deltas, stop(index)]


def call(index: int, tag: str = "", *, kind: str = "tool_use", pieces: int = 2) -> list[Event]:
    """A call whose name, arguments and id all hold the tag."""
    tag = tag or f"t{index}"
    told = json.dumps({"a": tag})
    size = max(1, -(-len(told) // pieces))
    cut = ["", *(told[at : at + size] for at in range(0, len(told), size))]
    return [
        start(index, {"type": kind, "id": f"toolu_{tag}", "name": f"name_{tag}", "input": {}}),
        *(delta(index, type="input_json_delta", partial_json=piece) for piece in cut),
        stop(index),
    ]


def stream(*blocks: list[Event], reason: str = "tool_use") -> list[Event]:
    return [message_start(), *(event for block in blocks for event in block), message_delta(reason), STOP]


def sse(*events: Event, end: str = "\n", ascii_only: bool = True) -> bytes:
    frames = (
        f"event: {event['type']}{end}data: {json.dumps(event, ensure_ascii=ascii_only)}{end}{end}" for event in events
    )
    return "".join(frames).encode()


def new_gate() -> MessagesGate:
    return MessagesGate()


def driven() -> Driven:
    return Driven(new_gate())


def run(events: list[Any], *outcomes: Outcome) -> Driven:
    return driven().run(events, *outcomes)


def joined(events: list[Any]) -> Event:
    """The message that the official client makes of the events."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in events:
        told = copy.deepcopy(event) if isinstance(event, dict) else event.model_dump()
        if told["type"] not in {"ping", "error"}:
            made: Any = construct_type_unchecked(type_=RawMessageStreamEvent, value=told)
            snapshot = accumulate_event(event=made, current_snapshot=snapshot, json_bufs=buffers)
    message: Event = snapshot.model_dump(exclude_none=True, warnings=False)
    return message


def read(data: bytes) -> list[Event]:
    """The events in whole server-sent events."""
    frames = data.decode().replace("\r\n", "\n").split("\n\n")
    return [json.loads(frame.partition("data: ")[2]) for frame in frames if "data: " in frame]


def unwritten(events: list[Any]) -> list[Any]:
    """The same events, those in bytes or text as dicts."""
    dicts: list[Any] = []
    for event in events:
        if isinstance(event, bytes | str):
            dicts += read(event.encode() if isinstance(event, str) else event)
        else:
            dicts.append(event)
    return dicts
