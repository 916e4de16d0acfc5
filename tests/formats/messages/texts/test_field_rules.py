"""The table of blocks knows every type and every text field of the installed `anthropic`."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
import typing_extensions
from anthropic.types.beta import BetaContentBlock, BetaContentBlockParam
from pydantic import BaseModel

from litellm_bighub.formats.messages.texts.field_rules import BLOCKS, TOOL
from litellm_bighub.formats.messages.texts.texts import find_in_message
from litellm_bighub.formats.payload.field_rules import FieldRule

CANARY = "canary-7f3a"
OPAQUE_FIELDS = {
    # which of several known things it is
    "type", "media_type", "file_type", "error_code", "stop_reason",
    # ids, which mean something to the provider alone
    "id", "tool_use_id", "file_id",
}  # fmt: skip
"""Fields that may hold a string and that nobody has to look at."""
PLACED = {"tool_definition": "definition", "mcp_tool_listing": "tools", "image": "source"}
"""Fields whose objects have rules of their own, whatever type they have."""


def members(kind: Any) -> dict[str, Any]:
    """The fields of a model or a typed dict, with what stands in them."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    return typing.get_type_hints(kind)


def objects(annotation: Any) -> Iterator[Any]:
    """The models and typed dicts that an annotation names, in unions and containers."""
    if typing_extensions.is_typeddict(annotation) or (
        isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel)
    ):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            yield from objects(argument)


def type_of(kind: Any) -> str | None:
    def literals(annotation: Any) -> Iterator[str]:
        if get_origin(annotation) is Literal:
            yield from get_args(annotation)
        else:
            for argument in get_args(annotation):
                yield from literals(argument)

    return next(literals(members(kind).get("type")), None)


def strings(annotation: Any) -> bool:
    """Whether a value may be a string, or a list or mapping of strings."""
    if annotation in (str, object, Any):
        return True
    return get_origin(annotation) is not Literal and any(strings(argument) for argument in get_args(annotation))


def with_canary(annotation: Any) -> Any:
    """A value of the annotation that holds the canary."""
    origin = get_origin(annotation)
    if origin is dict:
        return {"a": CANARY}
    if origin in (typing.Union, types.UnionType, typing.Annotated):
        return next(with_canary(argument) for argument in get_args(annotation) if strings(argument))
    return CANARY if origin is None else [CANARY]


def reachable() -> list[Any]:
    seen: dict[Any, None] = {}
    todo = [*objects(BetaContentBlock), *objects(BetaContentBlockParam)]
    while todo:
        kind = todo.pop()
        if kind in seen:
            continue
        seen[kind] = None
        for name, annotation in members(kind).items():
            if name.removesuffix("_") not in OPAQUE_FIELDS and PLACED.get(type_of(kind) or "") != name:
                todo.extend(objects(annotation))
    return list(seen)


KINDS = reachable()
STRING_FIELDS = sorted(
    {
        (kind.__name__, type_of(kind), name)
        for kind in KINDS
        for name, annotation in members(kind).items()
        if strings(annotation)
    },
    key=str,
)
ANNOTATIONS = {(kind.__name__, name): annotation for kind in KINDS for name, annotation in members(kind).items()}


def test_the_walk_reaches_results_sources_and_citations():
    names = {kind.__name__ for kind in KINDS}
    assert names >= {"BetaCitationCharLocation", "BetaBase64PDFSource", "BetaBashCodeExecutionResultBlock"}


def test_every_type_is_known():
    """A type that is new in `anthropic` fails here: give it an entry."""
    placed = {"direct", "code_execution_20250825", "code_execution_20260120", "ephemeral", "refusal"}
    placed |= {"browser_state", "enabled", "tab_opened", "download_started", "download_completed", "download_failed"}
    missing = {type_of(kind) for kind in KINDS} - BLOCKS.keys() - {None} - placed
    assert missing == set()


@pytest.mark.parametrize(("kind", "block_type", "name"), STRING_FIELDS)
def test_every_string_field_is_seen(kind: str, block_type: str | None, name: str):
    """A field of a block is a text, a name, an image, a file or hidden, or stands above with the reason."""
    key = name.removesuffix("_")
    block = {"type": block_type, key: with_canary(ANNOTATIONS[kind, name])}
    found = find_in_message({"role": "user", "content": [block]})
    seen = any(CANARY in text for text in (*found.texts, *found.images, *found.files)) or bool(found.hidden)
    assert seen is not (key in OPAQUE_FIELDS and not (block_type == "file" and key == "file_id"))


@pytest.mark.parametrize("name", sorted(OPAQUE_FIELDS - {"type"}))
def test_nothing_is_taken_for_granted_of_an_unknown_type(name: str):
    """What is opaque in a type that is known is a text in one that is not."""
    assert CANARY in find_in_message({"content": [{"type": "from_the_future", name: CANARY}]}).texts


def test_of_tools_only_settings_are_left_alone():
    opaque = {key for key, rule in TOOL.items() if rule is FieldRule.OPAQUE}
    assert opaque == {"type", "model", "allowed_callers", "response_inclusion"}
