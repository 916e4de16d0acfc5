"""What agents report of their runs: kept for context, aggregates and recommendations."""

from __future__ import annotations

import json
from collections import Counter

from sqlalchemy import Connection, func, select, text

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import memory
from litellm_bighub.domain.payload import JsonObject

_INSERT = text(
    "INSERT INTO memory (event_id, time, source, actor, domain, tool, status, body)"
    " VALUES (:event_id, :time, :source, :actor, :domain, :tool, :status, :body)"
    " ON CONFLICT (event_id) DO NOTHING"
)
MOST_ROWS = 50_000


def insert(connection: Connection, rows: list[JsonObject]) -> int:
    """Store events; one whose id is known is dropped. How many were new."""
    return sum(connection.execute(_INSERT, {**row, "body": dump(row["body"])}).rowcount for row in rows)


def total(connection: Connection) -> int:
    """How many events there are."""
    return connection.execute(select(func.count()).select_from(memory)).scalar_one()


def window(connection: Connection, *, since: float, filters: dict[str, str]) -> list[JsonObject]:
    """Events since a time that fit the filters, the newest first."""
    query = select(memory).where(memory.c.time >= since).order_by(memory.c.time.desc()).limit(MOST_ROWS)
    for name, value in filters.items():
        query = query.where(memory.c[name] == value)
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
