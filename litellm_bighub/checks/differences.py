"""Where a guardrail changed a text: the shortest places that it put something else in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple, TypeAlias

_WORDS: Final = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_WINDOWS: Final = (64, 400)
"""How many words are compared from a difference on, and, if both texts do not meet again within them, at most."""
_MEETING: Final = 6
"""How many words in a row have to be the same again."""
_MOST_WINDOWS: Final = 200

_Step: TypeAlias = tuple[str, int, int, int, int]
"""What happens from where to where in one text, and from where to where in the other."""


class Change(NamedTuple):
    """What stood from `start` to `end` is now `text`."""

    start: int
    end: int
    text: str


def differences(before: str, after: str) -> list[Change] | None:
    """What has to be replaced in one text to make the other of it.

    Returns:
        The changes in their order; `None` if the texts are too long and too different to tell.
    """
    if after.startswith(before):
        added = after[len(before) :]
        return [Change(len(before), len(before), added)] if added else []
    if after.endswith(before):
        return [Change(0, 0, after[: len(after) - len(before)])]
    left, right = _words(before), _words(after)
    changes: list[Change] = []
    a = b = start = 0
    for _ in range(_MOST_WINDOWS):
        while a < len(left) and b < len(right) and left[a] == right[b]:
            start += len(left[a])
            a, b = a + 1, b + 1
        if a == len(left) and b == len(right):
            return changes
        steps: Sequence[_Step] = next(
            (found for size in _WINDOWS if (found := _until_they_meet(left, right, a, b, size))), ()
        )
        for kind, i, j, k, n in steps:
            end = start + len("".join(left[i:j]))
            if kind != "equal":
                changes.append(_shortest(start, "".join(left[i:j]), "".join(right[k:n])))
            start, a, b = end, j, n
        if not steps:
            break
    return None


def _until_they_meet(left: Sequence[str], right: Sequence[str], a: int, b: int, size: int) -> list[_Step] | None:
    """The steps from one text to the other until they are the same for a while, or both end."""
    ends = a + size >= len(left) and b + size >= len(right)
    steps: list[_Step] = []
    matcher = SequenceMatcher(None, left[a : a + size], right[b : b + size], autojunk=False)
    for kind, i, j, k, n in matcher.get_opcodes():
        if kind == "equal" and j - i >= _MEETING and not ends:
            return steps
        steps.append((kind, a + i, a + j, b + k, b + n))
    return steps if ends else None


def _shortest(start: int, before: str, after: str) -> Change:
    """The change without what both texts begin and end with."""
    first = _alike(before, after)
    last = _alike(before[first:][::-1], after[first:][::-1])
    return Change(start + first, start + len(before) - last, after[first : len(after) - last])


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _words(text: str) -> list[str]:
    return _WORDS.findall(text)
