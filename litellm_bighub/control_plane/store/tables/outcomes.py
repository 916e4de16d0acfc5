"""What came of a call after it was decided on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import Connection, select

from litellm_bighub.control_plane.http.sdk_extras.outcome_quality import Reported
from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import approvals, events, outcomes
from litellm_bighub.domain.payload import JsonObject

_DECIDED: Final = ("actor", "domain", "tool", "verdict")
_MOST: Final = 50_000
_PAGE: Final = 500


def insert(connection: Connection, row: JsonObject) -> None:
    """Store a report."""
    connection.execute(outcomes.insert(), {**row, "body": dump(row["body"])})


def find(connection: Connection, column: str, value: str) -> list[JsonObject]:
    """Reports about a request, validation or case, the oldest first."""
    query = select(outcomes).where(outcomes.c[column] == value).order_by(outcomes.c.reported_at, outcomes.c.id)
    return [{**row, "body": json.loads(row["body"])} for row in connection.execute(query).mappings()]


def reported(
    connection: Connection, *, domain: str | None = None, since: float | None = None, until: float | None = None
) -> list[Reported]:
    """Reports, the newest first; at most so many that they can be looked through."""
    query = select(outcomes).order_by(outcomes.c.reported_at.desc(), outcomes.c.id).limit(_MOST)
    if domain is not None:
        query = query.where(outcomes.c.domain == domain)
    if since is not None:
        query = query.where(outcomes.c.reported_at >= since)
    if until is not None:
        query = query.where(outcomes.c.reported_at < until)
    return [
        Reported(
            outcome_id=row["id"],
            body=json.loads(row["body"]),
            **{name: row[name] for name in ("request_id", "status", "reported_at", *_DECIDED)},
        )
        for row in connection.execute(query).mappings()
    ]


def decided(connection: Connection, request_id: str, validation_id: str) -> JsonObject:
    """What had been decided about a request, which names the decision or the approval that it asked for."""
    asked = select(approvals.c.decision_id).where(approvals.c.id == request_id)
    subject = connection.execute(asked).scalar() or validation_id or request_id
    query = select(*(events.c[name] for name in _DECIDED), events.c.time.label("decided_at"))
    query = query.where(events.c.subject == subject, events.c.type == "decision_event.created").limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return {**dict.fromkeys(_DECIDED, ""), "decided_at": None} if row is None else dict(row)


def actors(connection: Connection, ids: Iterable[tuple[str, str]]) -> set[str]:
    """Whose decisions are known by these pairs of a request's and a validation's id; each may be another's."""
    alone = [pair for request, validation in ids for pair in ((request, ""), ("", validation)) if any(pair)]
    found = (decided(connection, *pair) for pair in alone)
    return {row["actor"] for row in found if row["decided_at"] is not None}


def unreported(
    connection: Connection, *, before: float, limit: int, of: Callable[[str], bool] = lambda _: True
) -> list[JsonObject]:
    """Allowed decisions older than a time without a report, of the actors for which `of` says so."""
    reported = select(outcomes.c.request_id).where(outcomes.c.request_id == events.c.subject).exists()
    query = (
        select(events.c.subject, events.c.time, events.c.tool, events.c.actor, events.c.domain, events.c.seq)
        .where(events.c.type == "decision_event.created", events.c.verdict == "allowed", events.c.time <= before)
        .where(~reported)
        .order_by(events.c.seq.desc())
        .limit(max(limit, _PAGE))
    )
    found: list[JsonObject] = []
    while len(found) < limit:
        page = [dict(row) for row in connection.execute(query).mappings()]
        if not page:
            break
        query = query.where(events.c.seq < page[-1]["seq"])
        found += [row for row in page if of(row["actor"])]
    return found[:limit]
