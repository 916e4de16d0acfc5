"""The breaker around a decider: leaves it alone while it cannot be reached."""

from __future__ import annotations

import time
from collections.abc import Callable

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.wrappers.circuit import BreakerState, Circuit, unwatched
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable, DecisionUnreadable


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
