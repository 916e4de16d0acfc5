"""Texts in lines: plain ones, commands for a shell, and patches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from litellm_bighub.control_plane.inbox.views.text_runs import Runs, text_runs

LineKind: TypeAlias = Literal["", "added", "removed", "hunk", "file", "danger"]
FOLDED_AFTER: Final = 24
_WIDE: Final = 160
"""A line of more characters takes several on the screen."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        number: in the text; `None` for one that goes on from the line above.
        told: what is wrong with it, in words.
    """

    runs: Runs
    kind: LineKind = ""
    number: int | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Lines, those at first sight and those that are folded away.

    Attributes:
        language: what the lines are: `shell`, `diff`, `sql`, or empty for a plain text.
        notes: what an approver has to know before they read.
        left_out: how many characters are not shown here.
    """

    lines: tuple[Line, ...]
    folded: tuple[Line, ...] = ()
    language: Literal["", "shell", "diff", "sql"] = ""
    notes: tuple[str, ...] = ()
    left_out: int = 0
    kind: Literal["text"] = "text"

    @property
    def is_short(self) -> bool:
        """Whether it fits beside its name."""
        return not self.language and not self.folded and len(self.lines) <= 1

    @property
    def dangerous(self) -> int:
        """How many of the folded lines are marked."""
        return sum(line.kind == "danger" or any(run.mark for run in line.runs) for line in self.folded)


def text_block(text: str, longest: int | None = None) -> TextBlock:
    """A plain text."""
    shown = text if longest is None else text[:longest]
    lines = [Line(text_runs(line), number=at) for at, line in enumerate(split_lines(shown), 1)]
    return folded(lines, TextBlock((), left_out=len(text) - len(shown)))


def split_lines(text: str) -> list[str]:
    """The lines of a text that has something in it; a line break at its end begins none."""
    lines = text.split("\n")
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def folded(lines: Iterable[Line], block: TextBlock) -> TextBlock:
    """The block with these lines, the later of many folded away."""
    found = tuple(lines)
    height = 0
    for at, line in enumerate(found):
        height += 1 + sum(len(run.text) for run in line.runs) // _WIDE
        if at and height > FOLDED_AFTER and len(found) - at > 2:
            return replace(block, lines=found[:at], folded=found[at:])
    return replace(block, lines=found)
