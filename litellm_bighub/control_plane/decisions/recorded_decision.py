"""One decision as it happens in the writer: policy, switches, counters, approvals, and the event that records it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from litellm_bighub.control_plane.approvals.edited_call import HTTP_SURFACE, edit, merge_arguments
from litellm_bighub.control_plane.approvals.expiry import expires_at, ttl_of
from litellm_bighub.control_plane.approvals.sealed_arguments import seal_hidden
from litellm_bighub.control_plane.decisions import reservations
from litellm_bighub.control_plane.decisions.counted_judgement import BoundCall, count, judge_counted_call
from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.decisions.value_extraction import measured
from litellm_bighub.control_plane.store.chain import DECISION, AuditEvent, dump
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.control_plane.store.tables import approvals, policies, rules, sealed_values, switches
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.tables.switches import Switch
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import Arguments, CallContext, ToolCall, stored_context
from litellm_bighub.domain.call_background import as_text, cleaned
from litellm_bighub.domain.conversation.fact import joined
from litellm_bighub.domain.conversation.history import told
from litellm_bighub.domain.decided_call import released
from litellm_bighub.domain.decision import Block
from litellm_bighub.domain.digest import arguments_digest, call_digest, rules_digest
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.domain.redaction import Redact, hidden_texts
from litellm_bighub.policy.evaluation import PolicyJudgement, find
from litellm_bighub.policy.policy_text import AddedRules, PolicyText, build, canonical_text
from litellm_bighub.policy.rule import Policy
from litellm_bighub.policy.tool_table import ShownMeasures, ToolTable

DENIED: Final = "denied"
"""What blocks a call that a person has denied before."""


class BackgroundUnread(Exception):  # noqa: N818 - names the state; the question is asked again with its background
    """People are to be asked, and the question's background is not read yet. Nothing was changed for it."""


@dataclass(frozen=True, slots=True)
class DecisionQuestion:
    """A call to decide on, with the ids that the answer will have and all that can be computed outside the writer.

    Attributes:
        redact: made `redacted`.
        started: `time.perf_counter()` when the question came.
        background: why the call was made, for the people who are asked; `None` if it is not read yet.
        dry_run: change and record nothing.
        remember: if the call of an answer is let through, write that into the ledger of decided calls, too.
        asked_by: as `Approval` has it.
    """

    call: ToolCall
    context: CallContext
    redacted: Arguments
    redact: Redact
    decision_id: str
    approval_id: str
    started: float
    background: str | None = ""
    dry_run: bool = False
    remember: bool = False
    asked_by: str = ""

    def read_background(self) -> str:
        """Why the call was made, without what redaction hides. A long conversation takes time."""
        call, read = self.call, self.context.background
        if read is None:
            return ""
        hidden = list(hidden_texts(call.arguments, self.redacted))
        return as_text(cleaned(read(call), self.redact, hidden))

    def measures(self, tools: ToolTable) -> ShownMeasures:
        """Value and target of the call as they may be stored."""
        return tools.find(self.call.name).shown(self.call, self.redacted, self.redact)


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """The answer to a question.

    Attributes:
        approval: the approval that is asked for, or that was used up.
        edited: arguments that a person put in place of the model's.
        enforced: false in shadow mode.
        remembered: whether the ledger of decided calls holds the call.
        caller_rules: the digest of the rules of the caller's key and team, which were judged by, too.
    """

    decision_id: str
    judgement: PolicyJudgement
    time: float
    approval: Approval | None = None
    edited: Arguments | None = None
    enforced: bool = True
    remembered: bool = False
    caller_rules: str = ""

    @property
    def told(self) -> str:
        """What the person who has approved or denied the call tells the agent; nothing while it waits."""
        answered = self.judgement.verdict == "allowed" or self.judgement.blocked_by == DENIED
        return self.approval.told if answered and self.approval is not None else ""


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """What decisions are made by: the file, and the database's rules and switches at one epoch."""

    text: PolicyText
    epoch: int
    policy: Policy
    tools: ToolTable
    switches: tuple[Switch, ...]
    added: AddedRules = ()


