r"""JSON texts as people and patterns read them: a model may write any character as an escape, `\u0041` for `A`."""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(
    r"""\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})|u(?P<code>[0-9a-fA-F]{4})|.)""",
    re.DOTALL,
)
_STAYS: Final = frozenset({'"', "\\"})


def unescaped(text: str) -> str:
    r"""The text with every escape undone that need not be one; it means the same, and stays JSON if it was.

    An escaped backslash is no escape's beginning: in `\\u0041` nothing is escaped but the backslash. What JSON does not
    allow otherwise (quotation marks, control characters, halves of pairs) stays as it is.
    """
    return _ESCAPE.sub(_plain, text) if "\\u" in text or "\\/" in text else text


def _plain(found: re.Match[str]) -> str:
    escape = found.group()
    if escape == "\\/":
        return "/"
    if found["high"]:
        return chr(0x10000 + ((int(found["high"], 16) - 0xD800) << 10) + int(found["low"], 16) - 0xDC00)
    if not found["code"]:
        return escape
    character = chr(int(found["code"], 16))
    return escape if character in _STAYS or not _is_allowed(character) else character


def _is_allowed(character: str) -> bool:
    return character >= " " and not "\ud800" <= character <= "\udfff"
