"""The ledger of decided calls. Later requests are checked against it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from litellm_bighub.deciders.wrappers.deadline import within
from litellm_bighub.domain.conversation.history import Returned, merged
from litellm_bighub.domain.decided_call import DecidedCall, Search
from litellm_bighub.domain.event import OptOut, UnapprovedResult

T = TypeVar("T")


class Ledger(Protocol):
    """Remembers decided calls. Each method raises `DecisionError` if it cannot."""

    async def write(self, calls: Sequence[DecidedCall]) -> None:
        """Remember the calls of an answer, before it is released."""
        ...

    async def find(self, search: Search) -> Sequence[DecidedCall]:
        """The calls that fit, the oldest first."""
        ...

    async def answered(self, conversation: str, call_ids: Collection[str]) -> None:
        """Remember that the provider's conversation holds outputs for these calls."""
        ...

    async def joined(self, response_id: str, continued_by: str) -> bool:
        """Remember which answer stands behind a response in its stream.

        Args:
            response_id: the upstream's id of the first, by which clients go on.
            continued_by: the other's, as LiteLLM takes it back.

        Returns:
            Whether it is remembered; not if no call of the first is known.
        """
        ...

    async def returned(self, marks: Collection[str]) -> Mapping[str, Returned]:
        """What had come back where these marks stand, for those that are known."""
        ...

    async def mark(self, marks: Collection[str], returned: Returned) -> None:
        """Remember what has come back where these marks stand, beside what is known of them."""
        ...

    async def report(self, event: UnapprovedResult | OptOut) -> None:
        """Keep the event of an unapproved result or of an opt-out."""
        ...

    async def aclose(self) -> None:
        """Release what it holds. Safe to call twice."""
        ...


class MemoryLedger:
    """A ledger for one process, where there is no database. It forgets the oldest calls when it is full."""

    def __init__(self, limit: int = 5_000) -> None:
        self._calls: deque[DecidedCall] = deque(maxlen=limit)
        self._limit = limit
        self._returned: dict[str, Returned] = {}

    async def write(self, calls: Sequence[DecidedCall]) -> None:
        """Remember the calls."""
        self._calls.extend(calls)

    async def find(self, search: Search) -> Sequence[DecidedCall]:
        """The calls that fit, the oldest first."""
        return [call for call in self._calls if search.fits(call)]

    async def answered(self, conversation: str, call_ids: Collection[str]) -> None:
        """Remember that the provider's conversation holds outputs for these calls."""
        for index, call in enumerate(self._calls):
            if call.conversation == conversation and call.call_id in call_ids:
                self._calls[index] = replace(call, answered=True)

    async def joined(self, response_id: str, continued_by: str) -> bool:
        """Remember which answer stands behind a response in its stream."""
        first = [index for index, call in enumerate(self._calls) if call.response_id == response_id]
        for index in first:
            self._calls[index] = replace(self._calls[index], continued_by=continued_by)
        return bool(first)

    async def returned(self, marks: Collection[str]) -> Mapping[str, Returned]:
        """What had come back where these marks stand."""
        return {mark: self._returned[mark] for mark in marks if mark in self._returned}

    async def mark(self, marks: Collection[str], returned: Returned) -> None:
        """Remember what has come back where these marks stand."""
        for mark in marks:
            self._returned[mark] = merged([self._returned.pop(mark, {}), returned])
        while len(self._returned) > 4 * self._limit:
            del self._returned[next(iter(self._returned))]

    async def report(self, event: UnapprovedResult | OptOut) -> None:
        """There is no audit in memory; the caller logs it too."""

    async def aclose(self) -> None:
        """Nothing to release."""


class DeadlineLedger:
    """Gives each question to a ledger so many seconds, and then raises `DecisionUnavailable`."""

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

    async def returned(self, marks: Collection[str]) -> Mapping[str, Returned]:
        """What had come back where these marks stand."""
        return await self._in_time(self.inner.returned(marks))

    async def mark(self, marks: Collection[str], returned: Returned) -> None:
        """Remember what has come back where these marks stand."""
        await self._in_time(self.inner.mark(marks, returned))

    async def report(self, event: UnapprovedResult | OptOut) -> None:
        """Keep the event of an unapproved result or of an opt-out."""
        await self._in_time(self.inner.report(event))

    async def aclose(self) -> None:
        """Close the ledger."""
        await self.inner.aclose()

    async def _in_time(self, work: Awaitable[T]) -> T:
        return await within(self._seconds, work, "answer of the ledger")
