"""`/events`: the audit, for programs."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from litellm_bighub.control_plane.audit import event_counts
from litellm_bighub.control_plane.http.auth import AuditReader, Plane
from litellm_bighub.control_plane.http.json_values import iso
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/events")


@router.get("")
async def listed(
    plane: Plane,
    _: AuditReader,
    event_type: str | None = None,
    severity: str | None = None,
    rule_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> JsonObject:
    """Events, the newest first."""
    asked: dict[event_counts.Column, str | None] = {"type": event_type, "severity": severity, "rule_id": rule_id}
    equal: dict[event_counts.Column, str | int] = {name: value for name, value in asked.items() if value is not None}
    conditions = [table.c[name] == value for name, value in equal.items()]

    def query(connection: Connection) -> tuple[list[JsonObject], int]:
        page = events.page(connection, *conditions, limit=limit, offset=offset)
        return page, event_counts.number(connection, equal)

    found, total = await plane.read(query)
    return {"events": [shown(event) for event in found], "total": total, "limit": limit, "offset": offset}


@router.get("/stats")
async def stats(plane: Plane, _: AuditReader) -> JsonObject:
    """How many events there are by type and severity."""

    def query(connection: Connection) -> JsonObject:
        counts = event_counts.totals(connection, ("type", "severity"), {})
        kinds, severities = Counter[str](), Counter[str]()
        for (kind, severity), one in counts.items():
            kinds[kind] += one.number
            severities[severity] += one.number
        return {"total": kinds.total(), "by_type": dict(kinds), "by_severity": dict(severities)}

    return await plane.read(query)


def shown(event: JsonObject) -> JsonObject:
    """An event as the contract shows it, with all that its body holds."""
    decided = event["type"] == DECISION
    return {
        **event["body"],
        "event_id": f"evt_{event['seq']}",
        "event_type": event["type"],
        "severity": event["severity"],
        "subject": event["subject"],
        "rule_id": event["rule_id"] or None,
        "domain": event["domain"] or None,
        "actor": event["actor"] or None,
        "action": event["tool"] or None,
        "validation_id": event["subject"] if decided else None,
        "result": event["verdict"] or None,
        "allowed": event["verdict"] == "allowed" if decided else None,
        "digest": event["digest"],
        "created_at": iso(event["time"]),
    }
