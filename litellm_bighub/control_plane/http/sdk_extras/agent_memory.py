"""`/actions/memory`: ingest, context, aggregates, recommendations."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, func, select

from litellm_bighub.control_plane.http.auth import Anybody, Asker, Plane, Reader, require_actor
from litellm_bighub.control_plane.http.json_values import iso, readable
from litellm_bighub.control_plane.store.schema import memory as table
from litellm_bighub.control_plane.store.tables import agent_memory
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/actions/memory")

MOST_ROWS: Final = 50_000


class Ingest(BaseModel):
    """Events of an agent's run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: list[JsonObject] = Field(max_length=1000)
    source: str = Field(default="adapter", max_length=200)
    source_version: str | None = Field(default=None, max_length=200)
    actor: str | None = Field(default=None, max_length=500)
    domain: str | None = Field(default=None, max_length=200)
    model: str | None = Field(default=None, max_length=500)
    trace_id: str | None = Field(default=None, max_length=500)
    redact: bool = True
    redaction_policy: Literal["default"] = "default"


class Recommend(BaseModel):
    """From when on a rate is worth a recommendation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_hours: float = Field(default=24, gt=0, le=24 * 366)
    tool: str | None = None
    domain: str | None = None
    actor: str | None = None
    source: str | None = None
    min_events: int = Field(default=20, ge=1)
    min_blocked_rate: float = Field(default=0.15, ge=0, le=1)
    min_approval_rate: float = Field(default=0.10, ge=0, le=1)
    min_tool_error_rate: float = Field(default=0.05, ge=0, le=1)
    limit_recommendations: int = Field(default=10, ge=1, le=100)
    include_examples: bool = True
    auto_apply: Literal[False] = Field(default=False, description="a person decides what follows")
    scope: None = Field(default=None, description="tool, domain, actor and source narrow it")


@router.post("/ingest")
async def ingest(body: Ingest, plane: Plane, caller: Asker) -> JsonObject:
    """Store events, always redacted. An event whose `event_id` is known counts once."""
    now = plane.clock()
    shared = {
        name: value for name in ("source_version", "model", "trace_id") if (value := getattr(body, name)) is not None
    }
    actors = [str(event.get("actor") or body.actor or caller.single_actor)[:500] for event in body.events]
    for actor in {*actors} - {""}:
        require_actor(caller, actor)
    rows = [
        {
            "event_id": str(event.get("event_id") or plane.new_id())[:200],
            "time": now,
            "source": body.source,
            "actor": actor,
            "domain": str(event.get("domain") or body.domain or "")[:200],
            "tool": str(event.get("tool") or "")[:500],
            "status": str(event.get("status") or "")[:50],
            "body": plane.redact(readable({**shared, **event})),
        }
        for event, actor in zip(body.events, actors, strict=True)
    ]

    def job(transaction: Transaction) -> tuple[int, int]:
        return agent_memory.insert(transaction.connection, rows), number_of_events(transaction.connection)

    accepted, total = await plane.write(job)
    return {"accepted": accepted, "total_stored": total, "source": body.source}


@router.get("/context")
async def context(
    plane: Plane,
    caller: Anybody,
    window_hours: Annotated[float, Query(gt=0, le=24 * 366)] = 24,
    limit_recent: Annotated[int, Query(ge=0, le=1000)] = 25,
    tool: str | None = None,
    domain: str | None = None,
    actor: str | None = None,
    source: str | None = None,
) -> JsonObject:
    """What happened lately, of the actors that the key speaks for."""
    if actor is not None:
        require_actor(caller, actor)
    asked = (("tool", tool), ("domain", domain), ("actor", actor), ("source", source))
    filters = {name: value for name, value in asked if value is not None}
    since = plane.clock() - window_hours * 3600
    found = await plane.read(lambda connection: window(connection, since=since, filters=filters))
    rows = [row for row in found if caller.speaks_for(row["actor"])]
    recent = [{**row["body"], "received_at": iso(row["time"])} for row in rows[:limit_recent]]
    return {
        "org_id": 1,
        "window_hours": window_hours,
        "filters": filters,
        **rates(rows),
        "avg_risk_score": None,
        "recent_events": recent,
    }


@router.post("/refresh-aggregates")
async def refresh(_: Asker, concurrent: bool = False) -> JsonObject:  # noqa: FBT001, FBT002 - a query parameter
    """Nothing is to be done: aggregates are computed when they are asked for."""
    return {"refreshed": True, "mode": "concurrent" if concurrent else "on_read"}


@router.post("/recommendations")
async def recommendations(body: Recommend, plane: Plane, _: Reader) -> JsonObject:
    """Tools that are blocked, held or failing more often than the given rates. A person decides what follows."""
    names = ("tool", "domain", "actor", "source")
    filters = {name: str(value) for name in names if (value := getattr(body, name)) is not None}
    now = plane.clock()
    since = now - body.window_hours * 3600
    rows = await plane.read(lambda connection: window(connection, since=since, filters=filters))
    tools = sorted({row["tool"] for row in rows})
    found = [recommended for tool in tools for recommended in _recommendations_for(tool, rows, body)]
    return {
        "org_id": 1,
        "plan": "embedded",
        "window_hours": body.window_hours,
        "generated_at": iso(now),
        "filters": filters,
        "summary": {"events": len(rows), "tools": len(tools), "recommendations": len(found)},
        "recommendations": found[: body.limit_recommendations],
    }


def _recommendations_for(tool: str, rows: list[JsonObject], body: Recommend) -> list[JsonObject]:
    of_tool = [row for row in rows if row["tool"] == tool]
    if len(of_tool) < body.min_events:
        return []
    found = rates(of_tool)
    worth = (
        ("blocked_rate", body.min_blocked_rate, "policy_review_blocked", "often blocked: is the rule too narrow?"),
        ("approval_rate", body.min_approval_rate, "policy_review_approvals", "often held: is the threshold too low?"),
        ("tool_error_rate", body.min_tool_error_rate, "tool_reliability", "often failing: see to the tool"),
    )
    return [
        {
            "recommendation_id": f"rec_{kind}_{tool}",
            "type": kind,
            "tool": tool,
            "scope": {"tool": tool},
            "time_window_hours": body.window_hours,
            "requires_human_review": True,
            "is_safe_patch": False,
            "confidence": found[rate],
            "reason": text,
            "evidence": {rate: found[rate], "events": len(of_tool)},
            "examples": [row["event_id"] for row in of_tool[:3]] if body.include_examples else [],
            "suggested_policy_patch": None,
        }
        for rate, least, kind, text in worth
        if found[rate] >= least
    ]


def number_of_events(connection: Connection) -> int:
    """How many events there are."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def window(connection: Connection, *, since: float, filters: dict[str, str]) -> list[JsonObject]:
    """Events since a time that fit the filters, the newest first."""
    query = select(table).where(table.c.time >= since).order_by(table.c.time.desc()).limit(MOST_ROWS)
    for name, value in filters.items():
        query = query.where(table.c[name] == value)
    rows = connection.execute(query).mappings()
    return [{**row, "body": json.loads(row["body"])} for row in rows]


def rates(rows: list[JsonObject]) -> JsonObject:
    """What the events have in common."""
    statuses = Counter(row["status"] for row in rows)
    reasons = Counter(_blocked_by(row["body"]) for row in rows if row["status"] == "blocked")
    count = len(rows) or 1
    return {
        "total_events": len(rows),
        "blocked_rate": statuses["blocked"] / count,
        "approval_rate": statuses["approval_required"] / count,
        "tool_error_rate": statuses["tool_error"] / count,
        "top_tools": [
            {"tool": tool, "count": number} for tool, number in Counter(row["tool"] for row in rows).most_common(10)
        ],
        "top_block_reasons": [{"blocked_by": name, "count": number} for name, number in reasons.most_common(10)],
    }


def _blocked_by(body: JsonObject) -> str:
    decision = body.get("decision")
    return str(decision.get("blocked_by") or "unknown") if isinstance(decision, dict) else "unknown"
