"""Which answer a request gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeAlias

from litellm_bighub.testing.upstream.answers import Answer, Output
from litellm_bighub.testing.upstream.items import Item, text
from litellm_bighub.testing.upstream.requests import Request

When: TypeAlias = str | Callable[[Request], bool]
"""A part of the last text the model was given, or the name of the model, or a question to the request."""

Scripted: TypeAlias = Answer | Sequence[Item]
"""An answer; a list of items is an `Output` of them."""


@dataclass(slots=True)
class _Line:
    """One line of the script: its answers are given in turn, the last one again and again."""

    when: When
    answers: list[Answer]

    def fits(self, request: Request) -> bool:
        if isinstance(self.when, str):
            return self.when in request.prompt or self.when == request.model
        return self.when(request)

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass(slots=True)
class Script:
    """Lines of a script. The line added last is asked first; a request that fits none is echoed."""

    _lines: list[_Line] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, when: When, *answers: Scripted) -> None:
        """Answer requests that fit with these, one after the other; the last one stays."""
        if not answers:
            raise ValueError("a line of the script needs an answer")
        line = _Line(when, [_answer(scripted) for scripted in answers])
        with self._lock:
            self._lines.insert(0, line)

    def answer(self, request: Request) -> Answer:
        """The answer that this request gets."""
        with self._lock:
            line = next((line for line in self._lines if line.fits(request)), None)
            return line.next() if line else Output([text(f"echo: {request.prompt}")])

    def clear(self) -> None:
        """Forget all lines."""
        with self._lock:
            self._lines.clear()


def _answer(scripted: Scripted) -> Answer:
    return Output(scripted) if isinstance(scripted, Sequence) else scripted
