"""Housekeeping in a process that decides and does not serve: a gateway's workers.

Every second it looks, with a read that no writer waits for, whether an approval's time is over or a webhook waits to be
told; only then it writes. Any number of processes may do so: what is due is claimed in one transaction.
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
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class DeciderMaintenance:
    """What a look has shown.

    Attributes:
        pending: approvals that wait for a person.
        expired: whether the expiry of one is to be recorded.
        to_tell: whether a webhook is to be told something.
    """

    pending: int
    expired: bool
    to_tell: bool


_NOW = bindparam("now", type_=Double)
_LOOK = select(
    select(func.count()).where(table.c.state.in_(approvals.OPEN), table.c.expires_at > _NOW).scalar_subquery(),
    exists().where(approvals.is_due(_NOW)),
    hooks.to_tell(_NOW),
)
"""Made once: every process asks this every second."""


def look(connection: Connection, now: float) -> DeciderMaintenance:
    """What there is to do."""
    pending, *found = connection.execute(_LOOK, {"now": now}).one()
    return DeciderMaintenance(pending, *map(bool, found))


async def keep_house(
    plane: ControlPlane, *, on_pending: Callable[[int], None], look_seconds: float = LOOK_SECONDS
) -> None:
    """Do it until cancelled.

    Args:
        plane: of this process.
        on_pending: told how many approvals wait.
        look_seconds: between two looks.
    """
    async with httpx.AsyncClient(follow_redirects=False) as client:
        deliverer = Deliverer(plane, client)
        while True:
            try:
                await _once(plane, deliverer, on_pending)
            except (BighubError, SQLAlchemyError) as error:
                logger.warning("housekeeping failed, and goes on: %s", type(error).__name__)
            await asyncio.sleep(look_seconds)


async def _once(plane: ControlPlane, deliverer: Deliverer, on_pending: Callable[[int], None]) -> None:
    now = plane.clock()
    waiting = await plane.read(lambda connection: look(connection, now))
    on_pending(waiting.pending)
    if waiting.expired:
        await plane.expire_due()
    if waiting.to_tell:
        await deliverer.step()
