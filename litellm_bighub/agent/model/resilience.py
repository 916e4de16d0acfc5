"""Retrying the provider, and leaving it alone for a while when it keeps failing.

```
closed ── n transient failures in a row ──> open ── reset seconds ──> half-open: one probe
   ^                                          ^                            │
   └──────────── success ─────────────────────┴──────── failure ───────────┘
```

What the caller did wrong (400, 401, …) is neither retried nor counted.
"""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import openai

from litellm_bighub.errors import ProviderResponseError

T = TypeVar("T")
MAX_RETRY_AFTER = 60.0
_TRANSIENT_STATUS = frozenset({408, 409, 429})
_TRANSIENT_NAMES = frozenset({"APIConnectionError", "APITimeoutError", "RateLimitError", "InternalServerError"})


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when a transient failure is tried again."""

    max_retries: int = 2
    backoff_seconds: float = 0.25
    max_backoff_seconds: float = 2.0
    jitter_seconds: float = 0.1

    def delay(self, failures: int, error: Exception, *, jitter: float, now: float) -> float | None:
        """Seconds to wait after the given number of failures; `None` when there is no use in another attempt."""
        if failures > self.max_retries:
            return None
        told = retry_after(error, now)
        if told is not None:
            return told if told <= MAX_RETRY_AFTER else None
        waited = min(self.max_backoff_seconds, self.backoff_seconds * 2.0 ** (failures - 1))
        return waited + jitter * self.jitter_seconds


@dataclass(slots=True)
class Breaker:
    """Counts transient failures in a row; `failures=0` never opens. An agent's runs share it, from any thread."""

    failures: int = 0
    reset_seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _in_a_row: int = 0
    _opened_at: float | None = None
    _probing: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def admit(self) -> None:
        """Let one attempt through.

        Raises:
            ProviderResponseError: the breaker is open, or half-open with its probe under way.
        """
        with self._lock:
            if self._opened_at is None:
                return
            waited = self.clock() - self._opened_at
            if waited < self.reset_seconds or self._probing:
                raise ProviderResponseError("the provider keeps failing; its circuit breaker is open")
            self._probing = True

    def succeeded(self) -> None:
        """The attempt reached the provider and was answered, be it with a refusal."""
        with self._lock:
            self._in_a_row, self._opened_at, self._probing = 0, None, False

    def failed(self) -> None:
        """The attempt failed in a way that may pass."""
        with self._lock:
            self._in_a_row += 1
            if self._probing or (self.failures and self._in_a_row >= self.failures):
                self._opened_at, self._probing = self.clock(), False

    def abandoned(self) -> None:
        """The attempt was given up; it says nothing of the provider."""
        self._probing = False


@dataclass(frozen=True, slots=True)
class Resilience:
    """Runs attempts under one budget of retries and one breaker."""

    retry: Retry = field(default_factory=Retry)
    breaker: Breaker = field(default_factory=Breaker)
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    jitter: Callable[[], float] = random.random
    wall_clock: Callable[[], float] = time.time

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The first attempt's result that is no transient failure."""
        failures = 0
        while True:
            self.breaker.admit()
            try:
                result = await attempt()
            except Exception as error:
                delay = self._after(error, failures := failures + 1)
                if delay is None:
                    raise
            except BaseException:
                self.breaker.abandoned()
                raise
            else:
                self.breaker.succeeded()
                return result
            await self.sleep(delay)

    def _after(self, error: Exception, failures: int) -> float | None:
        if not is_transient(error):
            if isinstance(error, openai.APIStatusError):
                self.breaker.succeeded()
            else:
                self.breaker.abandoned()
            return None
        self.breaker.failed()
        return self.retry.delay(failures, error, jitter=self.jitter(), now=self.wall_clock())


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
        told = headers.get(name)
        if told is None:
            continue
        try:
            return max(0.0, float(told) * unit)
        except ValueError:
            date = email.utils.parsedate_tz(told)
            if date is not None:
                return max(0.0, email.utils.mktime_tz(date) - now)
    return None
