"""The retry around a decider: asks again, after growing waits, when that may help.

The agent's provider shares the waits. A sync agent sleeps in its own thread, without an event loop, so the sleep is an
argument.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio
from tenacity import AsyncRetrying, RetryCallState

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.errors import DecisionError, DecisionRefused, DecisionUnavailable

FIRST_WAIT_SECONDS = 0.05


class Retry:
    """Repeats a question that failed for a passing reason.

    Waits as long as the decider asks for, or else longer each time.

    Args:
        decider: the decider to ask; repeating the question for the same call must be safe.
        attempts: how often at most, the first time included.
        patience: seconds for all attempts together. A decider that asks for more is not asked again.
    """

    def __init__(self, decider: Decider, *, attempts: int, patience: float) -> None:
        self.inner = decider
        self.name = decider.name
        self._patience = patience
        self._backoff = Backoff(attempts - 1, FIRST_WAIT_SECONDS, patience, FIRST_WAIT_SECONDS)

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Ask the decider; the last attempt's error goes out, or the refusal of any: a refusal is an answer.

        Raises:
            DecisionRefused: an attempt was refused, and none after it was answered otherwise.
            DecisionUnavailable: there was no answer in time.
        """
        refusals: list[DecisionRefused] = []

        def wait_after(error: Exception, failures: int) -> float | None:
            if isinstance(error, DecisionRefused):
                refusals.append(error)
            return self._wait(error, failures)

        try:
            with anyio.move_on_after(self._patience):
                return await repeated(lambda: self.inner.decide(call, context), wait_after)
        except DecisionUnavailable:
            if not refusals:
                raise
        if refusals:
            raise refusals[-1]
        raise DecisionUnavailable(f"no decision within {self._patience:g} s")

    async def aclose(self) -> None:
        """Close the decider."""
        await self.inner.aclose()

    def _wait(self, error: Exception, failures: int) -> float | None:
        if not isinstance(error, DecisionError) or not error.transient:
            return None
        if error.retry_after is not None and not 0 <= error.retry_after < self._patience:
            return None
        return self._backoff.wait(failures, asked=error.retry_after)


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
