"""Reading the arguments of a tool call so strictly that every JSON reader would read the same.

The decision is made on what this module reads, the tool runs what the client's parser reads. Whatever two parsers may
read differently (a key twice, NaN, a lone surrogate, an integer that a double cannot hold) is therefore unreadable
here, and an unreadable call is withheld.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NoReturn, cast

import rfc8785

from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.digest import canonical
from litellm_bighub.domain.payload import JsonMapping

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 64


class UnreadableArguments(ValueError):  # noqa: N818 - the name of the state, caught where a call is made
    """The arguments cannot be decided on. The message gives the reason and none of the arguments."""


def read_arguments(raw: object) -> Arguments:
    """Read arguments as they stand on the wire.

    Args:
        raw: a JSON text, or an object that a client or LiteLLM already parsed. Missing or empty means no arguments.

    Raises:
        UnreadableArguments: not one JSON object, or one that two JSON readers may read differently.
    """
    if raw is None or raw == "":
        return {}
    if isinstance(raw, str):
        parsed = _parse(raw)
    elif isinstance(raw, Mapping):
        parsed = dict(cast("JsonMapping", raw))
    else:
        raise UnreadableArguments(f"arguments are a {type(raw).__name__}, not a JSON object")
    if not isinstance(parsed, dict):
        raise UnreadableArguments(f"arguments are a JSON {_json_type(parsed)}, not an object")
    return _canonical(cast("Arguments", parsed))


def as_text(raw: object) -> str | None:
    """Parsed arguments as text again, so that the same bounds hold for both.

    Raises:
        UnreadableArguments: they are no JSON.
    """
    if raw is None or isinstance(raw, str):
        return raw
    try:
        return json.dumps(raw)
    except (TypeError, ValueError) as error:
        raise UnreadableArguments("the call holds something that is no JSON") from error


def _parse(text: str) -> object:
    if len(text) > MAX_CHARACTERS:
        raise UnreadableArguments(f"arguments have {len(text)} characters, at most {MAX_CHARACTERS} are decided on")
    if _depth(text) > MAX_DEPTH:
        raise UnreadableArguments(f"arguments are nested more than {MAX_DEPTH} levels deep")
    try:
        return _READER.decode(text)
    except UnreadableArguments:  # a ValueError itself, with a reason of its own
        raise
    except json.JSONDecodeError as error:
        raise UnreadableArguments(f"arguments are not valid JSON (character {error.pos})") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise UnreadableArguments("arguments hold a number that cannot be read") from error


def _depth(text: str) -> int:
    """The deepest nesting of brackets; those inside strings count too, so this is an upper bound at a scan's cost."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise UnreadableArguments("arguments name a key twice")
    return read


def _no_constant(constant: str) -> NoReturn:
    raise UnreadableArguments(f"arguments hold {constant}, which is no JSON")


_READER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _json_type(value: object) -> str:
    names: dict[type, str] = {str: "string", list: "array", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")


def _canonical(parsed: Arguments) -> Arguments:
    """Prove that the arguments have an RFC 8785 form: what has none could not be bound to an approval."""
    try:
        canonical(parsed)
    except rfc8785.CanonicalizationError as error:
        raise UnreadableArguments(f"arguments have no canonical JSON form: {_reason(error)}") from error
    except (RecursionError, UnicodeEncodeError) as error:
        raise UnreadableArguments("arguments hold text or nesting that has no canonical JSON form") from error
    return parsed


def _reason(error: rfc8785.CanonicalizationError) -> str:
    if isinstance(error, rfc8785.IntegerDomainError):
        return "an integer is beyond 2^53, where JSON readers disagree"
    if isinstance(error, rfc8785.FloatDomainError):
        return "a number is not finite"
    return "a text is not valid Unicode"
