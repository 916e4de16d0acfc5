"""Patches: unified diffs and those of `apply_patch`, with their files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from litellm_bighub.control_plane.inbox.views.text_block import Line, LineKind, TextBlock, folded, split_lines
from litellm_bighub.control_plane.inbox.views.text_runs import text_runs

_IS_DIFF: Final = re.compile(r"^(?:diff --git |--- [^\n]*\n\+\+\+ |\*\*\* Begin Patch$|@@ -\d+)", re.MULTILINE)
_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_HEADER: Final = re.compile(
    r"diff --git |index |--- |\+\+\+ |new file|deleted file|rename |similarity |old mode|new mode|\*\*\* "
)
_FILE: Final = re.compile(r"(?:\+\+\+ (?:b/)?(.+)|\*\*\* (?:Add|Update|Delete) File: (.+)|\*\*\* Move to: (.+))")
_REMOVED_FILE: Final = re.compile(r"--- (?:a/)?(.+)")
_SIGNS: Final[dict[str, LineKind]] = {"+": "added", "-": "removed"}


@dataclass(slots=True)
class _Hunk:
    """How many lines a hunk still has; `None` if it does not say."""

    before: int | None = 0
    after: int | None = 0

    @property
    def is_open(self) -> bool:
        return self.before is None or self.before > 0 or (self.after or 0) > 0

    def take(self, sign: str) -> None:
        if self.before is not None and self.after is not None:
            self.before -= sign != "+"
            self.after -= sign != "-"


def is_diff(text: str) -> bool:
    """Whether a text is a patch."""
    return _IS_DIFF.search(text) is not None


def diff_block(text: str, longest: int | None = None) -> TextBlock:
    """A patch, its added and removed lines told apart, and its files named first."""
    shown = text if longest is None else text[:longest]
    lines = list(_lines(shown))
    added, removed = (sum(line.kind == kind for line in lines) for kind in ("added", "removed"))
    files = list(dict.fromkeys(_files(text)))
    notes = (f"+{added} \u2212{removed}", *files[:20], *([f"and {len(files) - 20} more"] if len(files) > 20 else []))
    return folded(lines, TextBlock((), language="diff", notes=notes, left_out=len(text) - len(shown)))


def _lines(text: str) -> Iterator[Line]:
    hunk = _Hunk(None, None)
    for number, line in enumerate(split_lines(text), 1):
        yield Line(text_runs(line), _kind(line, hunk), number)


def _kind(line: str, hunk: _Hunk) -> LineKind:
    """What a line is. Within a hunk that says how long it is, `--- x` is a removed line like others."""
    counted = hunk.before is not None and hunk.is_open
    if not counted and (_HEADER.match(line) is not None):
        hunk.before = hunk.after = None
        return "file"
    if not counted and line.startswith("@@"):
        lengths = _HUNK.match(line)
        hunk.before = None if lengths is None else int(lengths[1] or 1)
        hunk.after = None if lengths is None else int(lengths[2] or 1)
        return "hunk"
    hunk.take(line[:1])
    return _SIGNS.get(line[:1], "")


def _files(text: str) -> Iterator[str]:
    hunk, removed = _Hunk(None, None), ""
    for line in split_lines(text):
        if _kind(line, hunk) != "file":
            continue
        if (found := _FILE.match(line)) is not None:
            name = found[1] or found[2] or found[3]
            yield removed if name == "/dev/null" else name
        elif (found := _REMOVED_FILE.match(line)) is not None:
            removed = found[1]
