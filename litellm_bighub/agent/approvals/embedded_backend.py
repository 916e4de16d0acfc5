"""The embedded control plane's side of an agent: dry runs, approvals and memory, in the agent's own process."""

from __future__ import annotations

from dataclasses import replace

from litellm_bighub.agent.approvals.approval_backend import DecideOne
from litellm_bighub.agent.flow.effects import NotThisCall, Pending, PersonAnswer, Settled, Shown, Unsettled
from litellm_bighub.agent.record.deliveries import EventBatch
from litellm_bighub.agent.record.redacted_event import outcome_of, redacted_event
from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused
from litellm_bighub.control_plane.audit.outcome_reports import keep
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider, decision
from litellm_bighub.control_plane.decisions.recorded_decision import bound_digest
from litellm_bighub.control_plane.readers_and_writer import unavailable_when_failing
from litellm_bighub.control_plane.store.tables import agent_memory as memory, approvals
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.tables.secrets import STATE_KEY, secret_of
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Block, Decision
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import DecisionError


class EmbeddedBackend:
    """Answers approvals and dry runs with an `EmbeddedDecider`'s control plane.

    An approval is bound to its call there: deciding on the same call again uses it up, once.
    """

    def __init__(self, decider: EmbeddedDecider) -> None:
        self._decider = decider

    async def dry_run(self, call: ToolCall, context: CallContext) -> Decision:
        """The decision that the call would get; nothing is counted or recorded."""
        plane = await self._decider.plane()
        return decision(await plane.decide(call, context, dry_run=True))

    async def state_key(self) -> bytes:
        """The key of stored runs, which is kept in the control plane's database.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        plane = await self._decider.plane()
        with unavailable_when_failing("control plane"):
            return await plane.write(lambda transaction: secret_of(transaction.connection, STATE_KEY))

    async def shown(self, pending: Pending) -> Shown | NotThisCall:
        """The call as the approval has it, if it is bound to exactly this call."""
        try:
            approval = await self._approval(pending)
        except DecisionError:
            return Shown()
        return approval if isinstance(approval, NotThisCall) else Shown(approval.tool, approval.arguments)

    async def settle(self, pending: Pending, answer: PersonAnswer, decide: DecideOne) -> Settled | Unsettled:
        """Resolve the approval, then decide on the call again."""
        try:
            approval = await self._approval(pending)
            if isinstance(approval, NotThisCall):
                return Settled(Block(approval.problem, cause="unapproved"), {})
            resolved = await self._resolved(pending, answer)
        except DecisionError as error:
            return Unsettled(str(error))
        if isinstance(resolved, ResolutionRefused):
            return Settled(
                Block(resolved.problem, cause="policy" if resolved.code == "blocked" else "unapproved"),
                {"status": resolved.code},
            )
        return await self._settled(resolved, pending, decide)

    async def look(self, pending: Pending, decide: DecideOne) -> Settled | None:
        """What became of the approval in the inbox; `None` while it waits, or the database is away."""
        try:
            approval = await self._approval(pending)
        except DecisionError:
            return None
        if isinstance(approval, NotThisCall):
            return Settled(Block(approval.problem, cause="unapproved"), {})
        plane = await self._decider.plane()
        if approval.state_at(plane.clock()) in approvals.OPEN:
            return None
        return await self._settled(approval, pending, decide)

    async def _approval(self, pending: Pending) -> Approval | NotThisCall:
        """The approval that a call waits for, if it is bound to exactly this call.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        plane = await self._decider.plane()
        with unavailable_when_failing("control plane"):
            approval = await plane.read(lambda connection: approvals.get(connection, pending.request_id))
        if approval is None:
            return NotThisCall("the approval is unknown here")
        context = replace(pending.ask.context, domain=approval.domain)  # the policy may give a tool a domain of its own
        if approval.digest != bound_digest(pending.ask.call, context, approval.policy_version):
            return NotThisCall("the approval was asked for another call")
        return approval

    async def _resolved(self, pending: Pending, answer: PersonAnswer) -> Approval | ResolutionRefused:
        """The approval as it stands after the answer. One that was given before, and not used, is given still.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        plane = await self._decider.plane()
        resolution = Resolution(
            approval_id=pending.request_id,
            answer="approve" if answer.approved else "deny",
            by=answer.by,
            comment=answer.comment or "",
            told=answer.tell_agent or "",
        )
        with unavailable_when_failing("control plane"):
            resolved = await plane.resolve(resolution)
        if isinstance(resolved, ResolutionRefused) and resolved.code == "resolved" and answer.approved:
            approval = await self._approval(pending)
            if isinstance(approval, Approval) and approval.state_at(plane.clock()) == "approved":
                return approval
        return resolved

    async def _settled(self, approval: Approval, pending: Pending, decide: DecideOne) -> Settled:
        plane = await self._decider.plane()
        state = approval.state_at(plane.clock())
        shown_approval = {"request_id": approval.id, "status": state, "resolved_by": approval.resolved_by}
        if state == "approved" or state in approvals.OPEN:
            return Settled(await decide(pending.ask), shown_approval)
        return Settled(
            Block(
                f"the approval is {state}", cause="denied" if state == "denied" else "unapproved", told=approval.told
            ),
            shown_approval,
        )


class EmbeddedMemory:
    """Keeps an agent's events in the control plane's memory, and how its calls ended among the outcomes."""

    def __init__(self, decider: EmbeddedDecider, *, source: str, actor: str, domain: str, redactor: Redactor) -> None:
        self._decider = decider
        self._source = source
        self._actor = actor
        self._domain = domain
        self._redactor = redactor

    async def remember(self, batch: EventBatch) -> None:
        """Store the events; one whose id is known counts once."""
        plane = await self._decider.plane()
        rows = [self._row(redacted_event(event, self._redactor), plane.clock()) for event in batch.events]

        def job(transaction: Transaction) -> None:
            memory.insert(transaction.connection, rows)

        await plane.write(job)

    async def report(self, batch: EventBatch) -> None:
        """Store how the calls that ran have ended."""
        outcomes = (outcome_of(redacted_event(event, self._redactor), actor=self._actor) for event in batch.events)
        reports = [outcome for outcome in outcomes if outcome is not None]
        if reports:
            await keep(await self._decider.plane(), reports, by=self._actor)

    def _row(self, event: JsonMapping, now: float) -> JsonObject:
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
