"""Texts in fields that are no texts: the tokens of `logprobs`, and opaque ones that are not opaque in truth."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import cast

from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.json_escapes import unescaped
from litellm_bighub.formats.payload.nested import nested


def tokens(value: object) -> str:
    """What the tokens of a text say: joined, and beside them everything else that stands there, each in a line."""
    return "\n".join(told for told in tokens_apart(value) if told)


def tokens_apart(value: object) -> tuple[str, str]:
    """What the tokens of a text say, joined, and everything else that stands there, each in a line."""
    chosen: list[str] = []
    others: list[str] = []
    for entry in _entries(value):
        token = entry if isinstance(entry, str) else fields.get(entry, "token")
        chosen.append(token if isinstance(token, str) else "")
        told = {token} if isinstance(token, str) else set[str]()
        for each in nested(entry):
            for text in _texts(each):
                if text and text not in told:
                    others.append(text)
                    told.add(text)
    return "".join(chosen), "\n".join(dict.fromkeys(others))


def _entries(value: object) -> Iterator[object]:
    """The tokens of each of the texts that `logprobs` tells of, and whatever else stands there."""
    if isinstance(value, (list, tuple)):
        yield from cast("list[object]", value)
        return
    if not fields.is_object(value):
        yield value
        return
    for member in fields.members(value).values():
        if isinstance(member, (list, tuple)):
            yield from cast("list[object]", member)
        else:
            yield member


def _texts(value: object) -> Iterator[str]:
    """What one value within an entry says. In text completions, tokens are keys."""
    if isinstance(value, Mapping):
        given = cast("Mapping[object, object]", value)
        yield from (str(key) for key, number in given.items() if isinstance(number, (int, float)) and key != "logprob")
    else:
        yield value if isinstance(value, str) else _of_bytes(value)


def _of_bytes(value: object) -> str:
    """The text of which a list of numbers holds the bytes."""
    if not isinstance(value, (list, tuple)) or not value:
        return ""
    numbers = cast("list[object]", value)
    if not all(isinstance(number, int) and 0 <= number < 256 for number in numbers):
        return ""
    return bytes(cast("list[int]", numbers)).decode(errors="ignore")


def readable(value: str) -> str | None:
    """What an opaque text says in truth; `None` while it is one that nobody here can read.

    LiteLLM writes a thinking model's blocks as JSON where OpenAI has an encrypted text, and reads them back. So a
    character that JSON escapes is read as what it is.
    """
    if _is_json(value):
        return unescaped(value)
    if any(character.isspace() for character in value.strip()):
        return value
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except ValueError:
        return None
    if _is_json(decoded):
        return unescaped(decoded)
    return decoded if decoded.isprintable() else None


def _is_json(value: str) -> bool:
    if not value.lstrip().startswith(("{", "[", '"')):
        return False
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True
