"""Chunk sequences as OpenAI sends them, as dicts."""

from __future__ import annotations

import copy
import json
from typing import Any

from openai._models import construct_type
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.wire.chat.gate import Gate
from litellm_bighub.wire.gating import Ask, CallKey, Hold, Outcome, Pass, Release, Withhold

Event = dict[str, Any]
WITHHELD = Withhold("not now")


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


class Driven:
    """A gate with everything that it answered."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.events: list[Any] = []
        self.dropped: list[str] = []
        self.asked: dict[CallKey, ToolCall] = {}

    def feed(self, *events: object) -> list[Any]:
        """Feed; answers what was released by it."""
        before = len(self.events)
        for event in events:
            self._take(self.gate.feed(event))
        return self.events[before:]

    def answer(self, outcome: Outcome, *keys: CallKey) -> list[Any]:
        """The same outcome for these keys, or for all that wait."""
        before = len(self.events)
        self._take(self.gate.answer(dict.fromkeys(keys or self.gate.unanswered, outcome)))
        return self.events[before:]

    def finish(self) -> list[Any]:
        before = len(self.events)
        self._take(self.gate.finish())
        return self.events[before:]

    def _take(self, step: Release | Ask | Hold) -> None:
        match step:
            case Release(events, dropped):
                self.events += events
                self.dropped += dropped
            case Ask(calls):
                self.asked |= {asked.key: asked.call for asked in calls}
            case Hold():
                pass


def run(events: list[Any], *outcomes: Outcome) -> Driven:
    """Feed a whole stream and answer each call when it is asked for, the last outcome for all that come after."""
    driven = Driven()
    given = list(outcomes) or [Pass()]
    for event in events:
        driven.feed(event)
        for key in sorted(driven.gate.unanswered):
            driven.answer(given.pop(0) if len(given) > 1 else given[0], key)
    driven.finish()
    return driven


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
