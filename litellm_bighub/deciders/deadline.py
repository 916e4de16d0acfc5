"""One deadline for a decision, with all that is tried to get it."""

from __future__ import annotations

import anyio

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.errors import DecisionUnavailable


class Deadline:
    """Gives the decider so many seconds, then cancels it: it counts as unreachable."""

    def __init__(self, decider: Decider, seconds: float) -> None:
        self.inner = decider
        self._seconds = seconds
        self.name = decider.name

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Ask the decider.

        Raises:
            DecisionUnavailable: it did not answer in time.
        """
        with anyio.move_on_after(self._seconds):
            return await self.inner.decide(call, context)
        raise DecisionUnavailable(f"no decision within {self._seconds:g} s")

    async def aclose(self) -> None:
        """Close the decider."""
        await self.inner.aclose()
