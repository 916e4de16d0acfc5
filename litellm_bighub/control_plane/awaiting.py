"""Waiting for approvals: however many wait, one task looks for all of them, and a change costs one query."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection

from litellm_bighub.control_plane.store import approvals
from litellm_bighub.control_plane.store.approvals import Approval
from litellm_bighub.control_plane.store.signals import POLL_SECONDS, Signals

T = TypeVar("T")
_LOOK_AGAIN_SECONDS: Final = 1.0
"""Expiry is no change that anybody tells of."""

Answered: TypeAlias = "asyncio.Future[Approval]"


class Read(Protocol):
    """Runs a query, as `Database.read` does."""

    def __call__(self, query: Callable[[Connection], T], /) -> Awaitable[T]:
        """Return what it finds."""
        ...


class AwaitedApprovals:
    """The approvals that somebody in this process waits for.

    Args:
        read: runs queries.
        signals: tell of changes.
        clock: POSIX seconds.
    """

    def __init__(self, read: Read, signals: Signals, clock: Callable[[], float]) -> None:
        self._read = read
        self._signals = signals
        self._clock = clock
        self._rooms: dict[asyncio.AbstractEventLoop, _Room] = {}

    async def wait(self, approval_id: str, *, timeout: float) -> Approval | None:
        """Wait until an approval is no longer open.

        Args:
            approval_id: of the approval.
            timeout: seconds.

        Returns:
            The approval; still open if the time was over before. `None` if there is no such approval.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        with self._awaited(approval_id) as (answered, looking):
            # Looked up after it was noted: what happens from now on is seen by the task.
            approval = await self._get(approval_id)
            left = end - loop.time()
            if approval is None or approval.state_at(self._clock()) not in approvals.OPEN or left <= 0:
                return approval
            either: set[asyncio.Future[Any]] = {answered, looking}
            await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if answered.done():
                return answered.result()
            if looking.done():
                looking.result()  # the error that ended it
        return await self._get(approval_id)

    async def _get(self, approval_id: str) -> Approval | None:
        return await self._read(lambda connection: approvals.get(connection, approval_id))

    @contextmanager
    def _awaited(self, approval_id: str) -> Generator[tuple[Answered, asyncio.Task[None]]]:
        loop = asyncio.get_running_loop()
        room = self._rooms.get(loop)
        if room is None or room.looking.done():
            room = self._rooms[loop] = _Room(self._answered, self._signals)
        answered: Answered = loop.create_future()
        waiting = room.waiting[approval_id]
        waiting.add(answered)
        try:
            yield answered, room.looking
        finally:
            waiting.discard(answered)
            if not waiting:
                room.waiting.pop(approval_id, None)
            if not room.waiting and self._rooms.get(loop) is room:
                del self._rooms[loop]
                room.looking.cancel()

    async def _answered(self, ids: Collection[str]) -> Sequence[Approval]:
        now = self._clock()
        return await self._read(lambda connection: approvals.no_longer_open(connection, ids, now))


class _Room:
    """Those who wait in one event loop.

    Attributes:
        waiting: by the id of the approval.
        looking: the task that looks for them.
    """

    def __init__(self, answered: Callable[[Collection[str]], Awaitable[Sequence[Approval]]], signals: Signals) -> None:
        self.waiting: defaultdict[str, set[Answered]] = defaultdict(set)
        self.looking = asyncio.ensure_future(self._look(answered, signals))

    async def _look(
        self, answered: Callable[[Collection[str]], Awaitable[Sequence[Approval]]], signals: Signals
    ) -> None:
        while True:
            with signals.watch() as changed:
                for approval in await answered(list(self.waiting)):
                    for waiter in self.waiting.get(approval.id, ()):
                        if not waiter.done():
                            waiter.set_result(approval)
                await changed(_LOOK_AGAIN_SECONDS)
            await asyncio.sleep(POLL_SECONDS)  # many changes at once cost one look
