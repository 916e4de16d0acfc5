"""A person's answer to an approval: approve, deny, or edit and approve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, cast

from typing_extensions import assert_never

from litellm_bighub.control_plane.approvals.allowance import allowance_for, grant
from litellm_bighub.control_plane.approvals.edited_call import HTTP_SURFACE, edit, editable, writes_mask
from litellm_bighub.control_plane.approvals.expiry import expires_at
from litellm_bighub.control_plane.decisions import reservations
from litellm_bighub.control_plane.decisions.recorded_decision import DecisionRecorder, approval_event, bound_digest
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.people.roles import scopes_of
from litellm_bighub.control_plane.store.tables import approvals, sealed_values
from litellm_bighub.control_plane.store.tables.approvals import Approval, EditedCall
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import Arguments, CallContext, CallType, ToolCall, restored_context
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.domain.redaction import Redact
from litellm_bighub.policy.approvers import ANYONE
from litellm_bighub.policy.callers.caller_rules import CallerRules, read_rules
from litellm_bighub.policy.evaluation import PolicyJudgement
from litellm_bighub.policy.policy_text import RuleText
from litellm_bighub.wording import ENGLISH

Answer: TypeAlias = Literal["approve", "deny"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person says.

    Attributes:
        by: who, as authenticated.
        person: tells people apart where several must approve (`people.person.Person.id`); `by` without.
        user: their name as a user, empty for whoever has a key.
        groups: the user's, which rules may ask for.
        litellm_user: the LiteLLM user that they are, empty if nobody has said so. They approve no call of their own.
        edited: arguments in place of the shown ones; what is left as shown stays what it was.
        told: what the agent hears: why its call is denied, what to do in its place, or a note to its approval.
        shown: the ballot that the person was shown (`votes.ballot_digest`); without it nobody approves an edited call.
        channel: where they have answered, if not in the inbox or over HTTP.
        allow_minutes: how long the tool may run for the same caller without asking, once this call is approved.
    """

    approval_id: str
    answer: Answer
    by: str
    comment: str = ""
    edited: Arguments | None = None
    person: str = ""
    user: str = ""
    groups: frozenset[str] = frozenset()
    litellm_user: str = ""
    allow_minutes: int | None = None
    told: str = ""
    shown: str = ""
    channel: str = ""


def said_by(person: Person, approval_id: str, answer: Answer) -> Resolution:
    """What a person says, in one word."""
    return Resolution(
        approval_id,
        answer,
        by=person.name,
        person=person.id,
        user=person.user,
        groups=person.groups,
        litellm_user=person.litellm_user,
    )


RefusedSentence: TypeAlias = Literal[
    "expired_because", "uneditable", "undecidable", "two_people", "other_people", "hidden_told", "unseen_edit"
]
"""Why, where a code alone does not say it."""


@dataclass(frozen=True, slots=True)
class ResolutionRefused:
    """An answer that was not accepted, and why.

    Attributes:
        sentence: the name of its sentence in the wording, without `api_refused_`, if the code is not its name.
        values: fill the sentence in.
    """

    code: Literal[
        "unknown",
        "expired",
        "resolved",
        "same_person",
        "blocked",
        "too_long",
        "not_approver",
        "own_call",
        "no_allowance",
        "hidden",
        "changed",
    ]
    sentence: RefusedSentence | None = None
    values: Mapping[str, str] = field(default_factory=dict)

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
class _JudgedEdit:
    """A call with edited arguments, and what the policy says of it."""

    call: EditedCall
    judgement: PolicyJudgement


