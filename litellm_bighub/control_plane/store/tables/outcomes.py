"""What came of a call after it was decided on."""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy import Connection, select

from litellm_bighub.control_plane.store.chain import DECISION, dump
from litellm_bighub.control_plane.store.schema import approvals, events, outcomes
from litellm_bighub.domain.payload import JsonObject

_DECIDED: Final = ("actor", "domain", "tool", "verdict")


def insert(connection: Connection, row: JsonObject) -> None:
    """Store a report."""
    connection.execute(outcomes.insert(), {**row, "body": dump(row["body"])})


def find(connection: Connection, column: str, value: str) -> list[JsonObject]:
    """Reports about a request, validation or case, the oldest first."""
    query = select(outcomes).where(outcomes.c[column] == value).order_by(outcomes.c.reported_at, outcomes.c.id)
    return [{**row, "body": json.loads(row["body"])} for row in connection.execute(query).mappings()]


def decided(connection: Connection, request_id: str, validation_id: str) -> JsonObject:
    """What had been decided about a request, which names the decision or the approval that it asked for."""
    asked = select(approvals.c.decision_id).where(approvals.c.id == request_id)
    subject = connection.execute(asked).scalar() or validation_id or request_id
    columns = (*(events.c[name] for name in _DECIDED), events.c.time.label("decided_at"), events.c.type)
    # The type is not asked for: SQLite would read all decisions until it finds this one.
    about = connection.execute(select(*columns).where(events.c.subject == subject).order_by(events.c.seq)).mappings()
    for row in about:
        if row["type"] == DECISION:
            return {name: row[name] for name in (*_DECIDED, "decided_at")}
    return {**dict.fromkeys(_DECIDED, ""), "decided_at": None}
