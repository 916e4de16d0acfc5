"""A ledger that answers in time, or counts as one that cannot be had."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

from litellm_bighub.deciders.ledger.ledger import Ledger
from litellm_bighub.deciders.wrappers.deadline import within
from litellm_bighub.domain.decided_call import DecidedCall, Search
from litellm_bighub.domain.opt_out import OptOut
from litellm_bighub.domain.unapproved_result import UnapprovedResult

T = TypeVar("T")


class PromptLedger:
    """Gives each thing that is asked of a ledger so many seconds. Each raises `DecisionUnavailable` after those."""

    def __init__(self, ledger: Ledger, seconds: float) -> None:
        self.inner = ledger
        self._seconds = seconds

    async def write(self, calls: Sequence[DecidedCall]) -> None:
        """Remember the calls."""
        await self._in_time(self.inner.write(calls))

    async def find(self, search: Search) -> Sequence[DecidedCall]:
        """The calls that fit, the oldest first."""
        return await self._in_time(self.inner.find(search))

    async def answered(self, conversation: str, call_ids: Collection[str]) -> None:
        """Remember that the provider's conversation holds outputs for these calls."""
        await self._in_time(self.inner.answered(conversation, call_ids))

    async def joined(self, response_id: str, continued_by: str) -> bool:
        """Remember which answer stands behind a response in its stream."""
        return await self._in_time(self.inner.joined(response_id, continued_by))

    async def report(self, event: UnapprovedResult | OptOut) -> None:
        """Keep what is told of a result that nobody approved, or of a guardrail that was left out."""
        await self._in_time(self.inner.report(event))

    async def aclose(self) -> None:
        """Close the ledger."""
        await self.inner.aclose()

    async def _in_time(self, work: Awaitable[T]) -> T:
        return await within(self._seconds, work, "answer of the ledger")
