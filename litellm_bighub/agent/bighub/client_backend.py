"""Settles approvals through a BIGHUB client, and reports to it what an agent did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio

from litellm_bighub.agent.approvals.approval_backend import DecideOne
from litellm_bighub.agent.bighub.client import Client
from litellm_bighub.agent.flow.effects import NotThisCall, Pending, PersonAnswer, Settled, Shown, Unsettled
from litellm_bighub.agent.record.deliveries import EventBatch
from litellm_bighub.agent.record.redacted_event import outcome_of, redacted_event
from litellm_bighub.deciders.hosted.hosted_approvals import (
    WAITING,
    approved_arguments,
    binds,
    is_path_segment,
    told_agent,
)
from litellm_bighub.deciders.hosted.strict_answer import TOLD
from litellm_bighub.domain.decision import Allow, Basis, Block, BlockCause, RequireApproval
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import DecisionRefused

_APPROVED = frozenset({"approved", "modified"})
_ANOTHER = "the approval was asked for another call"


class ClientBackend:
    """Implements `ApprovalBackend` with a client's `approvals`."""

    def __init__(self, client: Client, *, deadline: float) -> None:
        self._client = client
        self._deadline = deadline

    async def shown(self, pending: Pending) -> Shown | NotThisCall:
        """The call as BIGHUB lists it among what waits, if nothing there contradicts that it is this one."""
        listed = self._client.method("approvals", "list")
        item = None if listed is None else await self._listed(listed, pending, "pending")
        if item is None:
            return Shown()
        if not _is_of(pending, item):
            return NotThisCall(_ANOTHER)
        tool, arguments = item.get("action"), item.get("arguments")
        return Shown(
            tool if isinstance(tool, str) else None, dict(arguments) if isinstance(arguments, Mapping) else None
        )

    async def settle(self, pending: Pending, answer: PersonAnswer, decide: DecideOne) -> Settled | Unsettled:
        """Resolve the approval; the call may run only if BIGHUB says that it is approved."""
        resolve = self._client.method("approvals", "resolve")
        if resolve is None or not is_path_segment(pending.request_id):
            return Settled(
                Block("the approval cannot be resolved: its id or the client is unusable", cause="unapproved"), {}
            )
        resolution = "approved" if answer.approved else "denied"
        try:
            with anyio.fail_after(self._deadline):
                said = await self._client.call(
                    resolve, request_id=pending.request_id, resolution=resolution, comment=answer.comment
                )
        except Exception as error:  # noqa: BLE001 - after any failure it is unknown whether the answer arrived
            known = await self.look(pending, decide)
            return known or Unsettled(f"the approval could not be resolved ({type(error).__name__})")
        approval: JsonObject = dict(said) if isinstance(said, Mapping) else {}
        basis = Basis(decision_id=pending.request_id)
        if answer.tell_agent:  # no generation of clients sends it, so BIGHUB cannot give it back
            approval[TOLD] = answer.tell_agent
        if answer.approved and _is_approved(approval):
            return await self._approved(pending, approval, decide)
        if answer.approved and str(approval.get("status")) in WAITING:
            return Settled(RequireApproval("another person has to approve as well", pending.request_id), approval)
        cause = _cause(answer, approval)
        told = told_agent(approval) if cause == "denied" else ""
        return Settled(Block("the approval was refused", basis, cause, told), approval)

    async def look(self, pending: Pending, decide: DecideOne) -> Settled | None:
        """Look for the approval among those that were resolved."""
        listed = self._client.method("approvals", "list")
        if listed is None:
            return None
        for status in ("approved", "denied", "rejected"):
            item = await self._listed(listed, pending, status)
            if item is None:
                continue
            basis = Basis(decision_id=pending.request_id)
            if not _is_of(pending, item):
                return Settled(Block(_ANOTHER, basis, "unapproved"), item)
            if status == "approved":
                return await self._approved(pending, item, decide)
            return Settled(Block("the approval was refused", basis, "denied", told_agent(item)), item)
        return None

    async def _listed(self, listed: Callable[..., Any], pending: Pending, status: str) -> JsonObject | None:
        """The approval among those of one status; `None` if it is not there, or the list cannot be had."""
        try:
            with anyio.fail_after(self._deadline):
                found = await self._client.call(listed, status_filter=status)
        except Exception:  # noqa: BLE001 - unknown is not approved: the call goes on waiting
            return None
        items = [item for item in found if isinstance(item, Mapping)] if isinstance(found, list | tuple) else []
        same = (item for item in items if item.get("request_id") == pending.request_id and item.get("status") == status)
        return next((dict(item) for item in same), None)

    async def _approved(self, pending: Pending, approval: JsonObject, decide: DecideOne) -> Settled:
        """The approval in force. A control plane that binds it to its call is asked again, which uses it up."""
        if binds(approval):
            # A question of its own: under the first one's idempotency key the first answer would come again.
            call = replace(pending.ask.call, path=f"{pending.ask.call.path} approved by {pending.request_id}")
            decision = await decide(replace(pending.ask, call=call))
            if isinstance(decision, Allow) and not decision.told:
                decision = replace(decision, told=told_agent(approval))
            return Settled(decision, approval)
        basis = Basis(decision_id=pending.request_id)
        try:
            edited = approved_arguments(approval)
        except DecisionRefused:
            return Settled(Block("something else than this call was approved", basis, "unapproved"), approval)
        if edited is None:
            return Settled(Allow("approved by a person", basis=basis, told=told_agent(approval)), approval)
        reason = "approved by a person with other arguments"
        return Settled(Allow(reason, edited=edited, basis=basis, told=told_agent(approval)), approval)


def _is_of(pending: Pending, item: JsonMapping) -> bool:
    """Whether every field that BIGHUB gives of an approval fits this call."""
    ask = pending.ask
    action, actor, value = item.get("action"), item.get("actor"), item.get("value")
    return (
        action in {None, ask.action or ask.call.name}
        and actor in {None, ask.context.actor}
        and (value is None or ask.call.value is None or value == ask.call.value)
    )


def _cause(answer: PersonAnswer, approval: JsonMapping) -> BlockCause:
    """Whether a person said no; an approval that BIGHUB does not confirm is none."""
    denied = not answer.approved or approval.get("status") in ("denied", "rejected")
    return "denied" if denied else "unapproved"


def _is_approved(approval: JsonMapping) -> bool:
    status, resolution = str(approval.get("status", "")).lower(), str(approval.get("resolution", "approved")).lower()
    return status in _APPROVED and resolution in _APPROVED


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
