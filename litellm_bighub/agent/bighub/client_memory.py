"""Telling a BIGHUB client what an agent did."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from litellm_bighub.agent.bighub.client import Client
from litellm_bighub.agent.record.deliveries import EventBatch
from litellm_bighub.agent.record.redacted_event import outcome_of, redacted_event
from litellm_bighub.domain.redaction import Redactor


@dataclass(frozen=True, slots=True)
class ClientMemory:
    """Events go to the client's memory, outcomes of what ran to its outcomes. A client without them is not asked."""

    client: Client
    source: str
    source_version: str
    actor: str
    domain: str
    redactor: Redactor
    must_report: bool = False

    async def remember(self, batch: EventBatch) -> None:
        """Send the events."""
        ingest = self.client.method("actions", "ingest_memory")
        if ingest is not None:
            await self.client.call(
                ingest,
                events=[redacted_event(event, self.redactor) for event in batch.events],
                source=self.source,
                source_version=self.source_version,
                actor=self.actor,
                domain=self.domain,
                model=batch.model,
                trace_id=batch.trace_id,
            )

    async def report(self, batch: EventBatch) -> None:
        """Report how the calls that ran have ended, all at the same time: the limit is for all of them."""
        report = self.client.method("outcomes", "report")
        if report is None:
            if self.must_report:
                raise NotImplementedError("the BIGHUB client has no outcomes")
            return
        outcomes = (outcome_of(redacted_event(event, self.redactor), actor=self.actor) for event in batch.events)
        await asyncio.gather(*(self.client.call(report, **outcome) for outcome in outcomes if outcome is not None))
