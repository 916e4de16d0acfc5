"""Deciders and sinks for tests: what the ports look like to someone who writes their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Decision


class Scripted:
    """Answers by the tool's name with a decision, an error, or whatever a function makes of the call."""

    name = "scripted"

    def __init__(self, answers: Mapping[str, Decision | BaseException] | None = None, otherwise=None) -> None:
        self.answers = answers or {}
        self.otherwise: Decision | BaseException = otherwise or Allow("fine")
        self.asked: list[tuple[ToolCall, CallContext]] = []
        self.closed = 0

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        self.asked.append((call, context))
        answer = self.answers.get(call.name, self.otherwise)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def aclose(self) -> None:
        self.closed += 1


class Kept:
    """A sink that keeps the events in a list, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.events = []
        self.error = error
        self.closed = 0

    async def write(self, event) -> None:
        self.events.append(event)
        if self.error:
            raise self.error

    async def aclose(self) -> None:
        self.closed += 1


def counter(prefix: str = "event-") -> Callable[[], str]:
    numbers = iter(range(1_000))
    return lambda: f"{prefix}{next(numbers)}"
