"""The retry around a decider: asks again when that may help."""

from __future__ import annotations

import anyio

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.wrappers.backoff import Backoff, repeated
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
