"""Telling one channel of what waits, once, and what became of it. Each process that serves does so.

A message is claimed by its row before it is sent, and its reference is written down after. A process that is killed
between the two has sent a message that the database does not know: after `LEASE_SECONDS` another one is sent, and only
that one is updated. So there may be two. An answer is to the approval, so answers to both count once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from tenacity import AsyncRetrying, retry_if_exception_type, wait_fixed

from litellm_bighub.control_plane.channels.channel import Channel, ChannelAway, MessageRefused
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import approvals, told_messages as messages
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.tables.told_messages import ToldMessage
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.errors import DecisionUnavailable

logger = logging.getLogger(__name__)
LEASE_SECONDS: Final = 120.0
"""So long nobody else sends a claimed message. A channel gives up waiting for its service well before."""
_LOOK_AGAIN_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 5.0
_LONGEST_PAUSE: Final = 60.0
_LONGEST_REFUSAL: Final = 600.0


class MessageDelivery:
    """The messages of one channel.

    Args:
        plane: of this process.
        channel: that is told.
    """

    def __init__(self, plane: ControlPlane, channel: Channel) -> None:
        self._plane = plane
        self._channel = channel
        self._pause = 0.0

    async def run(self) -> None:
        """Until cancelled. While the service is away it is tried with growing pauses."""
        while True:
            with self._plane.signals.watch() as changed:
                try:
                    worked = await self.step()
                except ChannelAway as away:
                    self._pause = min(max(1.0, 2 * self._pause), _LONGEST_PAUSE)
                    pause = max(self._pause, away.retry_after or 0.0)
                    logger.warning("%s is away, tried again in %.0f seconds: %s", self._channel.name, pause, away)
                    await asyncio.sleep(pause)
                    continue
                if not worked:
                    await changed(_LOOK_AGAIN_SECONDS)

    async def step(self) -> bool:
        """Note what is new, and send one message that is due; whether there was either.

        Raises:
            ChannelAway: what was to be sent waits.
        """
        name, now = self._channel.name, self._plane.clock()
        new, due = await self._plane.read(
            lambda connection: (messages.untold(connection, name, now), messages.is_due(connection, name, now))
        )
        for approval in new:
            await self._enqueue(approval, now)
        if not new and not due:
            return False
        claimed = await self._plane.write(
            lambda transaction: messages.claim(transaction.connection, name, now, LEASE_SECONDS)
        )
        if claimed is not None:
            await _finished(self._send(*claimed))
        return True

    async def _enqueue(self, approval: Approval, now: float) -> None:
        places = await self._channel.places(approval, now)
        name = self._channel.name
        await self._plane.write(
            lambda transaction: messages.enqueue(transaction.connection, approval, name, places, now)
        )

    async def _send(self, message: ToldMessage, approval: Approval) -> None:
        is_over = approval.state not in approvals.OPEN
        reference = message.reference
        try:
            if reference:
                await self._channel.update(approval, message.place, reference)
            else:
                reference = await self._channel.tell(approval, message.place)
        except ChannelAway:
            await self._postpone(message, 0.0, refused=False)
            raise
        except MessageRefused as refused:
            logger.warning("%s does not take the message about %s: %s", self._channel.name, approval.id, refused)
        self._pause = 0.0
        if reference:
            await self._settle(message, reference, is_over=is_over)
        else:
            await self._postpone(message, min(5.0 * 2 ** min(message.attempts, 10), _LONGEST_REFUSAL), refused=True)

    async def _settle(self, message: ToldMessage, reference: str, *, is_over: bool) -> None:
        """Write down what was sent, however long the database takes: without it the same is sent again."""
        now = self._plane.clock()

        def job(transaction: Transaction) -> None:
            messages.settle(transaction.connection, message, reference, is_over=is_over, now=now)

        retry = AsyncRetrying(retry=retry_if_exception_type(DecisionUnavailable), wait=wait_fixed(_LOOK_AGAIN_SECONDS))
        await retry(self._plane.write, job)

    async def _postpone(self, message: ToldMessage, seconds: float, *, refused: bool) -> None:
        until = self._plane.clock() + seconds
        await self._plane.write(
            lambda transaction: messages.postpone(transaction.connection, message, until=until, refused=refused)
        )


async def _finished(sending: Coroutine[Any, Any, None]) -> None:
    """Await it also while this task is cancelled, for some seconds: what was sent has to be written down."""
    task = asyncio.ensure_future(sending)
    try:
        await asyncio.shield(task)
    finally:
        if not task.done():
            await asyncio.wait({task}, timeout=_GRACE_SECONDS)
            task.cancel()
