"""Keeping reports of what came of calls, whoever makes them."""

from __future__ import annotations

from collections.abc import Sequence

from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import outcomes
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonMapping, JsonObject


async def keep(plane: ControlPlane, reports: Sequence[JsonMapping], *, actor: str = "") -> list[JsonObject]:
    """Keep the reports, all or none, and give them as they were stored.

    Args:
        plane: where.
        reports: each with its `status` and what it is about, in JSON.
        actor: whose report it is, where it is about no decision that is known.
    """
    now = plane.clock()
    rows: list[JsonObject] = [
        {
            "id": f"out_{plane.new_id()}",
            "request_id": report.get("request_id") or "",
            "validation_id": report.get("validation_id") or "",
            "case_id": report.get("case_id") or "",
            "status": report["status"],
            "body": plane.redact(dict(report)),
            "reported_at": now,
        }
        for report in reports
    ]

    def job(transaction: Transaction) -> list[JsonObject]:
        kept: list[JsonObject] = []
        for row in rows:
            decided = outcomes.decided(transaction.connection, row["request_id"], row["validation_id"])
            kept.append({**row, **decided, "actor": decided["actor"] or actor})
            outcomes.insert(transaction.connection, kept[-1])
            body = {"outcome_id": row["id"], "status": row["status"]}
            transaction.append(AuditEvent(now, "outcome.reported", row["request_id"], body), notify=False)
        return kept

    return await plane.write(job)