class DecisionRecorder:
    """Decides within transactions. Lives in the writing thread, which is the only one to use it."""

    def __init__(self, source: PolicySource, sealing: Sealing | None = None) -> None:
        self._source = source
        self._sealing = sealing
        self._snapshot: PolicySnapshot | None = None

    def snapshot(self, transaction: Transaction, now: float) -> PolicySnapshot:
        """What is in force now; read again only when the file, a rule or a switch was changed."""
        if self._source.refresh() and (problem := self._source.problem) is not None:
            body = {"key": problem.key, "problem": problem.problem}
            transaction.append(AuditEvent(now, "policy.refused", problem.key, body, severity="warning"))
        text, known = self._source.text, self._snapshot
        if known is not None and known.text is text and known.epoch == transaction.epoch:
            return known
        added = tuple((rule.id, rule.text) for rule in rules.everything(transaction.connection))
        policy = build(text, added)
        if policies.remember(transaction.connection, policy.version, canonical_text(text, added), now):
            transaction.append(AuditEvent(now, "policy.activated", policy.version, {"rules": len(policy.rules)}))
        self._snapshot = PolicySnapshot(
            text, transaction.epoch, policy, ToolTable(policy.tools), switches.active(transaction.connection), added
        )
        return self._snapshot

    def forget(self) -> None:
        """Read everything again next time: the transaction that read it was rolled back."""
        self._snapshot = None

    def decide(
        self, transaction: Transaction, question: DecisionQuestion, now: float, *, counted: tuple[str, ...] = ()
    ) -> RecordedDecision:
        """Decide, count, ask for an approval or use one up, and record.

        Args:
            transaction: the writer's.
            question: to decide on.
            now: POSIX seconds.
            counted: the rules that have counted this very call before: they do so once.

        Raises:
            BackgroundUnread: people are to be asked.
        """
        snapshot = self.snapshot(transaction, now)
        question, judgement = self.judge_question(transaction, snapshot, question, now, counted=counted)
        outcome = _outcome(snapshot, question, judgement, now)
        if question.dry_run:
            return outcome
        if judgement.verdict == "requires_approval" and outcome.enforced:
            outcome = self._approval(transaction, snapshot, question, outcome)
        for rule in outcome.judgement.counting:
            if rule.id not in counted:
                count(transaction, rule, question.context, question.decision_id, now)
        event = _decision_event(question, outcome, question.measures(snapshot.tools))
        if outcome.enforced and outcome.judgement.charges:
            event.body.update(_charge(transaction, snapshot, question, outcome, counted))
        transaction.append(event, notify=outcome.approval is not None)
        if question.remember and _passes_unchanged(outcome) and question.context.of_answer:
            transaction.remember([released(question.call, question.context, now, told=outcome.told)])
            return replace(outcome, remembered=True)
        return outcome

    def judge_question(
        self,
        transaction: Transaction,
        snapshot: PolicySnapshot,
        question: DecisionQuestion,
        now: float,
        *,
        counted: tuple[str, ...] = (),
    ) -> tuple[DecisionQuestion, PolicyJudgement]:
        """The question with value and target as the policy has them, and what is said of it; nothing is changed."""
        if question.context.surface == HTTP_SURFACE:
            call = measured(snapshot.tools, question.call)
            if isinstance(call, Block):
                blocked_by, version = call.basis.blocked_by, snapshot.policy.version
                return question, PolicyJudgement("blocked", call.reason, blocked_by, None, version)
            question = replace(question, call=call)
        return question, self.judge(transaction, snapshot, question.call, question.context, now, counted=counted)

    def refuse(
        self,
        transaction: Transaction,
        question: DecisionQuestion,
        now: float,
        *,
        counted: tuple[str, ...],
        blocked_by: str,
        reason: str,
    ) -> RecordedDecision:
        """Block for a reason outside the policy, and record it. If the policy blocks the call, its reason stands."""
        snapshot = self.snapshot(transaction, now)
        question, judgement = self.judge_question(transaction, snapshot, question, now, counted=counted)
        if judgement.verdict != "blocked":
            judgement = replace(judgement, verdict="blocked", reason=reason, blocked_by=blocked_by)
        outcome = _outcome(snapshot, question, judgement, now)
        transaction.append(_decision_event(question, outcome, question.measures(snapshot.tools)), notify=False)
        return outcome

    def judge(
        self,
        transaction: Transaction,
        snapshot: PolicySnapshot,
        call: ToolCall,
        context: CallContext,
        now: float,
        *,
        counted: tuple[str, ...] = (),
        approval_id: str = "",
    ) -> PolicyJudgement:
        """What policy, counters, sums and switches say; nothing is changed.

        Args:
            transaction: the writer's.
            snapshot: what is in force.
            call: to decide on.
            context: who asks.
            now: POSIX seconds.
            counted: the rules that have counted this very call before.
            approval_id: the approval of the call, of which this is an edit; what it reserves does not count.
        """
        found = find(snapshot.policy, call, context, now)
        for switch in snapshot.switches:
            for rule in (found.rule,) if isinstance(found, PolicyJudgement) else found:
                if switch.covers(context.domain, rule.id if rule else ""):
                    reason = f"a kill switch is active ({switch.scope})"
                    return PolicyJudgement("blocked", reason, "kill_switch", rule, snapshot.policy.version)
        if isinstance(found, PolicyJudgement):
            return found

        bound = BoundCall(call, context, lambda: bound_digest(call, context, snapshot.policy.version))
        return judge_counted_call(
            transaction, snapshot.policy, found, bound, now, counted=counted, approval_id=approval_id
        )

    def _approval(
        self, transaction: Transaction, snapshot: PolicySnapshot, question: DecisionQuestion, outcome: RecordedDecision
    ) -> RecordedDecision:
        """Use an approval of this very call up, join the one that is being asked for, let a denial hold, or ask."""
        call, context = question.call, question.context
        digest = bound_digest(call, context, snapshot.policy.version)
        found = approvals.find(transaction.connection, digest, call.type, outcome.time)
        held = snapshot.text.denial_holds_seconds
        if found is None and held:
            denied = approvals.denied(transaction.connection, digest, call.type, since=outcome.time - held)
            if denied is not None and _is_same_conversation(denied.context, context):
                judgement = replace(
                    outcome.judgement, verdict="blocked", reason=f"denied by {denied.resolved_by}", blocked_by=DENIED
                )
                return replace(outcome, judgement=judgement, approval=denied)
        if found is None:
            measures = question.measures(snapshot.tools)
            asked = _request_approval(transaction, question, outcome, digest, measures)
            hidden = seal_hidden(self._sealing, snapshot.text, asked, call.arguments)
            sealed_values.insert(transaction.connection, asked.id, hidden)
            return replace(outcome, approval=asked)
        if found.state != "approved":
            return replace(outcome, approval=found)
        if found.edited is None or found.edited_digest == digest:
            return _use_approval(transaction, question, replace(outcome, approval=found))
        return self._use_edited(transaction, snapshot, question, replace(outcome, approval=found), found)

    def _use_edited(
        self,
        transaction: Transaction,
        snapshot: PolicySnapshot,
        question: DecisionQuestion,
        outcome: RecordedDecision,
        approval: Approval,
    ) -> RecordedDecision:
        """Decide on the arguments that a person approved in place of this call's, with hidden values put back."""
        context, judgement = question.context, outcome.judgement
        before = str(approval.context.get("outputs") or "")
        history = joined(context.history, str(approval.context.get("history") or ""))
        outputs = told([*context.outputs.split("\n"), *before.split("\n")])
        context = replace(context, outputs=outputs, history=history)
        edited = merge_arguments(approval.edited or {}, approval.arguments, question.call.arguments)
        call = edit(snapshot.tools, question.call, edited, surface=context.surface)
        if isinstance(call, str):
            return replace(outcome, judgement=replace(judgement, verdict="blocked", reason=call, blocked_by="edit"))
        judgement = self.judge(transaction, snapshot, call, context, outcome.time, approval_id=approval.id)
        if judgement.verdict == "blocked":
            return replace(outcome, judgement=judgement)
        outcome = replace(outcome, judgement=judgement)
        if context.surface != HTTP_SURFACE:
            return _use_approval(transaction, question, outcome, edited)
        digest = bound_digest(call, context, snapshot.policy.version)
        approvals.bind_edited(transaction.connection, approval.id, digest)
        edited_judgement = replace(
            judgement, verdict="blocked", reason="a person approved other arguments", blocked_by="edited"
        )
        return replace(outcome, judgement=edited_judgement, edited=edited)


