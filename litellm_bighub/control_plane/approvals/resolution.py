"""A person's answer to an approval: approve, deny, or edit and approve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from typing_extensions import assert_never

from litellm_bighub.control_plane.approvals.allowance import allowance_for, grant
from litellm_bighub.control_plane.approvals.edited_call import HTTP_SURFACE, edit, editable
from litellm_bighub.control_plane.approvals.expiry import expires_at
from litellm_bighub.control_plane.decisions import reservations
from litellm_bighub.control_plane.decisions.recorded_decision import DecisionRecorder, approval_event, bound_digest
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import Arguments, CallContext, CallType, ToolCall
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.domain.stored_context import restored_context
from litellm_bighub.policy.evaluation import PolicyJudgement
from litellm_bighub.policy.policy_text import RuleText
from litellm_bighub.wording import ENGLISH

Answer: TypeAlias = Literal["approve", "deny"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person says.

    Attributes:
        by: who, as authenticated.
        person: whose key it was (`store.keys.Key.lineage`), which counts where two people must approve; `by` without.
        edited: arguments in place of the shown ones; what is left as shown stays what it was.
        told: what the agent is told of its call that a person denies: why, or what to do in its place.
        allow_minutes: how long the tool may run for the same caller without asking, once this call is approved.
    """

    approval_id: str
    answer: Answer
    by: str
    comment: str = ""
    edited: Arguments | None = None
    person: str = ""
    allow_minutes: int | None = None
    told: str = ""


RefusedSentence: TypeAlias = Literal["expired_because", "uneditable", "undecidable", "two_people"]
"""Why, where a code alone does not say it."""


@dataclass(frozen=True, slots=True)
class ResolutionRefused:
    """An answer that was not accepted, and why.

    Attributes:
        sentence: the name of its sentence in the wording, without `api_refused_`, if the code is not its name.
        values: fill the sentence in.
    """

    code: Literal["unknown", "expired", "resolved", "same_person", "blocked", "too_long"]
    sentence: RefusedSentence | None = None
    values: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """The name of its sentence in the wording."""
        return f"api_refused_{self.sentence or self.code}"

    @property
    def problem(self) -> str:
        """Its sentence in the default wording."""
        template: str = getattr(ENGLISH, self.name)
        return template.format(**self.values)


@dataclass(frozen=True, slots=True)
class _EditedCall:
    """What the policy says of a call with edited arguments.

    Attributes:
        digest: of the call that has to be asked about; `None` where the original is asked about again.
    """

    judgement: PolicyJudgement
    digest: str | None


def resolve(
    transaction: Transaction, deciding: DecisionRecorder, resolution: Resolution, now: float
) -> Approval | ResolutionRefused:
    """Carry out an answer, if the approval still waits for one. Of several answers the first counts."""
    connection = transaction.connection
    approval = approvals.get(connection, resolution.approval_id)
    if approval is None:
        return ResolutionRefused("unknown", values={"name": repr(resolution.approval_id)})
    allowance: RuleText | None = None
    if resolution.allow_minutes is not None:
        text = deciding.snapshot(transaction, now).text
        allowance = allowance_for(transaction, text, approval, minutes=resolution.allow_minutes, now=now)
        if allowance is None:
            return ResolutionRefused("too_long")
    edited: _EditedCall | None = None
    if resolution.edited is not None and resolution.answer == "approve":
        decided = _decide_again(transaction, deciding, approval, resolution.edited, now)
        if isinstance(decided, ResolutionRefused):
            return decided
        edited = decided
    moved = _record_answer(transaction, approval, resolution, edited.digest if edited else None, now)
    if moved is None:
        return _refusal(approval, now)
    body: dict[str, object] = {"answer": moved, "by": resolution.by, "comment": resolution.comment}
    if moved == "deny" and resolution.told:
        body["told"] = resolution.told
    if resolution.edited is not None and resolution.answer == "approve":
        body |= {
            "before": approval.edited or approval.arguments,
            "after": resolution.edited,
            "before_digest": arguments_digest(approval.edited or approval.arguments),
            "after_digest": arguments_digest(resolution.edited),
        }
    _reserve_anew(transaction, approval, moved, edited, now)
    transaction.append(approval_event(approval, "approval.resolved", now, body))
    if allowance is not None and moved == "approve":
        grant(transaction, allowance, approval, by=resolution.by, now=now)
    return approvals.get(connection, approval.id) or approval


