"""The lists of fields name every field of the installed client libraries and of LiteLLM."""

from __future__ import annotations

import typing

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from litellm.types import utils as litellm_chat
from litellm.types.llms import openai as litellm_responses
from litellm.types.llms.anthropic_messages.anthropic_response import AnthropicMessagesResponse
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

from litellm_bighub.formats.answers.answer_fields import FieldKind, Listed
from tests.formats.absent import of_format

chat, messages, responses = (
    of_format(f"litellm_bighub.formats.{name}.answer_fields") for name in ("chat", "messages", "responses")
)

LITELLM_EVENTS = [
    each
    for name, each in vars(litellm_responses).items()
    if isinstance(each, type)
    and issubclass(each, litellm_responses.BaseLiteLLMOpenAIResponseObject)
    and name.endswith("Event")
]

DELTA = ("content", "role", "function_call", "tool_calls", "audio", "images", "annotations")
"""What LiteLLM writes into a delta without declaring it."""

ROOTS = [
    (chat.ANSWER, [ChatCompletion, ChatCompletionChunk, Completion]),
    (chat.ANSWER, [litellm_chat.ModelResponse, litellm_chat.ModelResponseStream, litellm_chat.TextCompletionResponse]),
    (messages.MESSAGE, [Message, BetaMessage, AnthropicMessagesResponse]),
    (messages.EVENTS, [RawMessageStreamEvent, BetaRawMessageStreamEvent]),
    (responses.RESPONSE, [Response, litellm_responses.ResponsesAPIResponse]),
    (responses.EVENTS, [ResponseStreamEvent, *LITELLM_EVENTS]),
]


TYPES = {"OutputFunctionToolCall": "function_call", "GenericResponseOutputItem": "message"}
"""Of classes whose `type` may be any text."""


def classes(annotation: object) -> list[type]:
    """The models and typed dicts in an annotation."""
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or typing.is_typeddict(annotation)):
        return [annotation]
    return [each for part in typing.get_args(annotation) for each in classes(part)]


def fields_of(owner: type) -> dict[str, object]:
    if issubclass(owner, BaseModel):
        return {
            name if each.alias is None else each.alias: each.annotation for name, each in owner.model_fields.items()
        }
    return typing.get_type_hints(owner)


def types_of(owner: type) -> list[str]:
    declared = [each for each in typing.get_args(fields_of(owner).get("type")) if isinstance(each, str)]
    return declared or [TYPES.get(owner.__name__, "")]


def unlisted(owner: type, listed: Listed, path: str, seen: set[tuple[type, int]]) -> list[str]:
    """The fields of a class, and of those in it, that have no entry."""
    if isinstance(listed, FieldKind) or (owner, id(listed)) in seen:
        return []
    if path.endswith(".tools") and "function_call" in types_of(owner):
        return []  # LiteLLM's type allows calls among the tools, where no answer has them: they are looked for
    seen.add((owner, id(listed)))
    missing: list[str] = []
    for kind in types_of(owner):
        shape = listed if not callable(getattr(listed, "of", None)) else listed.of({"type": kind})
        for name, annotation in fields_of(owner).items():
            entry = shape.fields.get(name)
            if entry is None:
                missing.append(f"{path}.{name} ({owner.__name__} {kind})")
            else:
                for each in classes(annotation):
                    missing += unlisted(each, entry, f"{path}.{name}", seen)
    return missing


@pytest.mark.parametrize(
    ("listed", "root"),
    [(listed, each) for listed, roots in ROOTS for root in roots for each in classes(root)],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_every_field_of_the_installed_types_has_an_entry(listed, root):
    assert unlisted(root, listed, root.__name__, set()) == []


@pytest.mark.format("chat")
def test_litellms_deltas_and_usage_have_entries():
    choice = chat.ANSWER.fields["choices"].fields
    assert set(DELTA) | set(litellm_chat.Delta.model_fields) <= set(choice["delta"].fields)
    assert "usage" in chat.ANSWER.fields