def _outcome(
    snapshot: PolicySnapshot, question: DecisionQuestion, judgement: PolicyJudgement, now: float
) -> RecordedDecision:
    enforced, rules = snapshot.text.mode == "enforce", rules_digest(question.context.caller_rules)
    return RecordedDecision(question.decision_id, judgement, now, enforced=enforced, caller_rules=rules)


def _charge(
    transaction: Transaction,
    snapshot: PolicySnapshot,
    question: DecisionQuestion,
    outcome: RecordedDecision,
    counted: tuple[str, ...],
) -> JsonObject:
    """Add the call to the totals of the rules that decided, or count as used what was reserved for it.

    Returns:
        What its event has to hold of that.
    """
    charges = [one for one in outcome.judgement.charges if one.rule.id not in counted]
    decision_id, now, approval = outcome.decision_id, outcome.time, outcome.approval
    approval_id = "" if approval is None else approval.id
    match outcome.judgement.verdict:
        case "allowed" if approval is not None:
            reservations.use(transaction, charges, decision_id=decision_id, approval_id=approval_id, now=now)
        case "allowed":
            if any(not one.spent for one in charges):  # it has the room that an approval of this call reserves
                digest = bound_digest(question.call, question.context, snapshot.policy.version)
                unused = approvals.find(transaction.connection, digest, question.call.type, now)
                if unused is not None:
                    reservations.free_approval(transaction, unused.id)
            return {"totals": reservations.count_used(transaction, charges, now)}
        case "requires_approval" if approval_id == question.approval_id:
            reservations.add(transaction, charges, decision_id=decision_id, approval_id=approval_id, now=now)
        case _:  # blocked, or it waits under an approval that reserves already
            pass
    return {}


