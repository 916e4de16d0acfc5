"""The shape of a chat completion and of its chunks: what has another one is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get, is_object, members

_DONE = "[DONE]"
_WHOLE = ("message", "tool_calls", "function_call")
"""What a choice of a whole answer has in place of a delta, and a choice of a chunk never without one."""


def check_answer(response: object) -> None:
    """Raise `UnreadableAnswerError` if this is no completion."""
    if not is_object(response):
        raise UnreadableAnswerError(f"a {type(response).__name__} is no chat completion")
    choices: object = get(response, "choices")
    if not isinstance(choices, list):
        raise UnreadableAnswerError(f"choices is a {type(choices).__name__}, not a list")
    for at, choice in enumerate(cast("list[object]", choices)):
        _check_object(choice, f"choices[{at}]")
        _check_object(get(choice, "message"), f"choices[{at}].message")


def check_chunk(chunk: object, choices: Sequence[object]) -> None:
    """Raise `UnreadableAnswerError` if this is no chunk with these choices."""
    if not is_object(chunk):
        raise UnreadableAnswerError(f"an event is a {type(chunk).__name__}")
    for at, choice in enumerate(choices):
        _check_object(choice, f"choices[{at}] of a chunk")
        delta: object = get(choice, "delta")
        if delta is not None or any(get(choice, key) is not None for key in _WHOLE):
            _check_object(delta, f"choices[{at}].delta of a chunk")


def check_first(choices: Sequence[object]) -> None:
    """Raise `UnreadableAnswerError` if the first chunk of a stream ends it, with nothing said.

    LiteLLM makes such a chunk up where an upstream has sent none, but a whole answer for one: it is no answer.
    """
    if all(text(choice, "finish_reason") == "stop" and not _says(get(choice, "delta")) for choice in choices):
        raise UnreadableAnswerError("the stream ends before it has begun")


def _says(delta: object) -> bool:
    return any(members(delta).values())


def check_rest(event: object) -> None:
    """Raise `UnreadableAnswerError` if this is none of what stands in a stream beside chunks with choices.

    That is a chunk that tells of usage or filters, an error, and as text on its way to the client an error or the end.
    """
    if isinstance(event, str | bytes):
        event = _written(event.decode(errors="replace") if isinstance(event, bytes) else event)
    if event == _DONE:
        return
    if not is_object(event):
        raise UnreadableAnswerError(f"an event is a {type(event).__name__}")
    choices: object = get(event, "choices")
    if choices is None and get(event, "error") is None:
        raise UnreadableAnswerError("a chunk has no choices")
    if choices is not None and not isinstance(choices, list | tuple):
        raise UnreadableAnswerError(f"choices of a chunk is a {type(choices).__name__}, not a list")
    if any(get(event, key) for key in (*_WHOLE, "delta")):
        raise UnreadableAnswerError("a chunk without choices tells a message")


def _written(said: str) -> object:
    """What a text on its way to the client tells: one error, or the end."""
    data = said.strip().removeprefix("data:").strip()
    if data == _DONE:
        return _DONE
    try:
        read: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswerError("a text stands where a chunk should") from error
    if not isinstance(read, dict) or "error" not in read or "choices" in read:
        raise UnreadableAnswerError("a text stands where a chunk should")
    return cast("dict[str, object]", read)


def _check_object(value: object, path: str) -> None:
    if not is_object(value):
        raise UnreadableAnswerError(f"{path} is a {type(value).__name__}")
