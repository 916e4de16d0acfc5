"""What the fields of an answer carry, by a list of each format, and the taking out of what stands beside them.

A list names every field that a format, its client library and LiteLLM know, with what it may carry. A field that
stands in no list is looked through, and so is a listed one that carries something else than it may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from operator import is_
from typing import Protocol, TypeAlias, cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.payload.fields import is_mapping, is_object, members


class FieldKind(Enum):
    """What a field may carry."""

    WORD = "word"
    """An id, an enumeration or a number; a text with braces in it is looked through."""
    TEXT = "text"
    """What the model says: left alone."""
    CALL = "call"
    """A call where the format has its place, or one that the provider has run: the gates see to it."""
    SETTINGS = "settings"
    """An echo of the request, where tools are described: withheld calls are looked for, calls as such are not."""
    DETAILS = "details"
    """Known, but of many shapes: looked through like a field that nobody knows."""


@dataclass(frozen=True, slots=True)
class FieldShape:
    """The list of one object's fields.

    Attributes:
        fields: by name. A field that holds objects, or a list of them, has their shape.
        text: whether a text may stand in the object's place.
    """

    fields: Mapping[str, Listed]
    text: bool = False


@dataclass(frozen=True, slots=True)
class FieldShapes:
    """Objects of several types: what one of them looks like, and whether a text may stand in its place."""

    of: Callable[[object], FieldShape]
    text: bool = False


Listed: TypeAlias = "FieldKind | FieldShape | FieldShapes"


class Finder(Protocol):
    """Looks for calls that may not leave."""

    def found_in_unlisted(self, owner: JsonMapping, key: str, value: object) -> bool:
        """Whether a field of this owner that nobody knows may not leave."""
        ...

    def found_in_details(self, value: object) -> bool:
        """Whether a known field may not leave."""
        ...

    def found_in_settings(self, value: object) -> bool:
        """Whether an echo of the request may not leave."""
        ...


_PLAIN = frozenset({str, int, float, bool})
_WORD = FieldKind.WORD
_OTHER_PLAIN: tuple[Listed, ...] = (FieldKind.TEXT, FieldKind.CALL, FieldKind.SETTINGS)
_GONE = object()


def cleared(value: object, listed: FieldShape | FieldShapes, finder: Finder) -> object:
    """The object, or a copy without the fields in which something is found."""
    shape = listed if isinstance(listed, FieldShape) else listed.of(value)
    fields = members(value)
    changed: dict[str, object] = {}
    known = shape.fields
    for key, field in fields.items():
        if field is None:
            continue
        carries = known.get(key)
        # Nearly all fields of nearly all events are plain ones that are known; matching would cost more than they do.
        if type(field) in _PLAIN and (
            (carries is _WORD and (type(field) is not str or "{" not in field)) or carries in _OTHER_PLAIN
        ):
            continue
        left = _left(fields, key, field, carries, finder)
        if left is not field:
            changed[key] = left
    return _with(value, changed) if changed else value


def clear(answer: object, listed: FieldShape | FieldShapes, finder: Finder) -> int:
    """Take the fields in which something is found out of an answer, in place.

    Returns:
        how many of its own fields have changed.
    """
    fields = members(answer)
    kept = cleared(answer, listed, finder)
    if kept is answer:
        return 0
    left = members(kept)
    changed = [key for key, value in fields.items() if left.get(key) is not value]
    for key in changed:
        _write(answer, key, left.get(key, _GONE))
    return len(changed)


def _left(fields: JsonMapping, key: str, value: Payload, listed: Listed | None, finder: Finder) -> object:
    """The field's value, a changed copy of it, or `_GONE`."""
    plain = type(value) in _PLAIN or isinstance(value, Enum)
    match listed:
        case FieldKind.CALL:
            found = False
        case FieldKind.WORD:
            found = not (plain and "{" not in str(value)) and finder.found_in_details(value)
        case FieldKind.TEXT:
            found = not plain and finder.found_in_details(value)
        case FieldKind.SETTINGS:
            found = not plain and finder.found_in_settings(value)
        case FieldKind.DETAILS:
            found = finder.found_in_details(value)
        case None:
            found = finder.found_in_unlisted(fields, key, value)
        case FieldShape() | FieldShapes():
            return _objects(value, listed, finder)
    return _GONE if found else value


def _objects(value: Payload, listed: FieldShape | FieldShapes, finder: Finder) -> object:
    """An object of a shape, or a list of them."""
    if is_object(value):
        return cleared(value, listed, finder)
    if isinstance(value, list | tuple):
        elements = cast("list[Payload]", value)
        left = [_objects(each, listed, finder) for each in elements]
        kept = [each for each in left if each is not _GONE]
        return value if all(map(is_, left, elements)) else kept
    if listed.text and type(value) in _PLAIN:
        return value
    return _GONE if value is not None and finder.found_in_details(value) else value


def _with(owner: Payload, changed: Mapping[str, object]) -> object:
    if is_mapping(owner):
        fields: dict[str, object] = {**owner, **changed}
        return {key: value for key, value in fields.items() if value is not _GONE}
    copied = cast("BaseModel", owner).model_copy()
    for key, value in changed.items():
        _write(copied, key, value)
    return copied


def _write(owner: Payload, key: str, value: object) -> None:
    """Write a field in place, past the checks of a model, which LiteLLM's own answers do not all pass."""
    if is_mapping(owner):
        fields = cast("dict[str, object]", owner)
    else:
        model = cast("BaseModel", owner)
        extra: dict[str, object] = model.__pydantic_extra__ or {}
        fields = extra if key in extra else vars(model)
        if value is _GONE and key in type(model).model_fields:
            value = None
    if value is _GONE:
        del fields[key]
    else:
        fields[key] = value