def resolve(
    transaction: Transaction, deciding: DecisionRecorder, resolution: Resolution, redact: Redact, now: float
) -> Approval | ResolutionRefused:
    """Carry out an answer, if the approval still waits for one. Of several answers the first counts."""
    connection = transaction.connection
    approval = approvals.get(connection, resolution.approval_id)
    if approval is None:
        return ResolutionRefused("unknown", values={"name": repr(resolution.approval_id)})
    refused = _may_not(approval, resolution, now) or _user_may_not(transaction, approval, resolution, now)
    if refused is not None:
        return refused
    allowance: RuleText | None = None
    if resolution.allow_minutes is not None:
        text = deciding.snapshot(transaction, now).text
        allowance = allowance_for(transaction, text, approval, minutes=resolution.allow_minutes, now=now)
        if allowance is None:
            return ResolutionRefused("too_long")
    edited: _JudgedEdit | None = None
    if resolution.edited is not None and resolution.answer == "approve":
        if (refused := _cannot_hold(transaction, approval, resolution.edited, redact)) is not None:
            return refused
        decided = _decide_again(transaction, deciding, approval, resolution.edited, redact, now)
        if isinstance(decided, ResolutionRefused):
            return decided
        edited = decided
    moved = _record_answer(transaction, approval, resolution, edited.call if edited else None, now)
    if moved is None:
        return _refusal(approval, now)
    body = _answer_body(approval, resolution, moved, edited.call if edited else None)
    _reserve_anew(transaction, approval, moved, edited, now)
    transaction.append(approval_event(approval, "approval.resolved", now, body))
    if allowance is not None and moved == "approve":
        grant(transaction, allowance, approval, by=resolution.by, now=now)
    return approvals.get(connection, approval.id) or approval


def _answer_body(approval: Approval, resolution: Resolution, moved: str, edited: EditedCall | None) -> JsonObject:
    """What the audit keeps of an answer."""
    body: JsonObject = {
        "answer": moved,
        "by": resolution.by,
        "person": resolution.person or resolution.by,
        "comment": resolution.comment,
    }
    if resolution.channel:
        body["channel"] = resolution.channel
    if resolution.told:
        body["told"] = resolution.told
    if edited is not None:
        body |= {
            "before": approval.current,
            "after": edited.arguments,
            "before_digest": arguments_digest(approval.current),
            "after_digest": arguments_digest(edited.arguments),
            "after_value": edited.value,
            "after_currency": edited.currency,
            "after_target": edited.target,
        }
    return body


def _reserve_anew(
    transaction: Transaction, approval: Approval, moved: str, edited: _JudgedEdit | None, now: float
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
    transaction: Transaction, approval: Approval, resolution: Resolution, edited: EditedCall | None, now: float
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
        user=resolution.user,
        groups=resolution.groups,
        comment=comment,
        told=resolution.told,
        edited=edited,
        now=now,
        expires_at=expires_at(approval.ttl, since=now),
    )


def _user_may_not(
    transaction: Transaction, approval: Approval, resolution: Resolution, now: float
) -> ResolutionRefused | None:
    """Why an answer does not count by what is known of the user by now, however it came: by login, key or channel."""
    user = users.get(transaction.connection, resolution.person) if resolution.person else None
    if user is None or approval.state_at(now) not in approvals.OPEN:
        return None
    if user.disabled_at is not None or "approvals:resolve" not in scopes_of(user.roles):
        return ResolutionRefused("not_approver", values={"who": whose_turn(approval, now)})
    is_own = bool(user.litellm_user) and user.litellm_user == approval.context.get("user")
    return ResolutionRefused("own_call") if is_own and resolution.answer == "approve" else None


def _may_not(approval: Approval, resolution: Resolution, now: float) -> ResolutionRefused | None:
    """Why this person's answer to an open approval does not count, whatever it says."""
    if approval.state_at(now) not in approvals.OPEN:
        return None  # then that is the reason
    if not approval.may_answer(resolution.user, resolution.groups, now):
        return ResolutionRefused("not_approver", values={"who": whose_turn(approval, now)})
    if resolution.shown not in {"", approval.ballot}:
        return ResolutionRefused("changed")
    if resolution.answer == "deny":
        return None
    if not resolution.shown and approval.edited is not None:
        return ResolutionRefused("changed", "unseen_edit")
    if resolution.litellm_user and resolution.litellm_user == approval.context.get("user"):
        return ResolutionRefused("own_call")
    if resolution.allow_minutes is not None and (approval.requirements != (ANYONE,) or _asked_by_caller_rule(approval)):
        return ResolutionRefused("no_allowance")
    voted = any(vote.is_by(resolution.person or resolution.by, resolution.by) for vote in approval.counting)
    if resolution.edited is None and not voted and not _helps(approval, resolution, now):
        return ResolutionRefused("not_approver", values={"who": whose_turn(approval, now)})
    return None


