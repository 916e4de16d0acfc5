"""Slowing down those who guess keys."""

from __future__ import annotations

from collections.abc import Callable

MOST_FAILURES = 5
WINDOW_SECONDS = 60.0
_MOST_ADDRESSES = 10_000


class Throttle:
    """Counts failed logins by address; after five within a minute the address has to wait."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, list[float]] = {}

    def allows(self, address: str) -> bool:
        """Whether the address may try."""
        return len(self._recent(address)) < MOST_FAILURES

    def failed(self, address: str) -> None:
        """Note a failure."""
        if len(self._failures) >= _MOST_ADDRESSES:  # forget the one that was first to come
            self._failures.pop(next(iter(self._failures)))
        self._failures[address] = [*self._recent(address), self._clock()]

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - WINDOW_SECONDS
        return [time for time in self._failures.get(address, ()) if time > since]
