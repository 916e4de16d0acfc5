"""Payloads with a canary in every string that a type can hold, made by walking the type.

A canary is a text that stands at one place alone, so that wherever it turns up one knows where it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import NotRequired, Required, get_type_hints, is_typeddict

CANARY = re.compile(r"canary-\d{7}-x")
TOMORROW = "tomorrow"
"""A field that no object has yet; each of ours has it."""

_LISTS = frozenset({list, tuple, get_origin(Iterable[str]), get_origin(Sequence[str])})
_DEPTH = 8


class Canaries:
    """Hands out canaries.

    Args:
        prefix: a number below 100, by which those of one test differ from those of another.

    Attributes:
        places: where each of them stands.
    """

    def __init__(self, prefix: int) -> None:
        self._prefix = prefix
        self.places: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self._walked: set[Any] = set()

    def at(self, place: str) -> str:
        """The canary of a place."""
        if place not in self._known:
            canary = self._known[place] = f"canary-{self._prefix:02}{len(self._known):05}-x"
            self.places[canary] = place
        return self._known[place]

    def fields(self, kind: Any, *without: str) -> Iterator[tuple[str, Any]]:
        """Each field of a type with each of its values; a list comes in lists of few elements."""
        for name, hint in fields_of(kind).items():
            if name not in without:
                yield from ((name, value) for value in _split(self.values(hint, name)))

    def values(self, annotation: Any, place: str, around: tuple[Any, ...] = ()) -> list[Any]:
        """Values of an annotation, so many that each branch of it is in one of them."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin in (Required, NotRequired, Annotated):
            return self.values(arguments[0], place, around)
        if isinstance(annotation, TypeVar) or annotation in (object, Any):
            return [{self.at(f"{place}{{key}}"): [self.at(f"{place}{{any}}")]}]
        if annotation is str:
            return [self.at(place)]
        if annotation in (bool, int, float):
            return [annotation(1)]
        if origin is Literal:
            return [arguments[0]]
        if origin in (Union, UnionType):
            return [value for each in arguments if each is not NoneType for value in self.values(each, place, around)]
        if origin in _LISTS:
            elements = self.values(arguments[0], place, around)
            return [elements] if elements else []
        if origin is dict:
            return [{self.at(f"{place}{{key}}"): member} for member in self.values(arguments[1], place, around)]
        if is_typeddict(annotation) or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return self.objects(annotation, place, around)
        return []

    def objects(self, kind: Any, place: str, around: tuple[Any, ...] = ()) -> list[Any]:
        """Objects of a type: of one that was walked before, one, otherwise one for each branch of each field."""
        if kind in around or len(around) > _DEPTH:
            return []
        is_new = kind not in self._walked
        self._walked.add(kind)
        hints = fields_of(kind)
        named = next((f"[{name}]" for key in ("type", "role") if (name := _literal(hints.get(key)))), "")
        place = f"{place}{named}"
        fields = {
            name: values
            for name, hint in hints.items()
            if (values := self.values(hint, f"{place}.{name}", (*around, kind)))
        }
        fields[TOMORROW] = [self.at(f"{place}.{TOMORROW}")]
        count = max(len(values) for values in fields.values()) if is_new else 1
        return [{name: values[number % len(values)] for name, values in fields.items()} for number in range(count)]


def fields_of(kind: Any) -> dict[str, Any]:
    """The fields of a type as they stand in JSON."""
    if issubclass(kind, BaseModel):
        return {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
    return {_alias(hint) or name: hint for name, hint in get_type_hints(kind, include_extras=True).items()}


def batches(values: Sequence[Any], size: int) -> list[list[Any]]:
    """The values, some at a time."""
    return [list(values[start : start + size]) for start in range(0, len(values), size)]


def _split(values: Iterable[Any]) -> list[Any]:
    return [part for value in values for part in (batches(value, 6) if isinstance(value, list) else [value])]


def _alias(hint: Any) -> str | None:
    if get_origin(hint) in (Required, NotRequired):
        return _alias(get_args(hint)[0])
    metadata = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((alias for each in metadata if (alias := getattr(each, "alias", None))), None)


def _literal(hint: Any) -> str | None:
    if get_origin(hint) is Literal:
        return str(get_args(hint)[0])
    arguments = [each for each in get_args(hint) if each is not NoneType]
    return _literal(arguments[0]) if arguments and get_origin(hint) is not dict else None
