"""The events by which a stream tells of a whole item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from litellm_bighub.domain.payload import JsonMapping, JsonObject

Item: TypeAlias = JsonMapping  # one output item in the wire's own shape, which is OpenAI's to change
_Event: TypeAlias = "JsonObject"
_Inner: TypeAlias = "Callable[[Item, Item], Iterator[_Event]]"

_EMPTY_TEXTS: Mapping[str, Item] = {
    "output_text": {"type": "output_text", "text": "", "annotations": []},
    "refusal": {"type": "refusal", "refusal": ""},
}


def item_events(item: Item, output_index: int) -> list[JsonObject]:
    """The events. They have no sequence numbers yet.

    Args:
        item: complete, in plain containers. One of a type that has no events of its own is announced as a whole.
        output_index: its place in the response.
    """
    blank, inner = _TOLD.get(str(item.get("type")), ({}, _nothing))
    begun = {**item, **{key: value for key, value in blank.items() if key in item}}
    if blank and "status" in item:
        begun["status"] = "in_progress"
    place = {"item_id": item.get("id", ""), "output_index": output_index}
    return [
        {"type": "response.output_item.added", "output_index": output_index, "item": begun},
        *inner(item, place),
        {"type": "response.output_item.done", "output_index": output_index, "item": item},
    ]


def _message(item: Item, place: Item) -> Iterator[_Event]:
    for index, part in enumerate(_parts(item, "content")):
        at = {**place, "content_index": index}
        yield {"type": "response.content_part.added", **at, "part": _EMPTY_TEXTS.get(part["type"], part)}
        match part:
            case {"type": "output_text", "text": str(text)}:
                if text:
                    yield {"type": "response.output_text.delta", **at, "delta": text, "logprobs": []}
                for number, annotation in enumerate(_parts(part, "annotations")):
                    added = {"annotation_index": number, "annotation": annotation}
                    yield {"type": "response.output_text.annotation.added", **at, **added}
                yield {"type": "response.output_text.done", **at, "text": text, "logprobs": []}
            case {"type": "refusal", "refusal": str(refusal)}:
                yield {"type": "response.refusal.delta", **at, "delta": refusal}
                yield {"type": "response.refusal.done", **at, "refusal": refusal}
            case _:
                pass
        yield {"type": "response.content_part.done", **at, "part": part}


def _reasoning(item: Item, place: Item) -> Iterator[_Event]:
    for index, part in enumerate(_parts(item, "summary")):
        at = {**place, "summary_index": index}
        text = part.get("text", "")
        yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
        yield {"type": "response.reasoning_summary_text.delta", **at, "delta": text}
        yield {"type": "response.reasoning_summary_text.done", **at, "text": text}
        yield {"type": "response.reasoning_summary_part.done", **at, "part": part}
    for index, part in enumerate(_parts(item, "content")):
        at = {**place, "content_index": index}
        yield {"type": "response.reasoning_text.delta", **at, "delta": part.get("text", "")}
        yield {"type": "response.reasoning_text.done", **at, "text": part.get("text", "")}


def _function_call(item: Item, place: Item) -> Iterator[_Event]:
    arguments, name = item.get("arguments", ""), item.get("name", "")
    yield {"type": "response.function_call_arguments.delta", **place, "delta": arguments}
    yield {"type": "response.function_call_arguments.done", **place, "name": name, "arguments": arguments}


def _custom_call(item: Item, place: Item) -> Iterator[_Event]:
    yield {"type": "response.custom_tool_call_input.delta", **place, "delta": item.get("input", "")}
    yield {"type": "response.custom_tool_call_input.done", **place, "input": item.get("input", "")}


def _nothing(_item: Item, _place: Item) -> Iterator[_Event]:
    return iter(())


def _parts(owner: Item, key: str) -> Sequence[Item]:
    parts = owner.get(key)
    return parts if isinstance(parts, list) else ()


_TOLD: Mapping[str, tuple[Item, _Inner]] = {
    "message": ({"content": []}, _message),
    "reasoning": ({"summary": [], "content": []}, _reasoning),
    "function_call": ({"arguments": ""}, _function_call),
    "custom_tool_call": ({"input": ""}, _custom_call),
}
