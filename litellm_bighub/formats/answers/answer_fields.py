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
_HOLDING_NOTHING = frozenset({list, dict})
_WORD, _TEXT, _CALL, _SETTINGS = FieldKind.WORD, FieldKind.TEXT, FieldKind.CALL, FieldKind.SETTINGS
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
        # Nearly all fields are such words and texts, and asking a function costs more than they do.
        if type(field) is str and (carries is _TEXT or (carries is _WORD and "{" not in field)):
            continue
        if carries is not None and _is_harmless(field, carries):
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


def _is_harmless(value: Payload, listed: Listed) -> bool:
    """Whether a field that is listed carries no more than its kind may, as far as a glance can tell."""
    if listed is _CALL:
        return True
    kind = type(value)
    if kind in _HOLDING_NOTHING:
        return not value
    if kind not in _PLAIN:
        if not isinstance(value, Enum):
            return False
        value = value._value_
    return listed is _TEXT or listed is _SETTINGS or (listed is _WORD and "{" not in str(value))


def _left(fields: JsonMapping, key: str, value: Payload, listed: Listed | None, finder: Finder) -> object:
    """What is left of a field that is not harmless at a glance: its value, a changed copy of it, or `_GONE`."""
    if isinstance(listed, FieldShape | FieldShapes):
        return _objects(value, listed, finder)
    if listed is None:
        found = finder.found_in_unlisted(fields, key, value)
    elif listed is _SETTINGS:
        found = finder.found_in_settings(value)
    else:
        found = finder.found_in_details(value)
    return _GONE if found else value


def _objects(value: Payload, listed: FieldShape | FieldShapes, finder: Finder) -> object:
    """An object of a shape, or a list of them."""
    if is_object(value):
        return cleared(value, listed, finder)
    if isinstance(value, list | tuple):
        elements = cast("list[Payload]", value)
        left = [_objects(each, listed, finder) for each in elements]
        return value if all(map(is_, left, elements)) else [each for each in left if each is not _GONE]
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