def _is_same_conversation(stored: JsonMapping, context: CallContext) -> bool:
    """Whether a call may be of the conversation of an earlier one. Where one of them has no id, it is."""
    before = stored.get("conversation")
    return not before or not context.conversation or before == context.conversation


def _passes_unchanged(outcome: RecordedDecision) -> bool:
    return outcome.enforced and outcome.judgement.verdict == "allowed" and outcome.edited is None


def _use_approval(
    transaction: Transaction, question: DecisionQuestion, outcome: RecordedDecision, edited: Arguments | None = None
) -> RecordedDecision:
    """Use the approval up, and allow."""
    approval = outcome.approval
    assert approval is not None  # noqa: S101 - the callers have just set it
    if not approvals.consume(transaction.connection, approval.id, now=outcome.time):
        return outcome  # unreachable while writers take turns; then the call waits on
    body = {"decision_id": question.decision_id, "edited": approval.edited is not None}
    if approval.edited is not None:
        body["arguments_digest"] = question.call.digest if edited is None else arguments_digest(edited)
    transaction.append(approval_event(approval, "approval.consumed", outcome.time, body))
    reason = f"approved by {approval.resolved_by}"
    allowed = replace(outcome.judgement, verdict="allowed", reason=reason, blocked_by="")
    return replace(outcome, judgement=allowed, edited=edited)


