"""Chunk sequences as OpenAI sends them, as dicts."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from openai._models import construct_type
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from litellm_bighub.formats.chat.gate import ChatGate
from litellm_bighub.formats.stream.gate_protocol import Outcome
from tests.formats.driving import Driven, Event


def chunk(delta: Event | None = None, *, index: int = 0, reason: str | None = None) -> Event:
    return enclosed([{"index": index, "delta": delta or {}, "finish_reason": reason, "logprobs": None}])


def enclosed(choices: list[Event], **more: object) -> Event:
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


def role(index: int = 0) -> Event:
    return chunk({"role": "assistant", "content": ""}, index=index)


def said(*texts: str, index: int = 0, key: str = "content") -> list[Event]:
    return [chunk({key: text}, index=index) for text in texts]


def call(at: int, tag: str = "", *, kind: str = "function", index: int = 0, pieces: int = 2) -> list[Event]:
    """The pieces of a call whose name, arguments and id all hold the tag."""
    return [chunk({"tool_calls": [piece]}, index=index) for piece in call_pieces(at, tag, kind=kind, pieces=pieces)]


def call_pieces(at: int, tag: str = "", *, kind: str = "function", pieces: int = 2) -> list[Event]:
    tag = tag or f"t{at}"
    key = {"function": "arguments", "custom": "input"}[kind]
    told = payload(tag, kind)
    size = max(1, -(-len(told) // pieces))
    begun = {"index": at, "id": f"call_{tag}", "type": kind, kind: {"name": f"name_{tag}", key: ""}}
    return [
        begun,
        *({"index": at, kind: {key: told[start : start + size]}} for start in range(0, len(told), size)),
    ]


def legacy(tag: str = "t", *, index: int = 0) -> list[Event]:
    told = payload(tag, "function")
    pieces: list[Event] = [{"name": f"name_{tag}", "arguments": ""}, {"arguments": told[:4]}, {"arguments": told[4:]}]
    return [chunk({"function_call": piece}, index=index) for piece in pieces]


def payload(tag: str, kind: str) -> str:
    return f"do {tag}" if kind == "custom" else json.dumps({"a": tag})


def end(reason: str = "tool_calls", index: int = 0) -> Event:
    return chunk(index=index, reason=reason)


USAGE = enclosed([], usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})


def canaries_in(value: object) -> set[str]:
    return set(re.findall(r"canary\d+x\d+z", value if isinstance(value, str) else json.dumps(value)))


def new_gate() -> ChatGate:
    return ChatGate()


def driven() -> Driven:
    return Driven(new_gate())


def run(events: list[Any], *outcomes: Outcome) -> Driven:
    return driven().run(events, *outcomes)


def joined(events: list[Any]) -> dict[int, Event]:
    """What the official client makes of the stream: for each choice its message, with its finish reason."""
    state: Any = ChatCompletionStreamState()
    for event in events:
        told = copy.deepcopy(event) if isinstance(event, dict) else event.model_dump(exclude_none=True)
        state.handle_chunk(model(told))
    choices = state.current_completion_snapshot.choices if events else []
    return {
        choice.index: {
            **choice.message.model_dump(exclude_none=True, exclude={"parsed"}, warnings=False),
            "finish_reason": choice.finish_reason,
        }
        for choice in choices
    }


def model(event: Event) -> ChatCompletionChunk:
    """As the official client makes it: its types have no custom tools in chunks, so it does not validate."""
    made = construct_type(type_=ChatCompletionChunk, value=event)
    assert isinstance(made, ChatCompletionChunk)
    return made
