"""Every string that the installed `openai` knows of in chat completions is scanned, or declared here as none."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import BaseModel
from typing_extensions import get_type_hints, is_typeddict

from litellm_bighub.formats.chat.texts.text_finder import find_in_answer, find_in_request
from litellm_bighub.formats.payload.slots import Found

CANARY = "bob@example.com"

OPAQUE = {
    # ids
    "id", "tool_call_id", "system_fingerprint",
    # which of several known things it is
    "type", "role", "object", "model", "service_tier", "reasoning_effort", "voice", "format", "syntax",
    "finish_reason", "mode", "ttl", "obfuscation",
}  # fmt: skip
"""Fields that may hold a string which nobody has to look at."""


def values(annotation: Any, name: str = "", around: frozenset[Any] = frozenset()) -> Iterator[tuple[str, Any]]:
    """Every value of the annotation that holds the canary in one string and no other, with the string's field."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in (str, object, Any):
        yield name, CANARY
    elif origin is Literal or annotation in around:
        return
    elif is_typeddict(annotation) or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        yield from _of_object(annotation, around | {annotation})
    elif origin is dict:
        yield from ((field, {"a": value}) for field, value in values(arguments[1], name, around))
    elif origin in (list, Iterable, typing.get_origin(Iterable[str])) or "Sequence" in str(origin):
        yield from ((field, [value]) for field, value in values(arguments[0], name, around))
    else:
        for argument in arguments:
            yield from values(argument, name, around)


def _of_object(kind: Any, around: frozenset[Any]) -> Iterator[tuple[str, Any]]:
    if issubclass(kind, BaseModel):
        hints = {name: field.annotation for name, field in kind.model_fields.items()}
    else:
        hints = get_type_hints(kind, include_extras=True)
    fixed = {name: literal for name, hint in hints.items() if (literal := _literal(hint)) is not None}
    for name, hint in hints.items():
        for field, value in values(hint, name, around):
            yield field, {**fixed, name.removesuffix("_"): value}


def _literal(annotation: Any) -> Any:
    if get_origin(annotation) is Literal:
        return get_args(annotation)[0]
    found = [_literal(argument) for argument in get_args(annotation)] if get_origin(annotation) is not dict else []
    return found[0] if len(found) == 1 else None


REQUESTS = [*values(CompletionCreateParamsNonStreaming)]
ANSWERS = [*values(ChatCompletion), *values(ChatCompletionChunk)]


def is_seen(found: Found) -> bool:
    return any(CANARY in text for text in (*found.texts, *found.images, *found.files))


def ids(rows: list[tuple[str, Any]]) -> list[str]:
    return [f"{number} {field}" for number, (field, _) in enumerate(rows)]


def test_the_walk_reaches_messages_tools_and_tokens():
    assert len(REQUESTS) > 60
    assert {field for field, _ in ANSWERS} >= {"content", "arguments", "transcript", "token", "refusal", "title"}


@pytest.mark.parametrize(("field", "request_"), REQUESTS, ids=ids(REQUESTS))
def test_every_string_of_a_request(field, request_):
    """A field that is new in `openai` is scanned; one that is opaque in our tables stands above, with the reason."""
    assert is_seen(find_in_request(request_)) or field in OPAQUE


@pytest.mark.parametrize(("field", "answer"), ANSWERS, ids=ids(ANSWERS))
def test_every_string_of_an_answer(field, answer):
    assert is_seen(find_in_answer(answer)) or field in OPAQUE
