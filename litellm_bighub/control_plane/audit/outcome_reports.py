"""Reports of what came of calls, from the gateway itself or over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from litellm_bighub.control_plane.decisions import reservations
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import outcomes
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.event import CallOutcome
from litellm_bighub.domain.payload import JsonMapping, JsonObject

FAILED: Final = "FAILURE"


async def keep(
    plane: ControlPlane, reports: Sequence[JsonMapping], *, by: str, actor: str = "", frees: bool = False
) -> list[JsonObject]:
    """Keep the reports, all or none, and give them as they were stored.

    Args:
        plane: where.
        reports: each with its `status` and what it is about, in JSON.
        by: who reports, as authenticated.
        actor: whose report it is, where it is about no decision that is known.
        frees: whether a failure frees what the call has added to totals. An agent's report never does: it could spend
            a sum again and again.
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
            body: JsonObject = {"outcome_id": row["id"], "status": row["status"], "by": by}
            if frees and row["status"].upper() == FAILED:
                body["freed"] = reservations.free_decision(transaction, row["validation_id"] or row["request_id"], now)
            transaction.append(AuditEvent(now, "outcome.reported", row["request_id"], body), notify=False)
        return kept

    return await plane.write(job)


@dataclass(frozen=True, slots=True)
class EmbeddedOutcomes:
    """Keeps outcomes of the gateway's own calls where they were decided on. Implements `OutcomeSink`."""

    decider: EmbeddedDecider

    async def record(self, outcome: CallOutcome) -> None:
        """Keep the outcome as a report about its decision."""
        if outcome.decision_id:
            report = {
                "request_id": outcome.decision_id,
                "status": "SUCCESS" if outcome.ok else FAILED,
                "source": "gateway",
                "event_id": outcome.event_id,
                "size": outcome.size,
                "seconds": outcome.seconds,
            }
            await keep(await self.decider.plane(), [report], by="the gateway", frees=True)