def _reserve_anew(
    transaction: Transaction, approval: Approval, moved: str, edited: _EditedCall | None, now: float
) -> None:
    """Free what is reserved for a call that is denied, and reserve what an edited one needs in its place."""
    if moved == "deny":
        reservations.free_approval(transaction, approval.id)
    elif edited is not None:
        charges, asked = edited.judgement.charges, approval.decision_id
        reservations.swap(transaction, charges, decision_id=asked, approval_id=approval.id, now=now)


def expire_due(transaction: Transaction, now: float) -> int:
    """Record the expiry of approvals whose time is over; how many there were."""
    due = approvals.due(transaction.connection, now)
    for approval_id in due:
        approval = approvals.get(transaction.connection, approval_id)
        if approval is not None and approvals.expire(transaction.connection, approval_id, now=now):
            body = {"comment": approval.comment} if approval.comment else {}
            transaction.append(approval_event(approval, "approval.expired", now, body))
            reservations.free_approval(transaction, approval.id)
    return len(due)


def caller_of(approval: Approval) -> CallContext:
    """Who asked, and in which conversation: the context in which the call was decided on."""
    return restored_context(approval.actor, approval.domain, approval.context)


def _record_answer(
    transaction: Transaction, approval: Approval, resolution: Resolution, edited_digest: str | None, now: float
) -> str | None:
    connection, by, comment = transaction.connection, resolution.by, resolution.comment
    if resolution.answer == "deny":
        denied = approvals.deny(connection, approval.id, by=by, comment=comment, told=resolution.told, now=now)
        return "deny" if denied else None
    return approvals.approve(
        connection,
        resolution.approval_id,
        by=by,
        person=resolution.person or by,
        comment=comment,
        edited=resolution.edited,
        edited_digest=edited_digest,
        now=now,
        expires_at=expires_at(approval.ttl, since=now),
    )


def _refusal(approval: Approval, now: float) -> ResolutionRefused:
    state = approval.state_at(now)
    match state:
        case "expired":
            if approval.comment and approval.resolved_at is None:
                return ResolutionRefused("expired", "expired_because", {"reason": approval.comment})
            return ResolutionRefused("expired")
        case "awaiting_second":
            return ResolutionRefused("same_person")
        case "pending" | "approved" | "denied" | "consumed":
            return ResolutionRefused("resolved", values={"state": state})
        case _:
            assert_never(state)


def _decide_again(
    transaction: Transaction, deciding: DecisionRecorder, approval: Approval, edited: Arguments, now: float
) -> _EditedCall | ResolutionRefused:
    """Edited arguments are a new call, which the policy may block."""
    surface = approval.context["surface"]
    if not editable(approval.arguments, surface=surface):
        return ResolutionRefused("blocked", "uneditable")
    snapshot = deciding.snapshot(transaction, now)
    # The type was a CallType when the approval was stored.
    before = ToolCall("", cast("CallType", approval.type), approval.tool, value=approval.value, target=approval.target)
    call = edit(snapshot.tools, before, edited, surface=surface)
    if isinstance(call, str):
        return ResolutionRefused("blocked", "undecidable", {"problem": call})
    context = caller_of(approval)
    judgement: PolicyJudgement = deciding.judge(transaction, snapshot, call, context, now, approval_id=approval.id)
    if judgement.verdict == "blocked":
        return ResolutionRefused("blocked", values={"reason": judgement.reason})
    if any(rule.four_eyes for rule in judgement.rules) and not approval.four_eyes:
        return ResolutionRefused("blocked", "two_people")
    digest = bound_digest(call, context, approval.policy_version) if surface == HTTP_SURFACE else None
    return _EditedCall(judgement, digest)
