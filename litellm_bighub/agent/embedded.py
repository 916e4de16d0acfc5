"""The embedded control plane's side of an agent: dry runs, approvals and memory, in the agent's own process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litellm_bighub.agent.deciding import DecideOne
from litellm_bighub.agent.deliveries import Batch
from litellm_bighub.agent.effects import Answer, Pending, Settled
from litellm_bighub.agent.memory import outcome_of, redacted_event
from litellm_bighub.control_plane.decider import EmbeddedDecider, decision
from litellm_bighub.control_plane.reporting import keep
from litellm_bighub.control_plane.resolving import Refused, Resolution
from litellm_bighub.control_plane.store import approvals, memory
from litellm_bighub.control_plane.store.approvals import Approval
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Block, Decision
from litellm_bighub.domain.redaction import Redactor


class EmbeddedDesk:
    """Answers approvals and dry runs with an `EmbeddedDecider`'s control plane.

    An approval is bound to its call there: deciding on the same call again uses it up, once.
    """

    def __init__(self, decider: EmbeddedDecider) -> None:
        self._decider = decider

    async def dry_run(self, call: ToolCall, context: CallContext) -> Decision:
        """The decision that the call would get; nothing is counted or recorded."""
        plane = await self._decider.plane()
        return decision(await plane.decide(call, context, dry_run=True))

    async def settle(self, pending: Pending, answer: Answer, decide: DecideOne) -> Settled:
        """Resolve the approval, then decide on the call again."""
        plane = await self._decider.plane()
        resolved = await plane.resolve(
            Resolution(
                approval_id=pending.request_id,
                answer="approve" if answer.approved else "deny",
                by=answer.by,
                comment=answer.comment or "",
            )
        )
        if isinstance(resolved, Refused):
            return Settled(
                Block(resolved.problem, cause="policy" if resolved.code == "blocked" else "unapproved"),
                {"status": resolved.code},
            )
        return await self._settled(resolved, pending, decide)

    async def look(self, pending: Pending, decide: DecideOne) -> Settled | None:
        """What became of the approval in the inbox; `None` while it waits."""
        plane = await self._decider.plane()
        approval = await plane.read(lambda connection: approvals.get(connection, pending.request_id))
        if approval is None:
            return Settled(Block("the approval is unknown here", cause="unapproved"), {})
        if approval.state_at(plane.clock()) in approvals.OPEN:
            return None
        return await self._settled(approval, pending, decide)

    async def _settled(self, approval: Approval, pending: Pending, decide: DecideOne) -> Settled:
        plane = await self._decider.plane()
        state = approval.state_at(plane.clock())
        told = {"request_id": approval.id, "status": state, "resolved_by": approval.resolved_by}
        if state == "approved" or state in approvals.OPEN:
            return Settled(await decide(pending.ask), told)
        return Settled(Block(f"the approval is {state}", cause="denied" if state == "denied" else "unapproved"), told)


class EmbeddedMemory:
    """Keeps an agent's events in the control plane's memory, and how its calls ended among the outcomes."""

    def __init__(self, decider: EmbeddedDecider, *, source: str, actor: str, domain: str, redactor: Redactor) -> None:
        self._decider = decider
        self._source = source
        self._actor = actor
        self._domain = domain
        self._redactor = redactor

    async def remember(self, batch: Batch) -> None:
        """Store the events; one whose id is known counts once."""
        plane = await self._decider.plane()
        rows = [self._row(redacted_event(event, self._redactor), plane.clock()) for event in batch.events]

        def job(transaction: Transaction) -> None:
            memory.insert(transaction.connection, rows)

        await plane.write(job)

    async def report(self, batch: Batch) -> None:
        """Store how the calls that ran have ended."""
        outcomes = (outcome_of(redacted_event(event, self._redactor)) for event in batch.events)
        reports = [outcome for outcome in outcomes if outcome is not None]
        if reports:
            await keep(await self._decider.plane(), reports)

    def _row(self, event: Mapping[str, Any], now: float) -> dict[str, Any]:
        return {
            "event_id": event["event_id"],
            "time": now,
            "source": self._source,
            "actor": self._actor,
            "domain": self._domain,
            "tool": event["tool"],
            "status": event["status"],
            "body": dict(event),
        }
