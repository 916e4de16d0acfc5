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
_FILE: Final = re.compile(
    r"(?:\+\+\+ (?:b/)?(.+)|\*\*\* (?:Add|Update|Delete) File: (.+)"
    r"|(?:\*\*\* Move to:|rename to) (.+)|diff --git .+ b/(.+))"
)
_REMOVED_FILE: Final = re.compile(r"--- (?:a/)?(.+)")
_DELETES: Final = re.compile(r"\*\*\* Delete File: |\+\+\+ /dev/null|deleted file")
_HEAD: Final = re.compile(r"--- [^\n]*\n\+\+\+ [^\n]*\n@@")
_OF_HUNKS: Final = frozenset({" ", "+", "-", "\\", ""})
"""How a line of a hunk begins; tools strip the blank of an empty one."""
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

    def end(self) -> None:
        self.before = self.after = None


def is_diff(text: str) -> bool:
    """Whether a text is a patch."""
    return _IS_DIFF.search(text) is not None


def diff_block(text: str, longest: int | None = None) -> TextBlock:
    """A patch, its added and removed lines told apart, and its files named first."""
    shown = text if longest is None else text[:longest]
    lines = list(_lines(shown))
    added, removed = (sum(line.kind == kind for line in lines) for kind in ("added", "removed"))
    files = [f"deleted: {name}" if is_deleted else name for name, is_deleted in _files(text).items()]
    notes = (f"+{added} \u2212{removed}", *files[:20], *([f"and {len(files) - 20} more"] if len(files) > 20 else []))
    return folded(lines, TextBlock((), language="diff", notes=notes, left_out=len(text) - len(shown)))


def _lines(text: str) -> Iterator[Line]:
    for number, (line, kind) in enumerate(_kinds(text), 1):
        deletes = kind == "file" and _DELETES.match(line) is not None
        yield Line(text_runs(line), kind, number, "deletes the file" if deletes else "")


def _kinds(text: str) -> Iterator[tuple[str, LineKind]]:
    """The lines, each with what it is.

    Within a hunk that says how long it is, `--- x` is a removed line like others. Models count badly, and who wants to
    hide a file counts wrong on purpose: a line that no hunk can hold ends it, and so does the whole head of a file.
    """
    lines = split_lines(text)
    hunk = _Hunk(None, None)
    for at, line in enumerate(lines):
        if line[:1] not in _OF_HUNKS or _HEAD.match("\n".join(lines[at : at + 3])) is not None:
            hunk.end()
        yield line, _kind(line, hunk)


def _kind(line: str, hunk: _Hunk) -> LineKind:
    counted = hunk.before is not None and hunk.is_open
    if not counted and (_HEADER.match(line) is not None):
        hunk.end()
        return "file"
    if not counted and line.startswith("@@"):
        lengths = _HUNK.match(line)
        hunk.before = None if lengths is None else int(lengths[1] or 1)
        hunk.after = None if lengths is None else int(lengths[2] or 1)
        return "hunk"
    hunk.take(line[:1])
    return _SIGNS.get(line[:1], "")


def _files(text: str) -> dict[str, bool]:
    """The files by name, in their order, each with whether it is deleted."""
    files: dict[str, bool] = {}
    before = ""
    for line, kind in _kinds(text):
        if kind != "file":
            continue
        if (found := _FILE.match(line)) is not None:
            name = found[1] or found[2] or found[3] or found[4]
            is_deleted = name == "/dev/null" or line.startswith("*** Delete")
            name = before if name == "/dev/null" else name
            files[name] = files.get(name, False) or is_deleted
        elif (found := _REMOVED_FILE.match(line)) is not None:
            before = found[1]
        elif line.startswith("deleted file") and files:
            files[next(reversed(files))] = True
    return files
