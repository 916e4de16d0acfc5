"""Arguments as the fields of a form, each in the shape of its value, and the arguments out of such a form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from litellm_bighub.control_plane.inbox.readable import readable_json
from litellm_bighub.control_plane.inbox.views.text_runs import Runs, has_marks, text_runs
from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import JSON, Arguments
from litellm_bighub.domain.payload import JsonMapping

FieldKind: TypeAlias = Literal["text", "number", "flag", "json"]
PREFIX: Final = "argument:"
_MOST_CHOICES: Final = 100
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class EditField:
    """A field of the form.

    Attributes:
        key: the form's name for it.
        name: the argument's.
        text: what stands in it.
        rows: how high it is.
        choices: the texts that the tool takes, if the request names them.
    """

    key: str
    name: Runs
    kind: FieldKind
    text: str
    rows: int
    choices: tuple[str, ...] = ()


def edit_fields(
    arguments: Arguments, typed: Mapping[str, str] | None = None, schema: JsonMapping | None = None
) -> tuple[EditField, ...]:
    """The fields of the arguments.

    Args:
        arguments: as they are shown.
        typed: what a person has typed in them before.
        schema: of the arguments, as the request listed it.
    """
    fields: list[EditField] = []
    for at, (name, value) in enumerate(arguments.items()):
        key = f"{PREFIX}{at}"
        kind = _kind(value)
        text = (typed or {}).get(key, _text(kind, value))
        rows = min(12, 1 + text.count("\n") + len(text) // 90)
        choices = _choices(schema or {}, name, text) if kind == "text" else ()
        fields.append(EditField(key, text_runs(name), kind, text, rows, choices))
    return tuple(fields)


def edited_arguments(form: Mapping[str, str], shown: Arguments) -> Arguments:
    """The arguments that a form makes of those that it showed. What was not touched is what it was, to the letter.

    Raises:
        UnreadableArguments: a field does not hold what its argument is; the message names it.
    """
    edited: dict[str, JSON] = {}
    for at, (name, value) in enumerate(shown.items()):
        kind = _kind(value)
        text = form.get(f"{PREFIX}{at}")
        before = _text(kind, value)
        edited[name] = value if text is None or _lines(text) == before else _read(name, kind, _lines(text))
    return edited


def _choices(schema: JsonMapping, name: str, text: str) -> tuple[str, ...]:
    """The texts that a schema allows an argument, with the one that stands there; none if it names none."""
    properties = schema.get("properties")
    told = properties.get(name) if isinstance(properties, dict) else None
    listed = told.get("enum") if isinstance(told, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST_CHOICES:
        return ()
    if not all(isinstance(each, str) and not has_marks(text_runs(each)) for each in listed):
        return ()
    return tuple(dict.fromkeys([text, *listed]))


def _kind(value: JSON) -> FieldKind:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    # What cannot be seen is typed as its escape.
    return "text" if isinstance(value, str) and not has_marks(text_runs(value)) and "\r" not in value else "json"


def _text(kind: FieldKind, value: JSON) -> str:
    if kind == "text":
        return str(value)
    return readable_json(value) if kind == "json" else json.dumps(value)


def _lines(text: str) -> str:
    """A form sends line breaks of its own."""
    return text.replace("\r\n", "\n")


def _read(name: str, kind: FieldKind, text: str) -> JSON:
    if kind == "text":
        return text
    shown = text.strip()
    if kind == "number" and _NUMBER.fullmatch(shown) is None:
        raise UnreadableArguments(f"{name} is no number")
    if kind == "flag" and shown not in {"true", "false"}:
        raise UnreadableArguments(f"{name} is neither true nor false")
    read = read_arguments(f'{{"value": {shown or "none"}}}')
    if list(read) != ["value"]:
        raise UnreadableArguments(f"{name} is more than one value")
    return read["value"]
