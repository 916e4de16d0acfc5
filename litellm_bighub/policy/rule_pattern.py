"""Patterns of names, as rules have them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import Final

_WILD: Final = frozenset("*?[")


class Pattern:
    """An fnmatch pattern, case-sensitive on every system. Compiled once, because every decision tries many."""

    __slots__ = ("matches", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.matches: Callable[[str], object] = _matcher(text)
        """Gives something true if the whole name fits."""

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def _matcher(text: str) -> Callable[[str], object]:
    """Most patterns are a name, or how names begin; comparing is cheaper than a regular expression."""
    start = text.rstrip("*")
    if _WILD.isdisjoint(start):
        return text.__eq__ if start == text else lambda name: name.startswith(start)
    return re.compile(fnmatch.translate(text)).match


ANY = Pattern("*")
