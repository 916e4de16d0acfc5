"""Maintenance in a process that decides and does not serve: a worker of the gateway.

Every second it reads whether an approval's time is over or a webhook delivery is due. No writer waits for that read; it
writes only if there is work. Any number of processes may do so: each claims its work in one transaction.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from sqlalchemy import Connection, Double, bindparam, exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from litellm_bighub.control_plane.channels.webhook_delivery import Deliverer
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.schema import approvals as table
from litellm_bighub.control_plane.store.tables import approvals, webhooks as hooks
from litellm_bighub.errors import BighubError

logger = logging.getLogger(__name__)
INTERVAL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class DueWork:
    """The work that was found.

    Attributes:
        pending: approvals that wait for a person.
        expired: whether an approval's time is over and not yet recorded.
        deliver: whether a webhook waits for an event.
    """

    pending: int
    expired: bool
    deliver: bool


_NOW = bindparam("now", type_=Double)
_DUE_WORK = select(
    select(func.count()).where(table.c.state.in_(approvals.OPEN), table.c.expires_at > _NOW).scalar_subquery(),
    exists().where(approvals.is_due(_NOW)),
    hooks.has_work(_NOW),
)
"""Compiled once, because every process asks this every second."""


def due_work(connection: Connection, now: float) -> DueWork:
    """The work that is due now."""
    pending, *found = connection.execute(_DUE_WORK, {"now": now}).one()
    return DueWork(pending, *map(bool, found))


async def maintain(
    plane: ControlPlane, *, on_pending: Callable[[int], None], interval_seconds: float = INTERVAL_SECONDS
) -> None:
    """Do the work that is due, until cancelled.

    Args:
        plane: of this process.
        on_pending: called with the number of approvals that wait.
        interval_seconds: between two reads.
    """
    async with httpx.AsyncClient(follow_redirects=False) as client:
        deliverer = Deliverer(plane, client)
        while True:
            try:
                await _do_due_work(plane, deliverer, on_pending)
            except (BighubError, SQLAlchemyError) as error:
                logger.warning("maintenance failed, and goes on: %s", type(error).__name__)
            await asyncio.sleep(interval_seconds)


async def _do_due_work(plane: ControlPlane, deliverer: Deliverer, on_pending: Callable[[int], None]) -> None:
    now = plane.clock()
    waiting = await plane.read(lambda connection: due_work(connection, now))
    on_pending(waiting.pending)
    if waiting.expired:
        await plane.expire_due()
    if waiting.deliver:
        await deliverer.step()
