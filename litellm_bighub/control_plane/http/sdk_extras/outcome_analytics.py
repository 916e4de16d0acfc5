"""`/outcomes/analytics`: numbers over reported outcomes."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy import Connection, select

from litellm_bighub.control_plane.http.auth import Plane, Reader
from litellm_bighub.control_plane.http.sdk_extras.outcome_quality import Reported, partner_view, quality, summary
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.schema import outcomes as table
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/outcomes/analytics")

Domain = Annotated[str | None, Query(max_length=200)]
_COLUMNS: Final = ("request_id", "status", "reported_at", "actor", "domain", "tool", "verdict")
_MOST: Final = 50_000


@router.get("/summary")
async def analytics(
    plane: Plane, _: Reader, domain: Domain = None, since: datetime | None = None, until: datetime | None = None
) -> JsonObject:
    """How calls went."""
    return summary(await _reported(plane, domain, since, until))


@router.get("/recommendation-quality")
async def recommendation_quality(
    plane: Plane, _: Reader, domain: Domain = None, since: datetime | None = None, until: datetime | None = None
) -> JsonObject:
    """Whether it was good to follow what was recommended."""
    return quality(await _reported(plane, domain, since, until))


@router.get("/partner-view/{domain}")
async def partner(domain: str, plane: Plane, _: Reader) -> JsonObject:
    """One domain in itself."""
    return partner_view(domain, await _reported(plane, domain, None, None))


def reported(
    connection: Connection, *, domain: str | None = None, since: float | None = None, until: float | None = None
) -> list[Reported]:
    """Reports, the newest first; at most so many that they can be looked through."""
    query = select(table).order_by(table.c.reported_at.desc(), table.c.id).limit(_MOST)
    if domain is not None:
        query = query.where(table.c.domain == domain)
    if since is not None:
        query = query.where(table.c.reported_at >= since)
    if until is not None:
        query = query.where(table.c.reported_at < until)
    return [
        Reported(
            outcome_id=row["id"],
            body=json.loads(row["body"]),
            **{name: row[name] for name in _COLUMNS},
        )
        for row in connection.execute(query).mappings()
    ]


async def _reported(
    plane: ControlPlane, domain: str | None, since: datetime | None, until: datetime | None
) -> list[Reported]:
    return await plane.read(
        lambda connection: reported(connection, domain=domain, since=_posix(since), until=_posix(until))
    )


def _posix(moment: datetime | None) -> float | None:
    """POSIX seconds; without a zone UTC is meant."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
