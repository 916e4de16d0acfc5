"""A simple command as bash would run it."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Word(NamedTuple):
    """One word of a command, without quotes and escapes.

    Attributes:
        sure: whether it is this one word whatever happens; otherwise it is known only when the command runs.
        glob: whether bash puts the names of files in its place.
    """

    text: str
    sure: bool = True
    glob: bool = False


Argv: TypeAlias = tuple[Word, ...]
Pipeline: TypeAlias = tuple[tuple[Argv, ...], ...]
"""The stages of a pipeline, each with all commands that are in it."""


class Command(NamedTuple):
    """A simple command with what stands before and around it.

    Attributes:
        argv: its words, at least one.
        assigns: whether variables are set for it alone, as in `PATH=/tmp ls`.
        moved: whether a wrapper runs it as somebody else or somewhere else.
        pipelines: those that it is in, and in which stage.
    """

    argv: Argv
    assigns: bool = False
    moved: bool = False
    restricts_only: bool = False
    pipelines: tuple[tuple[Pipeline, int], ...] = ()
    kind: str = "command"

    @property
    def shown(self) -> str:
        """The words, those in angle brackets that are known only when it runs."""
        return " ".join(word.text if word.sure else f"<{word.text}>" for word in self.argv)
