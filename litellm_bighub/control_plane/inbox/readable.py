"""Showing what a model wrote so that people see exactly what is there.

Whatever would hide, reorder or control (terminal escapes, right-to-left overrides, zero-width characters) is written as
its JSON escape. Texts in JSON stay valid JSON that means the same, so they can be edited as they are shown.
"""

from __future__ import annotations

import json
import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def readable_json(value: object) -> str:
    """A value, indented, with everything unseen escaped."""
    return visible(json.dumps(value, indent=2, ensure_ascii=False), keep="\n")


def visible(text: str, keep: str = "") -> str:
    """A text with everything unseen escaped."""
    return "".join(
        character if character in keep or unicodedata.category(character) not in _UNSEEN else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
