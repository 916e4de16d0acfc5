"""Outcomes of calls that a gateway made itself, kept in the control plane that decided on them."""

from __future__ import annotations

from dataclasses import dataclass

from litellm_bighub.control_plane.audit.outcome_reports import keep
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.domain.outcome import CallOutcome


@dataclass(frozen=True, slots=True)
class EmbeddedOutcomes:
    """Implements `OutcomeSink`."""

    decider: EmbeddedDecider

    async def told(self, outcome: CallOutcome) -> None:
        """Keep the outcome as a report about its decision."""
        if outcome.decision_id:
            report = {
                "request_id": outcome.decision_id,
                "status": "SUCCESS" if outcome.ok else "FAILURE",
                "source": "gateway",
                "event_id": outcome.event_id,
                "size": outcome.size,
                "seconds": outcome.seconds,
            }
            await keep(await self.decider.plane(), [report])