def _request_approval(
    transaction: Transaction,
    question: DecisionQuestion,
    outcome: RecordedDecision,
    digest: str,
    measures: ShownMeasures,
) -> Approval:
    if question.background is None:
        raise BackgroundUnread
    call, context, judgement = question.call, question.context, outcome.judgement
    rule = judgement.rule
    ttl = min(map(ttl_of, judgement.asking))
    requirements = judgement.requirements
    approval = Approval(
        id=question.approval_id,
        decision_id=question.decision_id,
        state="pending",
        digest=digest,
        policy_version=judgement.policy_version,
        rule_id=rule.id if rule else "",
        reason=judgement.reason,
        actor=context.actor,
        domain=context.domain,
        tool=call.name,
        type=call.type,
        target=measures.target,
        value=measures.value,
        arguments=question.redacted,
        context=stored_context(context),
        four_eyes=any(each.count > 1 for each in requirements),
        ttl=ttl,
        created_at=outcome.time,
        expires_at=expires_at(ttl, since=outcome.time),
        background=question.background,
        requirements=requirements,
        escalates_at=approvals.first_escalation(requirements, outcome.time, outcome.time),
        asked_by=question.asked_by,
    )
    approvals.insert(transaction.connection, approval)
    transaction.append(approval_event(approval, "approval.created", outcome.time, {"digest": digest}))
    return approval


def _decision_event(question: DecisionQuestion, outcome: RecordedDecision, measures: ShownMeasures) -> AuditEvent:
    call, context, judgement = question.call, question.context, outcome.judgement
    return AuditEvent(
        time=outcome.time,
        type=DECISION,
        subject=outcome.decision_id,
        severity="warning" if judgement.verdict == "blocked" else "info",
        actor=context.actor,
        domain=context.domain,
        tool=call.name,
        verdict=judgement.verdict,
        rule_id=judgement.rule.id if judgement.rule else "",
        body={
            "call_id": call.id,
            "type": call.type,
            "path": call.path,
            "value": measures.value,
            "target": measures.target,
            "arguments": question.redacted,
            "arguments_digest": question.call.digest,
            "reason": judgement.reason,
            "blocked_by": judgement.blocked_by,
            "policy_version": judgement.policy_version,
            "validation_hash": validation_hash(outcome),
            "approval_id": outcome.approval.id if outcome.approval else "",
            "edited": outcome.edited is not None,
            "enforced": outcome.enforced,
            "latency_ms": round((time.perf_counter() - question.started) * 1000, 3),
            **stored_context(context),
        },
    )


def bound_digest(call: ToolCall, context: CallContext, policy_version: str) -> str:
    """The digest of the call that an approval is bound to. It holds under the same policy and rules of key and team."""
    return call_digest(
        actor=context.actor,
        key=context.key,
        user=context.user,
        end_user=context.end_user,
        domain=context.domain,
        tool=call.name,
        arguments=call.arguments,
        policy_version=f"{policy_version}+{rules_digest(rules)}" if (rules := context.caller_rules) else policy_version,
    )


def validation_hash(outcome: RecordedDecision) -> str:
    """A digest over what was decided, by which a caller can have the record verified."""
    judgement = outcome.judgement
    return decision_hash(outcome.decision_id, judgement.verdict, judgement.policy_version, outcome.time)


def decision_hash(decision_id: str, verdict: str, policy_version: str, time: float) -> str:
    """The same, from what the record holds."""
    return hashlib.sha256(dump([decision_id, verdict, policy_version, time]).encode()).hexdigest()


def approval_event(approval: Approval, type_: str, now: float, body: Mapping[str, object]) -> AuditEvent:
    """An event in the life of an approval."""
    return AuditEvent(
        time=now,
        type=type_,
        subject=approval.id,
        actor=approval.actor,
        domain=approval.domain,
        tool=approval.tool,
        rule_id=approval.rule_id,
        body=dict(body),
    )
