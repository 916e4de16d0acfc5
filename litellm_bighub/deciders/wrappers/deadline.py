"""One deadline for a decision, with all that is tried to get it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, TypeVar

import anyio

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.errors import DecisionUnavailable

DEADLINE_SECONDS: Final = 10.0

T = TypeVar("T")


async def within(seconds: float, work: Awaitable[T], what: str = "decision") -> T:
    """Give work so many seconds, then cancel it.

    Raises:
        DecisionUnavailable: it did not end in time; names what there is not.
    """
    with anyio.move_on_after(seconds):
        return await work
    raise DecisionUnavailable(f"no {what} within {seconds:g} s")


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
        return await within(self._seconds, self.inner.decide(call, context))

    async def aclose(self) -> None:
        """Close the decider."""
        await self.inner.aclose()
