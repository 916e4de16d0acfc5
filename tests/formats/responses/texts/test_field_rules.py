"""The table of types knows every type and every text field of the installed `openai`."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from openai.types.responses import ResponseInputItem, ResponseOutputItem
from pydantic import BaseModel

from litellm_bighub.formats.responses.texts.field_rules import COMMON, TYPES, FieldRule
from litellm_bighub.formats.responses.texts.text_finder import find_in_item
from tests.formats.responses.canaries import CANARY

OPAQUE_FIELDS = {
    # which of several known things it is
    "type", "status", "role", "phase", "detail", "syntax", "button", "execution", "object", "quality", "size",
    "background", "moderation", "output_format", "input_fidelity", "model", "action", "memory_limit",
    "search_context_size", "media_type", "require_approval", "allowed_callers", "search_content_types", "effort",
    "complexity",
    # ids of things, which mean something to the provider alone
    "id", "created_by", "fingerprint", "file_ids", "vector_store_ids",
    # where a tool server is and how to get in: nothing the model reads, and no guardrail's business
    "server_url", "authorization", "headers",
    # what a container is called
    "container",
}  # fmt: skip
"""Fields that may hold a string and that nobody has to look at; so is every field that ends in `_id`."""


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, in unions and containers."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        if get_origin(annotation) is not Literal:
            yield from models(argument)


def literals(annotation: Any) -> set[str]:
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {literal for argument in get_args(annotation) for literal in literals(argument)}


def type_of(model: type[BaseModel]) -> set[str]:
    field = model.model_fields.get("type")
    return literals(field.annotation) if field else set()


def is_opaque(model: type[BaseModel], name: str) -> bool:
    """Whether our own table leaves a field alone, for one of the types that the model has."""
    rules = [TYPES.get(kind, COMMON) for kind in type_of(model)] or [COMMON]
    return name.endswith("_id") or any(rule.get(name) is FieldRule.OPAQUE for rule in rules)


def reachable() -> list[type[BaseModel]]:
    """Every model below the two unions, but for what stands under a field that is opaque as a whole."""
    seen: dict[type[BaseModel], None] = {}
    todo = [*models(ResponseInputItem), *models(ResponseOutputItem)]
    while todo:
        model = todo.pop()
        if model in seen:
            continue
        seen[model] = None
        for name, field in model.model_fields.items():
            if not is_opaque(model, name):
                todo.extend(models(field.annotation))
    return list(seen)


MODELS = reachable()


def test_the_walk_reaches_parts_actions_and_annotations():
    names = {model.__name__ for model in MODELS}
    assert names >= {"ResponseOutputText", "AnnotationURLCitation", "LocalShellCallAction", "OutputLogs"}


@pytest.mark.parametrize("kind", sorted({kind for model in MODELS for kind in type_of(model)}))
def test_every_type_is_known(kind: str):
    """A type that is new in `openai` fails here: give it an entry in `types.py`."""
    assert kind in TYPES or kind in FILTERS


def strings(annotation: Any) -> bool:
    """Whether a value may be a string, or a list or mapping of strings."""
    if annotation in (str, object, Any):
        return True
    if get_origin(annotation) is Literal:
        return False
    return any(strings(argument) for argument in get_args(annotation))


FILTERS = {"and", "or", "eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"}
"""Types of what a file search looks for, of which every word is looked at."""
SCHEMAS = {"parameters", "input_schema", "output_schema", "schema"}


def with_canary(annotation: Any) -> Any:
    """A value of the annotation that holds the canary."""
    origin = get_origin(annotation)
    if origin is list:
        return [with_canary(get_args(annotation)[0])]
    if origin is dict:
        return {"a": with_canary(get_args(annotation)[1])}
    if origin in (typing.Union, typing.Annotated) or (origin is not None and origin is not Literal):
        return next(with_canary(argument) for argument in get_args(annotation) if strings(argument))
    return CANARY


STRING_FIELDS = sorted(
    {
        (model.__name__, kind, name)
        for model in MODELS
        for kind in type_of(model) or {None}
        for name, field in model.model_fields.items()
        if strings(field.annotation) and name != "type"
    },
    key=str,
)
ANNOTATION = {
    (model.__name__, name): field.annotation for model in MODELS for name, field in model.model_fields.items()
}


@pytest.mark.parametrize(("model", "kind", "name"), STRING_FIELDS)
def test_every_string_field_is_seen(model: str, kind: str | None, name: str):
    """A field of a type is a text, an image, a file or hidden, or stands above with the reason why it is none."""
    key = name.removesuffix("_")  # `schema_` is what openai calls a field that pydantic has a method for
    item = {"type": kind, key: {"description": CANARY} if key in SCHEMAS else with_canary(ANNOTATION[model, name])}
    if kind is None:
        del item["type"]
    found = find_in_item(item)
    seen = any(CANARY in text for text in (*found.texts, *found.images, *found.files)) or bool(found.hidden)
    opaque = key in OPAQUE_FIELDS or key.endswith("_id")
    assert seen is not opaque or (seen and key in {"name", "file_id", "environment", "id"})


@pytest.mark.parametrize("kind", ["from_the_future", "message_2"])
@pytest.mark.parametrize("name", sorted(OPAQUE_FIELDS - {"type", "id", "role", "status"}))
def test_nothing_is_taken_for_granted_of_an_unknown_type(kind: str, name: str):
    """What is opaque in a type that is known is a text in one that is not."""
    assert CANARY in find_in_item({"type": kind, name: {name: CANARY}}).texts
