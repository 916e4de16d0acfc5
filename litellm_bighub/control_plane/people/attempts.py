"""How often somebody may try to log in: a bound by address, and one by name for guesses from many addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WINDOW_SECONDS: Final = 60.0
_MOST_KNOWN: Final = 10_000


@dataclass(frozen=True, slots=True)
class AttemptSource:
    """What attempts are counted by.

    Attributes:
        most: how many failures within a minute.
    """

    name: str
    most: int

    @classmethod
    def of_address(cls, address: str) -> AttemptSource:
        """Whoever tries from this address."""
        return cls(f"address {address}", 5)

    @classmethod
    def of_user(cls, name: str) -> AttemptSource:
        """Whoever tries to be this user. More than by address, so that one guesser does not lock the user out."""
        return cls(f"user {name}", 20)

    @classmethod
    def of_code(cls, user_id: str) -> AttemptSource:
        """Whoever guesses this user's codes, which are short. They know the password, so few have to wait for it."""
        return cls(f"code of {user_id}", 5)


class Attempts:
    """Counts attempts. Each counts as failed until it has succeeded, so that many at once are no more than a few."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, list[float]] = {}

    def begin(self, *sources: AttemptSource) -> bool:
        """Count an attempt; false if one of its sources has to wait, and then nothing is counted."""
        if any(len(self._recent(source.name)) >= source.most for source in sources):
            return False
        for source in sources:
            recent = self._recent(source.name)
            self._failures.pop(source.name, None)
            if len(self._failures) >= _MOST_KNOWN:  # forget the one that has been quiet for longest
                self._failures.pop(next(iter(self._failures)))
            self._failures[source.name] = [*recent, self._clock()]
        return True

    def succeeded(self, *sources: AttemptSource) -> None:
        """Take an attempt back: it was none of a guesser."""
        for source in sources:
            if self._failures.get(source.name):
                self._failures[source.name].pop()

    def _recent(self, name: str) -> list[float]:
        since = self._clock() - WINDOW_SECONDS
        return [time for time in self._failures.get(name, ()) if time > since]
