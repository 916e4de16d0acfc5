"""Events that agents report of their runs."""

from __future__ import annotations

from sqlalchemy import Connection, text

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.domain.payload import JsonObject

_INSERT = text(
    "INSERT INTO memory (event_id, time, source, actor, domain, tool, status, body)"
    " VALUES (:event_id, :time, :source, :actor, :domain, :tool, :status, :body)"
    " ON CONFLICT (event_id) DO NOTHING"
)


def insert(connection: Connection, rows: list[JsonObject]) -> int:
    """Store events; one whose id is known is dropped. How many were new."""
    return sum(connection.execute(_INSERT, {**row, "body": dump(row["body"])}).rowcount for row in rows)
