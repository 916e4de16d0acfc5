"""Patterns of names, as rules have them: tools, domains, users, and actors.

`key:billing-*` is for aliases of a gateway's keys and `user:u-*` for its users, which authentication distinguishes. `*`
is for everybody. Every other pattern is for names without a mark: a key that is called like an agent is not that agent.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Final

from litellm_bighub.domain.actor import is_marked, without_mark

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


class AnyOf(Pattern):
    """Several patterns, one of which has to fit."""

    __slots__ = ()

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(" | ".join(texts))
        fits = [Pattern(text).matches for text in texts]
        self.matches = lambda name: any(one(name) for one in fits)


ANY = Pattern("*")


class ActorPattern(Pattern):
    """A pattern that fits marked names only where it says so.

    Attributes:
        resembles: gives something true for a marked name that a pattern without a mark would fit but for the mark. What
            a rule that restrains means for such a caller is unknown.
    """

    __slots__ = ("resembles",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        fits = self.matches
        self.resembles: Callable[[str], object] = _no_resemblance
        if self.is_unmarked:
            self.matches = lambda name: not is_marked(name) and fits(name)
            self.resembles = lambda name: is_marked(name) and (fits(name) or fits(without_mark(name)))

    @property
    def is_unmarked(self) -> bool:
        """Whether it is for some actors, and says neither `key:` nor `user:`."""
        return bool(self.text.strip("*")) and not is_marked(self.text)


def _no_resemblance(_name: str) -> object:
    return False


ANYBODY = ActorPattern("*")
