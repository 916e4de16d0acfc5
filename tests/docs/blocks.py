"""The blocks of code on a page of Markdown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHELLS = {"sh", "bash", "console", "shell"}


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    code: str

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    lines = page.read_text().splitlines()
    opened = None
    for number, line in enumerate(lines, 1):
        fence = re.fullmatch(r"( *)```(.*)", line)
        if fence and opened is None:
            opened = (number, fence[1], fence[2])
        elif fence and opened:
            start, indent, language = opened
            code = "\n".join(each.removeprefix(indent) for each in lines[start : number - 1])
            yield Block(page, start, language, code + "\n")
            opened = None
    assert opened is None, f"{page} has a block without an end"


def commands_of(code: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a shell's block: its text, and its words."""
    for line in code.replace("\\\n", " ").splitlines():
        for command in line.split(" && "):
            words = shlex.split(command, comments=True)
            if words:
                yield command, words
