"""Asking again when that may help."""

from __future__ import annotations

import stamina

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.errors import DecisionError

FIRST_WAIT_SECONDS = 0.05


class Retry:
    """Repeats what failed for a passing reason, after as long as the decider asks for, or else after ever longer waits.

    Args:
        decider: what is asked; the same call must have the same effect however often it is asked about.
        attempts: how often at most, the first time included.
        patience: the seconds that anybody will wait. A decider that asks for more is not asked again.
    """

    def __init__(self, decider: Decider, *, attempts: int, patience: float) -> None:
        self.inner = decider
        self._patience = patience
        self._caller = stamina.AsyncRetryingCaller(
            attempts=attempts,
            timeout=None,  # the deadline ends it
            wait_initial=FIRST_WAIT_SECONDS,
            wait_max=patience,
            wait_jitter=FIRST_WAIT_SECONDS,
        )
        self.name = decider.name

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Ask the decider; the last attempt's error goes out."""
        return await self._caller(self._wait, self.inner.decide, call, context)

    async def aclose(self) -> None:
        """Close the decider."""
        await self.inner.aclose()

    def _wait(self, error: Exception) -> bool | float:
        """Whether to try again, or after how many seconds."""
        if not isinstance(error, DecisionError) or not error.transient:
            return False
        if error.retry_after is None:
            return True
        return error.retry_after if 0 <= error.retry_after < self._patience else False
