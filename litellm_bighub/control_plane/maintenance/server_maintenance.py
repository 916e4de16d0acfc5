"""Maintenance in a process that serves: expiries, counts, retention, webhooks, and channels."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpx

from litellm_bighub.control_plane.audit.event_counts import AT_ONCE
from litellm_bighub.control_plane.channels.channel import Channel
from litellm_bighub.control_plane.channels.message_delivery import MessageDelivery
from litellm_bighub.control_plane.channels.webhook_delivery import Deliverer
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.errors import BighubError

logger = logging.getLogger(__name__)
_EXPIRY_SECONDS = 1.0
_PAUSE_SECONDS = 5.0


@asynccontextmanager
async def maintained(plane: ControlPlane, channels: Sequence[Channel] = ()) -> AsyncGenerator[None]:
    """Run the jobs while the context is open.

    Args:
        plane: of this process.
        channels: where people hear of calls that wait, and answer.
    """
    async with httpx.AsyncClient(follow_redirects=False) as client:
        deliverer = Deliverer(plane, client)
        work = [deliverer.run, lambda: _expire_and_retain(plane), *(channel.hear for channel in channels)]
        work += [MessageDelivery(plane, channel).run for channel in channels]
        jobs = [asyncio.create_task(_restarted(job)) for job in work]
        try:
            yield
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


async def _expire_and_retain(plane: ControlPlane) -> None:
    while True:
        await plane.expire_due()
        await plane.escalate_due()
        await plane.snapshot()  # reads a changed policy file even while nobody asks for a decision
        while await plane.count_events() == AT_ONCE:
            pass
        while await plane.retain_due():
            pass
        await asyncio.sleep(_EXPIRY_SECONDS)


async def _restarted(job: Callable[[], Awaitable[None]]) -> None:
    """Run a job until it ends, and again after it failed: a database comes back, and what one call held passes."""
    while True:
        try:
            return await job()
        except Exception as error:  # noqa: BLE001, PERF203 - each round may fail, a job that is gone does nothing
            # Only our own messages are sure to hold nothing of what somebody has sent.
            told = str(error) if isinstance(error, BighubError) else type(error).__name__
            logger.warning("maintenance failed, and goes on in %s seconds: %s", _PAUSE_SECONDS, told)
            await asyncio.sleep(_PAUSE_SECONDS)
