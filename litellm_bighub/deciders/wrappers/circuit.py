"""The circuit that leaves a failing service alone for a while.

```
          so many failures in a row                reset seconds have passed
 closed ─────────────────────────────────▶ open ─────────────────────────────▶ half-open: one attempt probes it
    ▲                                       ▲                                    │      │
    └───────────────────────────────────────┼─────────────── success ────────────┘      │
                                            └────────────────────────── failure ────────┘
```

The breaker around a decider and the agent's provider share it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable, DecisionUnreadable

BreakerState = Literal["closed", "open", "half_open"]


def unwatched(_: BreakerState) -> None:
    """The watcher of a circuit without one."""


class Circuit:
    """Counts failures in a row and opens after too many. Threads may share it.

    Args:
        failures: this many failures in a row open it; 0: it never opens.
        reset_seconds: how long it stays open before one attempt probes the service.
        clock: seconds from any origin, never set back.
        on_state: hears the state at first, and each change.
    """

    def __init__(
        self,
        *,
        failures: int,
        reset_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        on_state: Callable[[BreakerState], None] = unwatched,
    ) -> None:
        self.failures = failures
        self.reset_seconds = reset_seconds
        self._clock = clock
        self._on_state = on_state
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._probe: CircuitAttempt | None = None
        self._reported: BreakerState | None = None
        self._lock = threading.RLock()
        self._tell()

    def admit(self) -> CircuitAttempt | None:
        """Let one attempt through; `None` while the circuit is open, or half-open with its probe under way."""
        with self._lock:
            attempt = CircuitAttempt(self)
            if self._opened_at is None:
                return attempt
            if self._probe is not None or self._clock() - self._opened_at < self.reset_seconds:
                return None
            self._probe = attempt
            self._tell()
            return attempt

    def settle(self, attempt: CircuitAttempt, *, failed: bool | None) -> None:
        """Take the outcome of an attempt; `None` says nothing of the service.

        While the circuit is open only the probe counts: an attempt from before says nothing of how things are now.
        """
        with self._lock:
            is_probe = attempt is self._probe
            if is_probe:
                self._probe = None
            if failed is not None and (is_probe or self._opened_at is None):
                self._count(failed=failed, is_probe=is_probe)
            self._tell()

    def _count(self, *, failed: bool, is_probe: bool) -> None:
        if not failed:
            self._in_a_row, self._opened_at = 0, None
            return
        self._in_a_row += 1
        if is_probe or (self.failures and self._in_a_row >= self.failures):
            self._opened_at = self._clock()

    def _tell(self) -> None:
        state: BreakerState = "closed" if self._opened_at is None else "open" if self._probe is None else "half_open"
        if state != self._reported:
            self._reported = state
            self._on_state(state)


class CircuitAttempt:
    """One attempt that a circuit let through. Its outcome counts once."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit: Circuit | None = circuit

    def succeeded(self) -> None:
        """The service answered, be it with a refusal."""
        self._settle(failed=False)

    def failed(self) -> None:
        """The service could not be reached, or failed in a way that may pass."""
        self._settle(failed=True)

    def abandoned(self) -> None:
        """The attempt was given up. It says nothing of the service, and the next attempt may probe."""
        self._settle(failed=None)

    def _settle(self, *, failed: bool | None) -> None:
        circuit, self._circuit = self._circuit, None
        if circuit is not None:
            circuit.settle(self, failed=failed)


class Breaker:
    """Calls the decider unreachable without asking it, as long as its circuit is open.

    An answer that refuses or cannot be read is an answer. A cancelled question says nothing, and neither does a bug.

    Args:
        decider: the decider to ask.
        failures: this many unreachable answers in a row open the circuit.
        reset_seconds: how long it stays open before one question probes the decider.
        clock: seconds from any origin, never set back.
        on_state: hears the state at first, and each change.
    """

    def __init__(
        self,
        decider: Decider,
        *,
        failures: int,
        reset_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        on_state: Callable[[BreakerState], None] = unwatched,
    ) -> None:
        self.inner = decider
        self.name = decider.name
        self._circuit = Circuit(failures=failures, reset_seconds=reset_seconds, clock=clock, on_state=on_state)

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Ask the decider, unless the circuit is open.

        Raises:
            DecisionUnavailable: the circuit is open, or the decider is unreachable.
        """
        attempt = self._circuit.admit()
        if attempt is None:
            raise DecisionUnavailable("the breaker is open, as the decider could not be reached lately")
        try:
            decision = await self.inner.decide(call, context)
            attempt.succeeded()
        except DecisionUnavailable:
            attempt.failed()
            raise
        except (DecisionRefused, DecisionUnreadable):
            attempt.succeeded()
            raise
        finally:
            attempt.abandoned()  # cancelled, or a bug; without effect after any other outcome
        return decision

    async def aclose(self) -> None:
        """Close the decider."""
        await self.inner.aclose()
