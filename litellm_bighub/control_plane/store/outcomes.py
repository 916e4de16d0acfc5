"""What came of a call after it was decided on."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, func, select

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import events, outcomes


def insert(connection: Connection, row: dict[str, Any]) -> None:
    """Store a report."""
    connection.execute(outcomes.insert(), {**row, "body": dump(row["body"])})


def find(connection: Connection, column: str, value: str) -> list[dict[str, Any]]:
    """Reports about a request, validation or case, the oldest first."""
    query = select(outcomes).where(outcomes.c[column] == value).order_by(outcomes.c.reported_at, outcomes.c.id)
    return [{**row, "body": json.loads(row["body"])} for row in connection.execute(query).mappings()]


def by_status(connection: Connection, since: float) -> dict[str, int]:
    """How many reports there are by status."""
    query = select(outcomes.c.status, func.count()).where(outcomes.c.reported_at >= since).group_by(outcomes.c.status)
    return dict(connection.execute(query).tuples().all())


def unreported(connection: Connection, *, before: float, limit: int) -> list[dict[str, Any]]:
    """Allowed decisions older than a time without a report."""
    reported = select(outcomes.c.request_id).where(outcomes.c.request_id == events.c.subject).exists()
    query = (
        select(events.c.subject, events.c.time, events.c.tool, events.c.actor, events.c.domain)
        .where(events.c.type == "decision_event.created", events.c.verdict == "allowed", events.c.time <= before)
        .where(~reported)
        .order_by(events.c.seq.desc())
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]
