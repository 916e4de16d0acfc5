"""A sink for tests, and a counter of ids."""

from __future__ import annotations

from collections.abc import Callable


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
