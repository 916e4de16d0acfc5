"""Leaving a decider alone that cannot be reached.

```
          so many in a row unavailable             reset seconds have passed
 closed ─────────────────────────────────▶ open ─────────────────────────────▶ half-open: one call probes it
    ▲                                       ▲                                    │      │
    └───────────────────────────────────────┼───────────── it answers ───────────┘      │
                                            └────────────────────── unavailable ────────┘
```
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable, DecisionUnreadable

BreakerState = Literal["closed", "open", "half_open"]


def unwatched(_: BreakerState) -> None:
    """Whom a breaker tells its states, if nobody asked for them."""


class Breaker:
    """Counts unreachability, and while it is open calls the decider unreachable without asking it.

    An answer that refuses or cannot be read is an answer. A probe that is cancelled tells nothing: the next call
    probes again.

    Args:
        decider: what is asked.
        failures: unavailable that often in a row opens the breaker.
        reset_seconds: how long it stays open before one call probes the decider.
        clock: seconds from any origin, never set back.
        on_state: told the state at first, and whenever it changes.
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
        self._failures = failures
        self._reset_seconds = reset_seconds
        self._clock = clock
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._probing = False
        self._on_state = on_state
        self._told: BreakerState | None = None
        self.name = decider.name
        self._tell()

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Ask the decider, unless the breaker is open.

        Raises:
            DecisionUnavailable: the breaker is open, or the decider is unreachable.
        """
        if self._opened_at is None:
            return await self._ask(call, context)
        if self._probing or self._clock() - self._opened_at < self._reset_seconds:
            raise DecisionUnavailable("the breaker is open, as the decider could not be reached lately")
        self._probing = True
        self._tell()
        try:
            return await self._ask(call, context, probe=True)
        finally:
            self._probing = False
            self._tell()

    async def aclose(self) -> None:
        """Close the decider."""
        await self.inner.aclose()

    async def _ask(self, call: ToolCall, context: CallContext, *, probe: bool = False) -> Decision:
        """Whoever was asked before the breaker opened tells nothing of how things are now."""
        try:
            decision = await self.inner.decide(call, context)
        except DecisionUnavailable:
            if probe or self._opened_at is None:
                self._failed(at_once=probe)
            raise
        except (DecisionRefused, DecisionUnreadable):
            self._answered(probe=probe)
            raise
        self._answered(probe=probe)
        return decision

    def _failed(self, *, at_once: bool) -> None:
        self._in_a_row += 1
        if at_once or self._in_a_row >= self._failures:
            self._opened_at = self._clock()
            self._tell()

    def _answered(self, *, probe: bool) -> None:
        if probe or self._opened_at is None:
            self._in_a_row = 0
            self._opened_at = None
            self._tell()

    def _tell(self) -> None:
        state: BreakerState = "closed" if self._opened_at is None else "half_open" if self._probing else "open"
        if state != self._told:
            self._told = state
            self._on_state(state)
