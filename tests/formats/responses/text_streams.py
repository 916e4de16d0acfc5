"""Streams with texts in them, as OpenAI sends them, and a driver that asks a function."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from litellm_bighub.formats.stream.gate_protocol import Hold, Release
from litellm_bighub.formats.stream.text_gate import Scan, TextGate

Event = dict[str, Any]


@dataclass
class Told:
    """One item of a stream: its complete form and its events."""

    item: Event
    events: list[Event]


def added(index: int, item: Event) -> Event:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: Event) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def message(index: int, *parts: list[str], annotations: Iterable[Event] = ()) -> Told:
    """A message with as many output texts as there are lists of deltas."""
    notes = list(annotations)
    content = [{"type": "output_text", "text": "".join(pieces), "annotations": notes} for pieces in parts]
    item = {"id": f"msg_{index}", "type": "message", "role": "assistant", "status": "completed", "content": content}
    events = [added(index, {**item, "status": "in_progress", "content": []})]
    for number, (pieces, part) in enumerate(zip(parts, content, strict=True)):
        place = {"item_id": item["id"], "output_index": index, "content_index": number}
        events += [
            {"type": "response.content_part.added", **place, "part": {**part, "text": "", "annotations": []}},
            *({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in pieces),
            *(
                {"type": "response.output_text.annotation.added", **place, "annotation_index": n, "annotation": note}
                for n, note in enumerate(notes)
            ),
            {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []},
            {"type": "response.content_part.done", **place, "part": part},
        ]
    return Told(item, [*events, done(index, item)])


def refusal(index: int, *pieces: str) -> Told:
    part = {"type": "refusal", "refusal": "".join(pieces)}
    item = {"id": f"msg_{index}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    place = {"item_id": item["id"], "output_index": index, "content_index": 0}
    return Told(
        item,
        [
            added(index, {**item, "content": []}),
            {"type": "response.content_part.added", **place, "part": {"type": "refusal", "refusal": ""}},
            *({"type": "response.refusal.delta", **place, "delta": piece} for piece in pieces),
            {"type": "response.refusal.done", **place, "refusal": part["refusal"]},
            {"type": "response.content_part.done", **place, "part": part},
            done(index, item),
        ],
    )


def reasoning(index: int, *pieces: str) -> Told:
    """A reasoning item whose summary and content say the same."""
    whole = "".join(pieces)
    item = {
        "id": f"rs_{index}",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": whole}],
        "content": [{"type": "reasoning_text", "text": whole}],
    }
    place = {"item_id": item["id"], "output_index": index}
    summary, content = {**place, "summary_index": 0}, {**place, "content_index": 0}
    empty = {"type": "summary_text", "text": ""}
    return Told(
        item,
        [
            added(index, {**item, "summary": [], "content": []}),
            {"type": "response.reasoning_summary_part.added", **summary, "part": empty},
            *({"type": "response.reasoning_summary_text.delta", **summary, "delta": piece} for piece in pieces),
            {"type": "response.reasoning_summary_text.done", **summary, "text": whole},
            {"type": "response.reasoning_summary_part.done", **summary, "part": item["summary"][0]},
            *({"type": "response.reasoning_text.delta", **content, "delta": piece} for piece in pieces),
            {"type": "response.reasoning_text.done", **content, "text": whole},
            done(index, item),
        ],
    )


_FIELDS = {
    "function_call": ("response.function_call_arguments", "arguments", {"name": "run"}),
    "mcp_call": ("response.mcp_call_arguments", "arguments", {"name": "run", "server_label": "s"}),
    "custom_tool_call": ("response.custom_tool_call_input", "input", {"name": "run"}),
    "code_interpreter_call": ("response.code_interpreter_call_code", "code", {"container_id": "c"}),
}


def call(index: int, item_type: str, *pieces: str) -> Told:
    """An item of which one field is streamed."""
    name, key, labels = _FIELDS[item_type]
    item = {"id": f"call_{index}", "type": item_type, "status": "completed", **labels, key: "".join(pieces)}
    if item_type.startswith(("function", "custom")):
        item["call_id"] = f"call_{index}"
    place = {"item_id": item["id"], "output_index": index}
    return Told(
        item,
        [
            added(index, {**item, "status": "in_progress", key: ""}),
            *({"type": f"{name}.delta", **place, "delta": piece} for piece in pieces),
            {
                "type": f"{name}.done",
                **place,
                key: item[key],
                **({"name": "run"} if item_type == "function_call" else {}),
            },
            done(index, item),
        ],
    )


def shell_call(index: int, *commands: list[str], begun: str = "") -> Told:
    """A shell call whose commands are told in deltas, after a beginning that their `added` events tell."""
    name = "response.shell_call_command"
    whole = [begun + "".join(pieces) for pieces in commands]
    item = {"id": f"sh_{index}", "type": "shell_call", "call_id": f"call_{index}", "status": "completed"}
    events = [added(index, {**item, "status": "in_progress", "action": {"commands": []}})]
    for number, (pieces, command) in enumerate(zip(commands, whole, strict=True)):
        place = {"output_index": index, "command_index": number}
        events += [
            {"type": f"{name}.added", **place, "command": begun},
            *({"type": f"{name}.delta", **place, "delta": piece} for piece in pieces),
            {"type": f"{name}.done", **place, "command": command},
        ]
    item = {**item, "action": {"commands": whole}}
    return Told(item, [*events, done(index, item)])


def shell_output(index: int, *pieces: tuple[str, str]) -> Told:
    """What a command printed that the provider ran, in pieces of standard output and error."""
    name = "response.shell_call_output_content"
    item = {"id": f"so_{index}", "type": "shell_call_output", "call_id": "call_0", "status": "completed", "output": []}
    place = {"item_id": item["id"], "output_index": index, "command_index": 0}
    printed = {
        "stdout": "".join(out for out, _ in pieces),
        "stderr": "".join(err for _, err in pieces),
        "outcome": {"type": "exit", "exit_code": 0},
    }
    complete = {**item, "output": [printed]}
    return Told(
        complete,
        [
            added(index, {**item, "status": "in_progress"}),
            *({"type": f"{name}.delta", **place, "delta": {"stdout": out, "stderr": err}} for out, err in pieces),
            {"type": f"{name}.done", **place, "output": [printed]},
            done(index, complete),
        ],
    )


def web_search(index: int, query: str) -> Told:
    action = {"type": "search", "query": query}
    item = {"id": f"ws_{index}", "type": "web_search_call", "status": "completed", "action": action}
    place = {"item_id": item["id"], "output_index": index}
    begun = {**item, "status": "in_progress", "action": {"type": "search", "query": ""}}
    return Told(item, [added(index, begun), {"type": "response.web_search_call.searching", **place}, done(index, item)])


def envelope(event_type: str, *items: Event) -> Event:
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "model": "m",
        "output": list(items),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    return {"type": event_type, "response": response}


def numbered(events: Iterable[Event]) -> list[Event]:
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def stream(*told: Told, events: Iterable[Event] | None = None) -> list[Event]:
    """The whole stream of these items, one after the other or with their events in another order."""
    between = itertools.chain.from_iterable(item.events for item in told) if events is None else events
    return numbered(
        [
            envelope("response.created"),
            *between,
            envelope("response.completed", *(item.item for item in told)),
        ]
    )


@dataclass
class Asked:
    """A guardrail over single texts that remembers what it was asked."""

    mask: Callable[[str], str]
    texts: list[str]

    def __call__(self, texts: tuple[str, ...]) -> list[str]:
        self.texts += texts
        return [self.mask(text) for text in texts]

    @property
    def characters(self) -> int:
        return sum(map(len, self.texts))


def asked(mask: Callable[[str], str] = str) -> Asked:
    return Asked(mask, [])


def drive(gate: TextGate, events: Iterable[Event], check: Callable[[tuple[str, ...]], list[str]]) -> Iterator[Any]:
    """Yield what leaves the gate, one event at a time."""
    for event in events:
        yield from settle(gate, gate.feed(event), check)
    yield from settle(gate, gate.finish(), check)


def settle(gate: TextGate, step: Release | Scan | Hold, check: Callable[[tuple[str, ...]], list[str]]) -> Iterator[Any]:
    while isinstance(step, Scan):
        step = gate.answer([*check(step.texts), *step.images, *step.files])
    if isinstance(step, Release):
        yield from step.events


def joined(events: Iterable[Event], event_type: str, **place: int) -> str:
    """The deltas of one text, joined."""
    return "".join(
        event["delta"]
        for event in events
        if event["type"] == event_type and all(event[key] == value for key, value in place.items())
    )
