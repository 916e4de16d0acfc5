"""Showing what a model wrote so that people see exactly what is there.

Whatever would hide, reorder or control (terminal escapes, right-to-left overrides, zero-width characters, odd blanks,
letters without ink) is written as its JSON escape. Texts in JSON stay valid JSON that means the same, so they can be
edited as they are shown.
"""

from __future__ import annotations

import json
import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp", "Zs"})
_WITHOUT_INK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def readable_json(value: object) -> str:
    """A value, indented, with everything unseen escaped."""
    return visible(json.dumps(value, indent=2, ensure_ascii=False), keep="\n")


def visible(text: str, keep: str = "") -> str:
    """A text with everything unseen escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character in keep or not is_unseen(character) else _escaped(character) for character in text
    )


def amount(value: float | None) -> str:
    """A value as people read it: with two decimals, or as many as it has; nothing is rounded away."""
    if value is None:
        return ""
    return f"{value:,.2f}".removesuffix(".00") if round(value, 2) == value else f"{value:,}"


def is_unseen(character: str) -> bool:
    """Whether nobody sees a character, or where it is."""
    if character.isascii():
        return not character.isprintable()
    if character in _WITHOUT_INK or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return True
    return unicodedata.category(character) in _UNSEEN


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
