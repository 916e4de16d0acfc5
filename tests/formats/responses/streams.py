"""Event sequences as OpenAI sends them, as dicts."""

from __future__ import annotations

import copy
import itertools
import json
from dataclasses import dataclass
from typing import Any

from openai import omit
from openai._models import construct_type
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from litellm_bighub.formats.responses.stream.gate import ResponsesGate
from litellm_bighub.formats.stream.gate_protocol import Outcome
from tests.formats.driving import Driven, Event

EVENT = TypeAdapter(ResponseStreamEvent)
KINDS = ("function", "custom", "shell", "local_shell", "apply_patch", "computer", "tool_search", "unknown")


@dataclass
class Part:
    """One item of a stream: its complete form and its events."""

    item: Event
    events: list[Event]


def message(index: int, *pieces: str) -> Part:
    text = "".join(pieces)
    place = {"item_id": f"msg_{index}", "output_index": index, "content_index": 0}
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": f"msg_{index}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return Part(
        item,
        [
            added(index, {**item, "status": "in_progress", "content": []}),
            {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
            *({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in pieces),
            {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
            {"type": "response.content_part.done", **place, "part": part},
            done(index, item),
        ],
    )


def reasoning(index: int, text: str) -> Part:
    place = {"item_id": f"rs_{index}", "output_index": index, "summary_index": 0}
    item = {"id": f"rs_{index}", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}
    return Part(
        item,
        [
            added(index, {**item, "summary": []}),
            {"type": "response.reasoning_summary_text.delta", **place, "delta": text},
            {"type": "response.reasoning_summary_text.done", **place, "text": text},
            done(index, item),
        ],
    )


def web_search(index: int) -> Part:
    item = {
        "id": f"ws_{index}",
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }
    place = {"item_id": item["id"], "output_index": index}
    return Part(
        item,
        [
            added(index, {**item, "status": "in_progress"}),
            {"type": "response.web_search_call.searching", **place},
            done(index, item),
        ],
    )


def call(index: int, kind: str = "function", tag: str = "", pieces: int = 2) -> Part:
    """A call whose name, arguments and call id all hold the tag."""
    tag = tag or f"t{index}"
    item = call_item(index, kind, tag)
    if kind not in {"function", "custom"}:
        return Part(item, [added(index, {**item, "status": "in_progress"}), done(index, item)])
    key, event = {
        "function": ("arguments", "response.function_call_arguments"),
        "custom": ("input", "response.custom_tool_call_input"),
    }[kind]
    text = item[key]
    size = max(1, -(-len(text) // pieces))
    place = {"item_id": item["id"], "output_index": index}
    named = {"name": item["name"]} if kind == "function" else {}
    deltas = (text[start : start + size] for start in range(0, len(text), size))
    return Part(
        item,
        [
            added(index, {**item, key: ""}),
            *({"type": f"{event}.delta", **place, "delta": delta} for delta in deltas),
            {"type": f"{event}.done", **place, **named, key: text},
            done(index, item),
        ],
    )


def shell_call(index: int, *commands: str, environment: str = "local") -> Part:
    """A shell call whose commands are told one by one, as openai tells them from 3 on."""
    item = {
        **call_item(index, "shell", ""),
        "action": {"commands": list(commands)},
        "environment": {"type": environment, **({"container_id": "c"} if environment != "local" else {})},
    }
    name = "response.shell_call_command"
    told: list[Event] = []
    for number, command in enumerate(commands):
        place = {"output_index": index, "command_index": number}
        half = len(command) // 2
        told += [
            {"type": f"{name}.added", **place, "command": ""},
            {"type": f"{name}.delta", **place, "delta": command[:half]},
            {"type": f"{name}.delta", **place, "delta": command[half:]},
            {"type": f"{name}.done", **place, "command": command},
        ]
    begun = {**item, "status": "in_progress", "action": {"commands": []}}
    return Part(item, [added(index, begun), *told, done(index, item)])


def call_item(index: int, kind: str, tag: str) -> Event:
    ids = {"id": f"item_{index}", "call_id": f"call_{tag}", "status": "completed"}
    patch = {"type": "create_file", "path": tag, "diff": tag}
    payloads: dict[str, Event] = {
        "function": {"type": "function_call", "name": f"name_{tag}", "arguments": json.dumps({"a": tag})},
        "custom": {"type": "custom_tool_call", "name": f"name_{tag}", "input": f"do {tag}"},
        "shell": {"type": "shell_call", "action": {"commands": [tag]}, "environment": {"type": "local"}},
        "local_shell": {"type": "local_shell_call", "action": {"type": "exec", "command": [tag], "env": {}}},
        "apply_patch": {"type": "apply_patch_call", "operation": patch},
        "computer": {"type": "computer_call", "action": {"type": "type", "text": tag}, "pending_safety_checks": []},
        "tool_search": {"type": "tool_search_call", "arguments": {"query": tag}, "execution": "client"},
        "unknown": {"type": "robot_call", "name": f"name_{tag}", "arguments": json.dumps({"a": tag})},
    }
    return {**ids, **payloads[kind]}


def added(index: int, item: Event) -> Event:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: Event) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def envelope(event_type: str, output: list[Event], status: str = "completed") -> Event:
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": "m",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    return {"type": event_type, "response": response}


def stream(*parts: Part) -> list[Event]:
    events = [event for part in parts for event in part.events]
    return numbered(enclosed(events, [part.item for part in parts]))


def enclosed(events: list[Event], output: list[Event]) -> list[Event]:
    return [envelope("response.created", [], "in_progress"), *events, envelope("response.completed", output)]


def numbered(events: list[Event], start: int = 0) -> list[Event]:
    return [{**copy.deepcopy(event), "sequence_number": number} for number, event in enumerate(events, start)]


def new_gate() -> ResponsesGate:
    numbers = itertools.count(1)
    return ResponsesGate(new_item_id=lambda: f"msg_w{next(numbers)}")


def driven() -> Driven:
    return Driven(new_gate())


def run(events: list[Any], *outcomes: Outcome) -> Driven:
    return driven().run(events, *outcomes)


def accept(events: list[Event]) -> None:
    """Fail if the official client does not take the sequence."""
    state: Any = ResponseStreamState(input_tools=[], text_format=omit)
    for event in events:
        if "robot_call" not in json.dumps(event):  # of a type that the client does not know
            EVENT.validate_python(event)
        state.handle_event(construct_type(type_=ResponseStreamEvent, value=event))
