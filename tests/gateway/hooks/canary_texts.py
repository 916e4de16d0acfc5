"""Requests, answers and streams of each format, of texts that each hold another e-mail address."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, zip_longest
from typing import Any

Body = dict[str, Any]
Cut = Callable[[str], list[str]]
"""How a text of a stream is cut into deltas."""


class Texts:
    """Makes texts, each with another address.

    Args:
        mask: what a guardrail puts in the place of an address.
    """

    def __init__(self, mask: str) -> None:
        self._mask = mask
        self._numbers = count()
        self.masked: dict[str, str] = {}

    def __call__(self) -> str:
        """One more text."""
        number = next(self._numbers)
        text = f"Nº {number}: write to u{number}@example.com. Then wait."
        self.masked[text] = text.replace(f"u{number}@example.com", self._mask)
        return text

    def json(self, *, escaped: bool = False) -> str:
        """One more text, in arguments of a call; `escaped`: its `@` is none in JSON."""
        text = json.dumps({"to": self()})
        return text.replace("@", "\\u0040") if escaped else text


def requests(name: str, text: Texts) -> Body:
    """A request of a format with a text wherever people write one."""
    if name == "text":
        return {"prompt": text(), "suffix": text(), "user": text(), "extra_body": {"later": [text()]}}
    schema = {"type": "object", "properties": {"to": {"type": "string", "description": text()}}}
    match name:
        case "chat":
            call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": text.json(escaped=True)}}
            function = {"name": "look", "description": text(), "parameters": schema}
            return {
                "messages": [
                    {"role": "system", "content": text()},
                    {"role": "user", "content": [{"type": "text", "text": text()}, {"type": "text", "text": text()}]},
                    {"role": "assistant", "content": text(), "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "c1", "content": text()},
                ],
                "tools": [{"type": "function", "function": function}],
                "prediction": {"type": "content", "content": text()},
                "user": text(),
                "extra_body": {"later": {"deep": [text()]}},
            }
        case "messages":
            result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": text()}]}
            source = {"type": "text", "media_type": "text/plain", "data": text()}
            document = {"type": "document", "source": source, "title": text(), "context": text()}
            return {
                "max_tokens": 9,
                "system": [{"type": "text", "text": text()}],
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": text()}, document]},
                    {
                        "role": "assistant",
                        "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {"to": text()}}],
                    },
                    {"role": "user", "content": [result, {"type": "text", "text": text()}]},
                ],
                "tools": [{"name": "look", "description": text(), "input_schema": schema}],
            }
        case _:
            call = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": text.json(escaped=True)}
            return {
                "instructions": text(),
                "input": [
                    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text()}]},
                    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text()}]},
                    call,
                    {"type": "function_call_output", "call_id": "c1", "output": text()},
                    {"type": "custom_tool_call", "call_id": "c2", "name": "raw", "input": text()},
                    {"type": "custom_tool_call_output", "call_id": "c2", "output": text()},
                ],
                "tools": [{"type": "function", "name": "look", "description": text(), "parameters": schema}],
                "metadata": {"why": text()},
                "user": text(),
                "extra_body": {"later": {"deep": [text()]}},
            }


@dataclass(frozen=True)
class Lane:
    """A text of an answer.

    Attributes:
        kind: what it is in its format.
        text: as the model tells it.
        place: which part of the answer it is.
    """

    kind: str
    text: str
    place: int = 0


LANES = {
    "chat": ("content", "refusal", "reasoning_content", "call", "call", "second choice"),
    "text": ("text",),  # LiteLLM streams all choices as the first
    "messages": ("text", "text", "call", "text"),
    "responses": ("summary", "text", "text", "refusal", "call", "custom"),
}


def lanes(name: str, text: Texts) -> list[Lane]:
    """The texts of an answer."""
    kinds = enumerate(LANES[name])
    return [Lane(kind, text.json(escaped=place % 2 == 0) if kind == "call" else text(), place) for place, kind in kinds]


def answer(name: str, told: list[Lane]) -> Body:
    """A whole answer."""
    match name:
        case "chat":
            of = {lane.kind: lane.text for lane in told}
            calls = [_chat_call(lane) for lane in told if lane.kind == "call"]
            said = {kind: of[kind] for kind in ("content", "refusal", "reasoning_content")}
            first = {"role": "assistant", **said, "tool_calls": calls}
            second = {"role": "assistant", "content": of["second choice"]}
            choices = [{"index": n, "finish_reason": "stop", "message": each} for n, each in enumerate((first, second))]
            return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
        case "text":
            choices = [{"index": n, "finish_reason": "stop", "text": lane.text} for n, lane in enumerate(told)]
            return {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": choices}
        case "messages":
            return {**_MESSAGE, "content": [_block(lane) for lane in told]}
        case _:
            return {**_RESPONSE, "output": [_item(lane) for lane in told]}


def stream(name: str, told: list[Lane], cut: Cut) -> list[Body]:
    """The same, streamed: all texts at once where the format allows it."""
    match name:
        case "chat":
            chunks = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            starts = [_chat_start(lane) for lane in told if lane.kind == "call"]
            deltas = [*starts, *interleaved([[_chat_delta(lane, each) for each in cut(lane.text)] for lane in told])]
            ends = [{"index": index, "delta": {}, "finish_reason": "stop"} for index in (0, 1)]
            return [{**chunks, "choices": [choice]} for choice in [*deltas, *ends]]
        case "text":
            chunks = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
            deltas = interleaved([[{"index": lane.place, "text": each} for each in cut(lane.text)] for lane in told])
            ends = [{"index": lane.place, "text": "", "finish_reason": "stop"} for lane in told]
            return [{**chunks, "choices": [choice]} for choice in [*deltas, *ends]]
        case "messages":
            start = {"type": "message_start", "message": {**_MESSAGE, "content": [], "stop_reason": None}}
            end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
            blocks = [event for lane in told for event in _block_events(lane, cut)]
            return [start, *blocks, end, {"type": "message_stop"}]
        case _:
            items = [_item_events(lane, cut) for lane in told]
            whole = {**_RESPONSE, "output": [_item(lane) for lane in told]}
            return [
                {"type": "response.created", "response": {**_RESPONSE, "status": "in_progress"}},
                *(added for added, _, _ in items),
                *interleaved([deltas for _, deltas, _ in items]),
                *(event for _, _, ends in items for event in ends),
                {"type": "response.completed", "response": whole},
            ]


def interleaved(lists: list[list[Body]]) -> list[Body]:
    """One of each in turn."""
    return [each for row in zip_longest(*lists) for each in row if each is not None]


def joined(name: str, events: list[Body]) -> list[str]:
    """The texts that the deltas of a stream tell, in the order of the lanes."""
    found: dict[int, str] = {}
    for event in events:
        for place, piece in _pieces(name, event):
            found[place] = found.get(place, "") + piece
    return [found[place] for place in sorted(found) if found[place]]


def _pieces(name: str, event: Body) -> Iterator[tuple[int, str]]:
    match name:
        case "chat":
            for choice in event.get("choices", ()):
                delta = choice["delta"]
                if choice["index"] == 1:
                    yield 5, delta.get("content") or ""
                else:
                    yield from ((place, delta.get(LANES["chat"][place]) or "") for place in (0, 1, 2))
                    for call in delta.get("tool_calls") or ():
                        yield 3 + call["index"], call["function"].get("arguments") or ""
        case "text":
            yield from ((choice["index"], choice.get("text") or "") for choice in event.get("choices", ()))
        case "messages":
            if event["type"] == "content_block_delta":
                yield event["index"], event["delta"].get("text") or event["delta"].get("partial_json") or ""
        case _:
            if event["type"].endswith(".delta"):
                yield event["output_index"], event["delta"]


_MESSAGE: Body = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
_RESPONSE: Body = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [],
}


def _chat_call(lane: Lane) -> Body:
    return {"id": f"c{lane.place}", "type": "function", "function": {"name": "look", "arguments": lane.text}}


def _chat_start(lane: Lane) -> Body:
    call = {"index": lane.place - 3, **_chat_call(lane), "function": {"name": "look", "arguments": ""}}
    return {"index": 0, "delta": {"tool_calls": [call]}}


def _chat_delta(lane: Lane, piece: str) -> Body:
    match lane.kind:
        case "call":
            call = {"index": lane.place - 3, "function": {"arguments": piece}}
            return {"index": 0, "delta": {"tool_calls": [call]}}
        case "second choice":
            return {"index": 1, "delta": {"content": piece}}
        case kind:
            return {"index": 0, "delta": {kind: piece}}


def _block(lane: Lane) -> Body:
    if lane.kind == "call":
        return {"type": "tool_use", "id": "t1", "name": "look", "input": json.loads(lane.text)}
    return {"type": "text", "text": lane.text}


def _block_events(lane: Lane, cut: Cut) -> Iterator[Body]:
    is_call = lane.kind == "call"
    started: Body = {**_block(lane), "input": {}} if is_call else {"type": "text", "text": ""}
    yield {"type": "content_block_start", "index": lane.place, "content_block": started}
    for piece in cut(lane.text):
        delta = (
            {"type": "input_json_delta", "partial_json": piece} if is_call else {"type": "text_delta", "text": piece}
        )
        yield {"type": "content_block_delta", "index": lane.place, "delta": delta}
    yield {"type": "content_block_stop", "index": lane.place}


def _item(lane: Lane) -> Body:
    known: Mapping[str, Body] = {
        "summary": {"type": "reasoning", "summary": [{"type": "summary_text", "text": lane.text}]},
        "call": {"type": "function_call", "call_id": "c4", "name": "look", "arguments": lane.text},
        "custom": {"type": "custom_tool_call", "call_id": "c5", "name": "raw", "input": lane.text},
        "text": _said({"type": "output_text", "text": lane.text, "annotations": []}),
        "refusal": _said({"type": "refusal", "refusal": lane.text}),
    }
    return {"id": f"i{lane.place}", "status": "completed", **known[lane.kind]}


def _said(part: Body) -> Body:
    return {"type": "message", "role": "assistant", "content": [part]}


_EVENTS = {
    "summary": ("response.reasoning_summary_text", "text", {"summary_index": 0}),
    "text": ("response.output_text", "text", {"content_index": 0}),
    "refusal": ("response.refusal", "refusal", {"content_index": 0}),
    "call": ("response.function_call_arguments", "arguments", {}),
    "custom": ("response.custom_tool_call_input", "input", {}),
}


def _item_events(lane: Lane, cut: Cut) -> tuple[Body, list[Body], list[Body]]:
    kind, field, more = _EVENTS[lane.kind]
    at = {"output_index": lane.place, "item_id": f"i{lane.place}", **more}
    item = _item(lane)
    empty = {key: "" if key in ("arguments", "input") else [] for key in item if key in _GROWING}
    added = {"type": "response.output_item.added", "output_index": lane.place, "item": {**item, **empty}}
    deltas: list[Body] = [{"type": f"{kind}.delta", **at, "delta": piece} for piece in cut(lane.text)]
    done: Body = {"type": f"{kind}.done", **at, field: lane.text}
    return added, deltas, [done, {"type": "response.output_item.done", "output_index": lane.place, "item": item}]


_GROWING = ("arguments", "input", "content", "summary")
