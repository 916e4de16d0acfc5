"""Repeating an attempt that failed for a passing reason, after growing waits.

The decider's retry and the agent's provider share it. A sync agent sleeps in its own thread, without an event loop, so
the sleep is an argument.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio
from tenacity import AsyncRetrying, RetryCallState

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often an attempt is repeated, and after which waits.

    Attributes:
        retries: attempts after the first.
        first_seconds: the first wait; each further one is twice as long.
        longest_seconds: no wait is longer, jitter aside.
        jitter_seconds: chance adds at most this to each wait.
    """

    retries: int
    first_seconds: float
    longest_seconds: float
    jitter_seconds: float

    def wait(self, failures: int, *, asked: float | None = None, jitter: float | None = None) -> float | None:
        """Seconds to wait after this many failures; `None` if no attempt is left.

        Args:
            failures: so far.
            asked: the wait that the service asked for, which then holds.
            jitter: between 0 and 1; random if not given.
        """
        if failures > self.retries:
            return None
        if asked is not None:
            return asked
        waited = min(self.longest_seconds, self.first_seconds * 2.0 ** (failures - 1))
        return waited + (random.random() if jitter is None else jitter) * self.jitter_seconds  # noqa: S311 - spreads load


async def repeated(
    attempt: Callable[[], Awaitable[T]],
    wait_after: Callable[[Exception, int], float | None],
    *,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> T:
    """The result of the first attempt that succeeds, or the error after which no further attempt helps.

    Args:
        attempt: is made until it succeeds.
        wait_after: gives the seconds to wait after an error, with the number of failures so far; `None` ends it.
        sleep: waits.
    """
    seconds = 0.0

    def helps(state: RetryCallState) -> bool:
        nonlocal seconds
        error = state.outcome and state.outcome.exception()
        wait = wait_after(error, state.attempt_number) if isinstance(error, Exception) else None
        if wait is None:
            return False
        seconds = wait
        return True

    async def attempted() -> T:  # tenacity awaits only what is a coroutine function itself
        return await attempt()

    return await AsyncRetrying(retry=helps, wait=lambda _: seconds, sleep=sleep, reraise=True)(attempted)
