"""`/outcomes`: reports of what came of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, select
from typing_extensions import Self

from litellm_bighub.control_plane.audit.outcome_reports import keep
from litellm_bighub.control_plane.http.auth import Anybody, Plane, Reporter, require_actor
from litellm_bighub.control_plane.http.errors import not_found
from litellm_bighub.control_plane.http.json_values import iso, readable
from litellm_bighub.control_plane.http.sdk_extras.outcome_quality import TAXONOMY, meaning
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events, outcomes as table
from litellm_bighub.control_plane.store.tables import outcomes
from litellm_bighub.control_plane.store.tables.keys import Key
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/outcomes")

_PAGE: Final = 500


class Report(BaseModel):
    """One report. Fields beyond these are kept as they are, redacted."""

    model_config = ConfigDict(extra="allow", frozen=True)

    status: str = Field(min_length=1, max_length=50)
    request_id: str = Field(default="", max_length=300)
    validation_id: str = Field(default="", max_length=300)
    case_id: str = Field(default="", max_length=300)

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if not (self.request_id or self.validation_id or self.case_id):
            raise ValueError("a report names a request_id, validation_id or case_id")
        return self


class Reports(BaseModel):
    """Several reports."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcomes: list[Report] = Field(max_length=100)


@router.post("/report")
async def report(body: Report, plane: Plane, caller: Reporter) -> JsonObject:
    """Keep a report. A failure that no agent's key reports frees what the call has added to sums of values."""
    return (await _keep(plane, caller, [body]))[0]


@router.post("/report/batch")
async def report_batch(body: Reports, plane: Plane, caller: Reporter) -> JsonObject:
    """Keep several reports, all or none."""
    kept = await _keep(plane, caller, body.outcomes)
    return {"accepted": len(kept), "results": kept}


@router.get("/taxonomy")
async def taxonomy(_: Anybody) -> JsonObject:
    """The statuses that BIGHUB knows; others are kept too."""
    statuses = {name: {"category": category, "severity": severity} for name, (category, severity) in TAXONOMY.items()}
    return {"statuses": list(statuses), "taxonomy": statuses}


@router.get("/pending/list")
async def pending(
    plane: Plane,
    caller: Anybody,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    min_age_hours: Annotated[float, Query(ge=0, le=10**6)] = 0,
) -> JsonObject:
    """Allowed calls of which nothing was reported, of the actors that the key speaks for."""
    before, of = plane.clock() - min_age_hours * 3600, caller.speaks_for
    rows = await plane.read(lambda connection: unreported(connection, before=before, limit=limit, of=of))
    items = [
        {
            "request_id": row["subject"],
            "action": row["tool"],
            "actor": row["actor"],
            "domain": row["domain"],
            "decided_at": iso(row["time"]),
        }
        for row in rows
    ]
    return {"pending": items, "total": len(items)}


@router.get("/by-validation/{validation_id}")
async def by_validation(validation_id: str, plane: Plane, caller: Anybody) -> JsonObject:
    """The last report about a validation."""
    return (await _found(plane, caller, "validation_id", validation_id))[-1]


@router.get("/by-case/{case_id}")
async def by_case(case_id: str, plane: Plane, caller: Anybody) -> JsonObject:
    """The last report about a case."""
    return (await _found(plane, caller, "case_id", case_id))[-1]


@router.get("/{request_id}")
async def get(request_id: str, plane: Plane, caller: Anybody) -> JsonObject:
    """The last report about a request."""
    return (await _found(plane, caller, "request_id", request_id))[-1]


@router.get("/{request_id}/timeline")
async def timeline(request_id: str, plane: Plane, caller: Anybody) -> JsonObject:
    """All reports about a request."""
    return {"request_id": request_id, "events": await _found(plane, caller, "request_id", request_id)}


async def _keep(plane: ControlPlane, caller: Key, reports: list[Report]) -> list[JsonObject]:
    stored = [readable(report.model_dump(mode="json")) for report in reports]
    ids = [(report.request_id, report.validation_id) for report in reports]
    for actor in await plane.read(lambda connection: actors(connection, ids)):
        require_actor(caller, actor)
    rows = await keep(plane, stored, by=caller.name, actor=caller.single_actor, frees=not caller.is_agent)
    return [_shown(row) for row in rows]


async def _found(plane: ControlPlane, caller: Key, column: str, value: str) -> list[JsonObject]:
    found = await plane.read(lambda connection: outcomes.find(connection, column, value))
    rows = [row for row in found if caller.speaks_for(row["actor"])]
    if not rows:
        raise not_found("outcome", value)
    return [_shown(row) for row in rows]


def _shown(row: JsonObject) -> JsonObject:
    category, severity = meaning(row["status"])
    decided_at = row["decided_at"]
    return {
        **row["body"],
        "outcome_id": row["id"],
        "request_id": row["request_id"] or None,
        "validation_id": row["validation_id"] or None,
        "case_id": row["case_id"] or None,
        "status": row["status"],
        "category": category,
        "severity": severity,
        "reported_at": iso(row["reported_at"]),
        "decision_at": iso(decided_at),
        "time_to_outcome_s": None if decided_at is None else row["reported_at"] - decided_at,
        "decision_context": {
            "domain": row["domain"] or None,
            "tool": row["tool"] or None,
            "action": row["tool"] or None,
            "verdict_was": row["verdict"] or None,
        },
    }


def actors(connection: Connection, ids: Iterable[tuple[str, str]]) -> set[str]:
    """Whose decisions are known by these pairs of a request's and a validation's id; each may be another's."""
    alone = [pair for request, validation in ids for pair in ((request, ""), ("", validation)) if any(pair)]
    found = (outcomes.decided(connection, *pair) for pair in alone)
    return {row["actor"] for row in found if row["decided_at"] is not None}


def unreported(
    connection: Connection, *, before: float, limit: int, of: Callable[[str], bool] = lambda _: True
) -> list[JsonObject]:
    """Allowed decisions older than a time without a report, of the actors for which `of` says so."""
    reported = select(table.c.request_id).where(table.c.request_id == events.c.subject).exists()
    query = (
        select(events.c.subject, events.c.time, events.c.tool, events.c.actor, events.c.domain, events.c.seq)
        .where(events.c.type == DECISION, events.c.verdict == "allowed", events.c.time <= before)
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