def _asked_by_caller_rule(approval: Approval) -> bool:
    """Whether a rule of the caller's key or team asks, which no rule of the policy makes milder."""
    rules = str(approval.context.get("caller_rules") or "")
    read = read_rules(rules) if rules else None
    return isinstance(read, CallerRules) and approval.rule_id in read.texts


def _helps(approval: Approval, resolution: Resolution, now: float) -> bool:
    """Whether one more approval of this person brings the call nearer to its run."""
    waited = now - approval.created_at
    return any(each.counts(resolution.user, resolution.groups, waited) for each in approval.unmet())


def whose_turn(approval: Approval, now: float) -> str:
    """Who can bring a call nearer to its run, as rules name them."""
    named = [name for each in approval.unmet() for name in each.named(now - approval.created_at)]
    return ", ".join(dict.fromkeys(named))


def _needs_others(approval: Approval, judgement: PolicyJudgement) -> RefusedSentence | None:
    """Why the people who are asked are not those whom an edited call needs."""
    if judgement.verdict != "requires_approval":
        return None
    asked = {(each.by, each.count) for each in approval.requirements}
    others = [each for each in judgement.requirements if each != ANYONE and (each.by, each.count) not in asked]
    if not others:
        return None
    return "two_people" if all(not each.by for each in others) else "other_people"


def escalate_due(transaction: Transaction, now: float) -> int:
    """Record that others may answer by now; how many approvals that is."""
    due = approvals.escalated(transaction.connection, now)
    for approval in due:
        approvals.record_escalation(transaction.connection, approval, now)
        to = [name for each in approval.requirements for name in each.named(now - approval.created_at)]
        transaction.append(approval_event(approval, "approval.escalated", now, {"to": list(dict.fromkeys(to))}))
    return len(due)


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


def _cannot_hold(
    transaction: Transaction, approval: Approval, edited: Arguments, redact: Redact
) -> ResolutionRefused | None:
    """Why edited arguments cannot stand for what is hidden in the call.

    What somebody may look at is stored sealed alone; edited arguments are stored, and told, as they are.
    """
    if writes_mask(edited, approval.arguments):
        return ResolutionRefused("hidden")
    if redact(edited) != edited and sealed_values.of_approvals(transaction.connection, [approval.id]):
        return ResolutionRefused("hidden", "hidden_told")
    return None


def _decide_again(
    transaction: Transaction,
    deciding: DecisionRecorder,
    approval: Approval,
    edited: Arguments,
    redact: Redact,
    now: float,
) -> _JudgedEdit | ResolutionRefused:
    """Edited arguments are a new call, which the policy may block."""
    surface = approval.context["surface"]
    if not editable(approval.arguments, surface=surface):
        return ResolutionRefused("blocked", "uneditable")
    snapshot = deciding.snapshot(transaction, now)
    # The type was a CallType when the approval was stored.
    before = ToolCall("", cast("CallType", approval.type), approval.tool)
    call = edit(snapshot.tools, before, edited, surface=surface)
    if isinstance(call, str):
        return ResolutionRefused("blocked", "undecidable", {"problem": call})
    context = caller_of(approval)
    judgement: PolicyJudgement = deciding.judge(transaction, snapshot, call, context, now, approval_id=approval.id)
    if judgement.verdict == "blocked":
        return ResolutionRefused("blocked", values={"reason": judgement.reason})
    if (sentence := _needs_others(approval, judgement)) is not None:
        return ResolutionRefused("blocked", sentence)
    digest = bound_digest(call, context, approval.policy_version) if surface == HTTP_SURFACE else None
    redacted = redact(edited)
    shown = snapshot.tools.find(call.name).shown(call, redacted, redact)
    currency = snapshot.policy.parts.currency(replace(call, arguments=redacted)) if shown.value is not None else ""
    return _JudgedEdit(EditedCall(edited, digest, shown.value, currency or "", shown.target), judgement)
