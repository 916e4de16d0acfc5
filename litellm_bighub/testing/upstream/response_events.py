"""The events in which a response of `/v1/responses` is streamed, in OpenAI's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from litellm_bighub.testing.upstream.items import Item
from litellm_bighub.testing.upstream.response import ResponseEnvelope

_ENDS = {"completed": "response.completed", "incomplete": "response.incomplete", "failed": "response.failed"}
_Inner = Callable[[Item, Item, int], Iterator[Item]]


def response_events(envelope: ResponseEnvelope, items: Sequence[Item], status: str, delta_size: int) -> Iterator[Item]:
    """All events of a response, numbered from 0."""
    for number, event in enumerate(_unnumbered(envelope, items, status, delta_size)):
        yield {**event, "sequence_number": number}


def _unnumbered(envelope: ResponseEnvelope, items: Sequence[Item], status: str, delta_size: int) -> Iterator[Item]:
    begun = envelope.with_output([], "in_progress")
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(items):
        open_item, inner = _opened(item)
        place: Item = {"item_id": item["id"], "output_index": index}
        yield {"type": "response.output_item.added", "output_index": index, "item": open_item}
        yield from inner(item, place, delta_size)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": _ENDS[status], "response": envelope.with_output(items, status)}


def _opened(item: Item) -> tuple[Item, _Inner]:
    """The item as it is announced, before any of its content, and the events that then bring the content."""
    blank, inner = _CONTENT.get(item["type"], ({}, _nothing))
    announced = {**item, **{key: value for key, value in blank.items() if key in item}}
    return ({**announced, "status": "in_progress"} if "status" in item else announced), inner


def _message(item: Item, place: Item, delta_size: int) -> Iterator[Item]:
    for index, part in enumerate(item["content"]):
        at = {**place, "content_index": index}
        if part["type"] == "refusal":
            yield {"type": "response.content_part.added", **at, "part": {**part, "refusal": ""}}
            yield from _pieces("response.refusal.delta", at, part["refusal"], delta_size)
            yield {"type": "response.refusal.done", **at, "refusal": part["refusal"]}
        else:
            annotations = part.get("annotations", [])
            yield {"type": "response.content_part.added", **at, "part": {**part, "text": "", "annotations": []}}
            for delta in _pieces("response.output_text.delta", at, part["text"], delta_size):
                yield {**delta, "logprobs": []}
            for number, annotation in enumerate(annotations):
                added = {"annotation_index": number, "annotation": annotation}
                yield {"type": "response.output_text.annotation.added", **at, **added}
            yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **at, "part": part}


def _reasoning(item: Item, place: Item, delta_size: int) -> Iterator[Item]:
    for index, part in enumerate(item["summary"]):
        at = {**place, "summary_index": index}
        yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
        yield from _pieces("response.reasoning_summary_text.delta", at, part["text"], delta_size)
        yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **at, "part": part}
    for index, part in enumerate(item.get("content", [])):
        at = {**place, "content_index": index}
        yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
        yield from _pieces("response.reasoning_text.delta", at, part["text"], delta_size)
        yield {"type": "response.reasoning_text.done", **at, "text": part["text"]}
        yield {"type": "response.content_part.done", **at, "part": part}


def _function_call(item: Item, place: Item, delta_size: int) -> Iterator[Item]:
    yield from _pieces("response.function_call_arguments.delta", place, item["arguments"], delta_size)
    call = {"name": item["name"], "arguments": item["arguments"]}
    yield {"type": "response.function_call_arguments.done", **place, **call}


def _mcp_call(item: Item, place: Item, delta_size: int) -> Iterator[Item]:
    yield {"type": "response.mcp_call.in_progress", **place}
    yield from _pieces("response.mcp_call_arguments.delta", place, item["arguments"], delta_size)
    yield {"type": "response.mcp_call_arguments.done", **place, "arguments": item["arguments"]}
    yield {"type": "response.mcp_call.failed" if item.get("error") else "response.mcp_call.completed", **place}


def _custom_call(item: Item, place: Item, delta_size: int) -> Iterator[Item]:
    yield from _pieces("response.custom_tool_call_input.delta", place, item["input"], delta_size)
    yield {"type": "response.custom_tool_call_input.done", **place, "input": item["input"]}


def _code(item: Item, place: Item, delta_size: int) -> Iterator[Item]:
    code = item.get("code") or ""
    yield {"type": "response.code_interpreter_call.in_progress", **place}
    yield from _pieces("response.code_interpreter_call_code.delta", place, code, delta_size)
    yield {"type": "response.code_interpreter_call_code.done", **place, "code": code}
    yield {"type": "response.code_interpreter_call.interpreting", **place}
    yield {"type": "response.code_interpreter_call.completed", **place}


def _nothing(_item: Item, _place: Item, _delta_size: int) -> Iterator[Item]:
    """Shell, patch, computer and unknown items come in one piece."""
    yield from ()


def _pieces(kind: str, place: Item, text: str, size: int) -> Iterator[Item]:
    for start in range(0, len(text), size):
        yield {"type": kind, **place, "delta": text[start : start + size]}


_CONTENT: dict[str, tuple[Item, _Inner]] = {  # by type: the fields that are announced empty, and what fills them
    "message": ({"content": []}, _message),
    "reasoning": ({"summary": [], "content": []}, _reasoning),
    "function_call": ({"arguments": ""}, _function_call),
    "mcp_call": ({"arguments": "", "output": None, "error": None}, _mcp_call),
    "custom_tool_call": ({"input": ""}, _custom_call),
    "code_interpreter_call": ({"code": ""}, _code),
}
