"""Retrying the provider, and leaving it alone for a while when it keeps failing.

Mistakes of the caller (400, 401, …) are neither retried nor counted.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio
import openai

from litellm_bighub.deciders.wrappers.circuit import Circuit
from litellm_bighub.deciders.wrappers.retry import Backoff, repeated
from litellm_bighub.errors import ProviderResponseError

T = TypeVar("T")
MAX_RETRY_AFTER = 60.0
_TRANSIENT_STATUS = frozenset({408, 409, 429})
_TRANSIENT_NAMES = frozenset({"APIConnectionError", "APITimeoutError", "RateLimitError", "InternalServerError"})


@dataclass(frozen=True, slots=True)
class Resilience:
    """Runs attempts under one budget of retries and one circuit, which all runs of an agent share."""

    retry: Backoff
    breaker: Circuit
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    jitter: Callable[[], float] = random.random
    wall_clock: Callable[[], float] = time.time

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The first attempt's result that is no transient failure.

        Raises:
            ProviderResponseError: the circuit is open.
        """
        return await repeated(lambda: self._admitted(attempt), self._wait_after, sleep=self.sleep)

    async def _admitted(self, attempt: Callable[[], Awaitable[T]]) -> T:
        admitted = self.breaker.admit()
        if admitted is None:
            raise ProviderResponseError("the provider keeps failing; its circuit breaker is open")
        try:
            result = await attempt()
            admitted.succeeded()
        except Exception as error:
            if is_transient(error):
                admitted.failed()
            elif isinstance(error, openai.APIStatusError):
                admitted.succeeded()
            raise
        finally:
            admitted.abandoned()  # cancelled, or a bug; without effect after any other outcome
        return result

    def _wait_after(self, error: Exception, failures: int) -> float | None:
        asked = retry_after(error, self.wall_clock())
        if not is_transient(error) or (asked is not None and asked > MAX_RETRY_AFTER):
            return None
        return self.retry.wait(failures, asked=asked, jitter=self.jitter())


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    if getattr(error, "code", None) == "insufficient_quota":
        return False
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status in _TRANSIENT_STATUS or status >= 500
    return any(each.__name__ in _TRANSIENT_NAMES for each in type(error).__mro__)


def retry_after(error: Exception, now: float) -> float | None:
    """The seconds that the provider asked to wait, `None` if it did not say."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    if headers is None:
        return None
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        header = headers.get(name)
        if header is None:
            continue
        try:
            return max(0.0, float(header) * unit)
        except ValueError:
            date = email.utils.parsedate_tz(header)
            if date is not None:
                return max(0.0, email.utils.mktime_tz(date) - now)
    return None
