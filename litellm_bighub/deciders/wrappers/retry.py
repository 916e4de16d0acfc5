"""Asking again when that may help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import stamina

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.errors import DecisionError, DecisionRefused, DecisionUnavailable

FIRST_WAIT_SECONDS = 0.05


class Retry:
    """Repeats what failed for a passing reason, after as long as the decider asks for, or else after ever longer waits.

    Args:
        decider: what is asked; the same call must have the same effect however often it is asked about.
        attempts: how often at most, the first time included.
        patience: the seconds that anybody will wait, for all attempts together. A decider that asks for more is not
            asked again.
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
        """Ask the decider; the last attempt's error goes out, or the refusal of any: a refusal is an answer.

        Raises:
            DecisionRefused: an attempt was refused, and none after it was answered otherwise.
            DecisionUnavailable: there was no answer in time.
        """
        refusals: list[DecisionRefused] = []
        try:
            with anyio.move_on_after(self._patience):
                return await self._attempts(call, context, refusals)
        except DecisionUnavailable:
            if not refusals:
                raise
        if refusals:
            raise refusals[-1]
        raise DecisionUnavailable(f"no decision within {self._patience:g} s")

    async def aclose(self) -> None:
        """Close the decider."""
        await self.inner.aclose()

    async def _attempts(self, call: ToolCall, context: CallContext, refusals: list[DecisionRefused]) -> Decision:
        try:
            return await self.inner.decide(call, context)
        except DecisionError as error:
            # What answers at once, which is nearly everything, never meets the machinery of retrying.
            if not error.transient:
                raise
            return await self._caller(self._wait, self._after(error, refusals), call, context)

    def _after(
        self, failure: DecisionError, refusals: list[DecisionRefused]
    ) -> Callable[[ToolCall, CallContext], Awaitable[Decision]]:
        """Asking again, for a caller that counts the attempt that has failed already as its first.

        Args:
            failure: of that attempt.
            refusals: what was refused; added to.
        """
        failures = [failure]

        async def decide(call: ToolCall, context: CallContext) -> Decision:
            try:
                if failures:
                    raise failures.pop()
                return await self.inner.decide(call, context)
            except DecisionRefused as refused:
                refusals.append(refused)
                raise

        return decide

    def _wait(self, error: Exception) -> bool | float:
        """Whether to try again, or after how many seconds."""
        if not isinstance(error, DecisionError) or not error.transient:
            return False
        if error.retry_after is None:
            return True
        return error.retry_after if 0 <= error.retry_after < self._patience else False
