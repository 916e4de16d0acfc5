"""Waiting for approvals: however many wait, a change costs one query."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from litellm_bighub.control_plane.readers_and_writer import Database
from litellm_bighub.control_plane.store.signals import POLL_SECONDS, Signals
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.deciders.approvals.waiting_room import Waiters, WaitingRoom
from litellm_bighub.errors import DecisionError

_LOOK_AGAIN_SECONDS: Final = 1.0
"""An expiry changes nothing in the database, so it wakes no waiter."""


class AwaitedApprovals:
    """Approvals for which this process waits.

    Args:
        database: holds them.
        signals: wake waiters when something changed.
        clock: POSIX seconds.
    """

    def __init__(self, database: Database, signals: Signals, clock: Callable[[], float]) -> None:
        self._database = database
        self._signals = signals
        self._clock = clock
        self._room: WaitingRoom[Approval] = WaitingRoom(self._look)

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
        with self._room.enter(approval_id) as answered:  # first, so that nothing happens unseen after it was read
            approval = await self._get(approval_id)
            left = end - loop.time()
            if approval is None or approval.state_at(self._clock()) not in approvals.OPEN or left <= 0:
                return approval
            return await answered(left) or await self._get(approval_id)

    async def _get(self, approval_id: str) -> Approval | None:
        return await self._database.read(lambda connection: approvals.get(connection, approval_id))

    async def _look(self, waiters: Waiters[Approval]) -> None:
        with self._signals.watch() as changed:
            closed = partial(approvals.no_longer_open, ids=waiters.ids, now=self._clock())
            try:
                found = await self._database.read(closed)
            except (SQLAlchemyError, DecisionError):  # those who wait go on waiting: the database may come back
                found = []
            for approval in found:
                waiters.tell(approval.id, approval)
            await changed(_LOOK_AGAIN_SECONDS)
        await asyncio.sleep(POLL_SECONDS)  # many changes at once cost one look
