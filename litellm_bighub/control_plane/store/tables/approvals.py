"""Approvals: their states, and the conditional updates that move them.

```
               approve                      consume
    pending ───────────────► approved ────────────────► consumed
       │ │                   ▲     │
       │ └─ approve_first ─► awaiting_second (more people must approve)
       │                        │  │
       ├─ deny ──► denied ◄─────┘  │
       └─ expire ► expired ◄───────┘   (from pending, awaiting_second and approved)
```
An approval is bound to the digest of exactly one call and used once. Each move is one UPDATE that names the states it
may leave, so of any number of people or processes one wins. Votes are counted in the transaction that adds one,
and writers take turns. What is sealed of the call goes with the move that ends the wait.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, Connection, RowMapping, and_, not_, or_, select, update
from typing_extensions import assert_never

from litellm_bighub.control_plane.people.votes import (
    Vote,
    ballot_digest,
    read_requirements,
    read_votes,
    requirements_text,
    unmet,
    votes_text,
)
from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import approvals
from litellm_bighub.control_plane.store.tables import sealed_values
from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.approvers import ANYONE, Requirement

State: TypeAlias = Literal["pending", "awaiting_second", "approved", "denied", "expired", "consumed"]
Move: TypeAlias = Literal["approve_first", "approve", "deny", "expire", "consume"]

TRANSITIONS: Final[dict[tuple[State, Move], State]] = {
    ("pending", "approve_first"): "awaiting_second",
    ("awaiting_second", "approve_first"): "awaiting_second",
    ("pending", "approve"): "approved",
    ("awaiting_second", "approve"): "approved",
    ("pending", "deny"): "denied",
    ("awaiting_second", "deny"): "denied",
    ("pending", "expire"): "expired",
    ("awaiting_second", "expire"): "expired",
    ("approved", "expire"): "expired",
    ("approved", "consume"): "consumed",
}
OPEN: Final = ("pending", "awaiting_second")
OVER: Final = ("consumed", "denied", "expired")


@dataclass(frozen=True, slots=True)
class EditedCall:
    """What a person puts in place of the call that was asked about.

    Attributes:
        arguments: in place of the shown ones.
        digest: of the call with those, where the caller has to ask about it.
        value: measured in the arguments; `None` if nothing says where it stands, or it is hidden.
        currency: of the value, as the policy reads it.
        target: measured in the arguments.
    """

    arguments: Arguments
    digest: str | None = None
    value: float | None = None
    currency: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """One question to a person.

    Attributes:
        digest: of actor, domain, tool, arguments and policy version: what the answer is bound to.
        arguments: redacted.
        context: the rest of the call's context, as `stored_context` has it.
        edited: arguments that a person put in place of the model's.
        edited_digest: of the call with those, where the caller has to ask about it; the answer is bound to it too.
        four_eyes: several different people must approve; `first_by` names the last one who did and did not decide,
            `first_person` is their id.
        requirements: who must approve.
        votes: who has, in the order in which they did.
        escalates_at: when others may approve as well, until that is recorded.
        told: what the person who denied it tells the agent, or those who approved it.
        background: why the call was made, as `call_background.as_text` has it; gone once the call can no longer run.
        ttl: seconds that a person has to answer, and then the caller to use the answer.
        edited_value: the value of the call with the edited arguments, and so are `edited_currency` and `edited_target`.
        asked_by: the holder of the key that asked (`Key.holder`); empty for a call of this process, or of an older
            release.
    """

    id: str
    decision_id: str
    state: State
    digest: str
    policy_version: str
    rule_id: str
    reason: str
    actor: str
    domain: str
    tool: str
    type: str
    target: str
    value: float | None
    arguments: Arguments
    context: dict[str, str]
    four_eyes: bool
    ttl: int
    created_at: float
    expires_at: float
    edited: Arguments | None = None
    first_by: str | None = None
    resolved_by: str | None = None
    comment: str | None = None
    resolved_at: float | None = None
    consumed_at: float | None = None
    edited_digest: str | None = None
    first_person: str | None = None
    told: str = ""
    background: str = ""
    requirements: tuple[Requirement, ...] = (ANYONE,)
    votes: tuple[Vote, ...] = ()
    escalates_at: float | None = None
    asked_by: str = ""
    edited_value: float | None = None
    edited_currency: str = ""
    edited_target: str = ""

    @property
    def current(self) -> Arguments:
        """What would run, redacted: the model's arguments, or what a person made of them."""
        return self.arguments if self.edited is None else self.edited

    @property
    def current_value(self) -> float | None:
        """The value of what would run."""
        return self.value if self.edited is None else self.edited_value

    @property
    def current_target(self) -> str:
        """What that would act upon."""
        return self.target if self.edited is None else self.edited_target

    @property
    def ballot(self) -> str:
        """What an answer is to: the call, and what would run now."""
        return ballot_digest(self.digest, self.current)

    @property
    def counting(self) -> tuple[Vote, ...]:
        """The votes for what would run now: an edit makes those before it void."""
        current = self.ballot
        return tuple(vote for vote in self.votes if vote.digest == current)

    def unmet(self) -> list[Requirement]:
        """Whose approval is still missing."""
        return unmet(self.requirements, self.counting, self.created_at)

    def may_answer(self, user: str, groups: Collection[str], now: float) -> bool:
        """Whether the answer of somebody counts, as far as the rules say.

        Args:
            user: a user's name; empty for whoever has a key.
            groups: of the user.
            now: POSIX seconds.
        """
        return any(each.counts(user, groups, now - self.created_at) for each in self.requirements)

    def state_at(self, now: float) -> State:
        """The state, with an expiry that nothing has recorded yet."""
        open_still = (self.state, "expire") in TRANSITIONS
        return "expired" if open_still and now >= self.expires_at else self.state


def insert(connection: Connection, approval: Approval) -> None:
    """Store a new question."""
    values = {column.name: getattr(approval, column.name) for column in approvals.columns}
    values["arguments"] = dump(approval.arguments)
    values["context"] = dump(approval.context)
    values["four_eyes"] = int(approval.four_eyes)
    values["requirements"] = requirements_text(approval.requirements)
    values["votes"] = votes_text(approval.votes)
    connection.execute(approvals.insert(), values)


def get(connection: Connection, approval_id: str) -> Approval | None:
    """One approval."""
    row = connection.execute(select(approvals).where(approvals.c.id == approval_id)).mappings().one_or_none()
    return None if row is None else _approval(row)


def of_ids(connection: Connection, ids: Collection[str]) -> list[Approval]:
    """Those of the approvals that there are."""
    rows = connection.execute(select(approvals).where(approvals.c.id.in_(ids))).mappings()
    return [_approval(row) for row in rows]


def no_longer_open(connection: Connection, ids: Collection[str], now: float) -> list[Approval]:
    """Those of the approvals that were answered, or whose time is over."""
    still_open = and_(approvals.c.state.in_(OPEN), approvals.c.expires_at > now)
    rows = connection.execute(select(approvals).where(approvals.c.id.in_(ids), not_(still_open))).mappings()
    return [_approval(row) for row in rows]


def find(connection: Connection, digest: str, type_: str, now: float) -> Approval | None:
    """The approval that an identical call may use or wait for: an approved one before an open one, the oldest first."""
    edited = and_(approvals.c.edited_digest == digest, approvals.c.state == "approved")
    usable = (
        select(approvals)
        .where(or_(approvals.c.digest == digest, edited), approvals.c.type == type_, approvals.c.expires_at > now)
        .where(approvals.c.state.in_(("approved", *OPEN)))
        .order_by(approvals.c.state != "approved", approvals.c.created_at)
        .limit(1)
    )
    row = connection.execute(usable).mappings().one_or_none()
    return None if row is None else _approval(row)


def denied(connection: Connection, digest: str, type_: str, *, since: float) -> Approval | None:
    """The latest denial of an identical call, if it is not older."""
    latest = (
        select(approvals)
        .where(approvals.c.digest == digest, approvals.c.type == type_)
        .where(approvals.c.state == "denied", approvals.c.resolved_at > since)
        .order_by(approvals.c.resolved_at.desc())
        .limit(1)
    )
    row = connection.execute(latest).mappings().one_or_none()
    return None if row is None else _approval(row)


def listed(connection: Connection, *, now: float, state: State | None = None, limit: int = 100) -> list[Approval]:
    """Approvals of one state, the newest first. `pending` means: open, four eyes included."""
    query = select(approvals).order_by(approvals.c.created_at.desc()).limit(limit)
    expirable = approvals.c.state.in_(("approved", *OPEN))
    match state:
        case None:
            pass
        case "pending":
            query = query.where(approvals.c.state.in_(OPEN), approvals.c.expires_at > now)
        case "expired":
            query = query.where(or_(approvals.c.state == "expired", and_(expirable, approvals.c.expires_at <= now)))
        case "approved" | "awaiting_second":
            query = query.where(approvals.c.state == state, approvals.c.expires_at > now)
        case "denied" | "consumed":
            query = query.where(approvals.c.state == state)
        case _:
            assert_never(state)
    return [_approval(row) for row in connection.execute(query).mappings()]


def where(
    connection: Connection, *conditions: ColumnElement[bool], order: ColumnElement[Any], limit: int
) -> list[Approval]:
    """Approvals that fit all conditions."""
    query = select(approvals).where(*conditions).order_by(order, approvals.c.id).limit(limit)
    return [_approval(row) for row in connection.execute(query).mappings()]


def as_stored(text: str) -> str:
    """A text as it stands within stored arguments."""
    return json.dumps(text)[1:-1]


def is_due(now: float | BindParameter[Any]) -> ColumnElement[bool]:
    """Whether an approval's time is over and nothing has recorded it so far."""
    return and_(approvals.c.state.in_(("approved", *OPEN)), approvals.c.expires_at <= now)


def due(connection: Connection, now: float, limit: int = 100) -> list[str]:
    """Ids of approvals whose time is over and that nothing has recorded so far."""
    return list(connection.execute(select(approvals.c.id).where(is_due(now)).limit(limit)).scalars())


def approve(
    connection: Connection,
    approval_id: str,
    *,
    by: str,
    person: str,
    user: str = "",
    groups: Collection[str] = (),
    comment: str,
    told: str = "",
    edited: EditedCall | None,
    now: float,
    expires_at: float,
) -> Literal["approve_first", "approve"] | None:
    """Approve, as one of several people or the deciding one; `None` if the approval is not in a state for it.

    An edit makes earlier approvals void: they were of other arguments.

    Args:
        connection: within a writing transaction.
        approval_id: of the approval.
        by: the person's name.
        person: their id.
        user: their name as a user, empty for whoever has a key.
        groups: the user's.
        comment: the person's.
        told: what they tell the agent, behind what others of those who approve it tell.
        edited: what they put in place of the call.
        now: POSIX seconds.
        expires_at: until when the caller may use the approval, if this person decides.
    """
    approval = get(connection, approval_id)
    if approval is None or (edited is None and any(vote.is_by(person, by) for vote in approval.counting)):
        return None
    current = approval.current if edited is None else edited.arguments
    vote = Vote(person, by, user, tuple(sorted(groups)), now, ballot_digest(approval.digest, current))
    votes = (vote,) if edited is not None else (*approval.counting, vote)
    said = [approval.told, told] if len(votes) > 1 else [told]
    values: JsonObject = {"comment": comment, "votes": votes_text(votes), "told": "\n".join(filter(None, said))}
    if edited is not None:
        values |= {"edited": dump(edited.arguments), "edited_digest": edited.digest, "edited_value": edited.value}
        values |= {"edited_currency": edited.currency, "edited_target": edited.target}
    if unmet(approval.requirements, votes, approval.created_at):
        values |= {"first_by": by, "first_person": person}
        return "approve_first" if _move(connection, approval_id, "approve_first", now, values) else None
    values |= {"resolved_by": by, "resolved_at": now, "expires_at": expires_at}
    return "approve" if _move(connection, approval_id, "approve", now, values) else None


def escalated(connection: Connection, now: float, limit: int = 100) -> list[Approval]:
    """Open approvals that others may answer as well by now, which nothing has recorded so far."""
    due = and_(approvals.c.escalates_at <= now, approvals.c.expires_at > now, approvals.c.state.in_(OPEN))
    return where(connection, due, order=approvals.c.escalates_at, limit=limit)


def record_escalation(connection: Connection, approval: Approval, now: float) -> None:
    """Note that it was recorded who may answer by now."""
    later = update(approvals).where(approvals.c.id == approval.id)
    connection.execute(later.values(escalates_at=first_escalation(approval.requirements, approval.created_at, now)))


def first_escalation(requirements: Sequence[Requirement], asked_at: float, now: float) -> float | None:
    """When the next others may answer; `None` if nobody else will."""
    times = [asked_at + each.escalates_after for each in requirements if each.escalates_after is not None]
    return min((time for time in times if time > now), default=None)


def tell_background(connection: Connection, approval_id: str, background: str) -> bool:
    """Store why the call was made, once and while the approval is open; whether it was."""
    untold = and_(approvals.c.id == approval_id, approvals.c.state.in_(OPEN), approvals.c.background == "")
    return connection.execute(update(approvals).where(untold).values(background=background)).rowcount == 1


def bind_edited(connection: Connection, approval_id: str, digest: str) -> None:
    """Bind an approved edit to the call that it makes of the original, which may hold what was hidden from people."""
    connection.execute(update(approvals).where(approvals.c.id == approval_id).values(edited_digest=digest))


def deny(connection: Connection, approval_id: str, *, by: str, comment: str, told: str = "", now: float) -> bool:
    """Deny; false if the approval is not in a state for it."""
    values = {"resolved_by": by, "resolved_at": now, "comment": comment, "told": told}
    return _move(connection, approval_id, "deny", now, values)


def consume(connection: Connection, approval_id: str, *, now: float) -> bool:
    """Use an approved one; false if another has, or its time is over."""
    return _move(connection, approval_id, "consume", now, {"consumed_at": now})


def expire(connection: Connection, approval_id: str, *, now: float) -> bool:
    """Record that the time is over."""
    return _move(connection, approval_id, "expire", now, {})


def _move(
    connection: Connection,
    approval_id: str,
    move: Move,
    now: float,
    values: JsonObject,
    *conditions: ColumnElement[bool],
) -> bool:
    sources: list[State] = [state for state, by in TRANSITIONS if by == move]
    over = approvals.c.expires_at <= now
    if TRANSITIONS[sources[0], move] in OVER:
        values = {**values, "background": ""}
    statement = (
        update(approvals)
        .where(approvals.c.id == approval_id, approvals.c.state.in_(sources), over if move == "expire" else ~over)
        .where(*conditions)
        .values(state=TRANSITIONS[sources[0], move], **values)
    )
    moved = connection.execute(statement).rowcount == 1
    if moved and TRANSITIONS[sources[0], move] not in OPEN:
        sealed_values.delete(connection, approval_id)
    return moved


def _approval(row: RowMapping) -> Approval:
    columns = dict(row)
    columns["arguments"] = json.loads(columns["arguments"])
    columns["context"] = json.loads(columns["context"])
    columns["edited"] = None if columns["edited"] is None else json.loads(columns["edited"])
    columns["four_eyes"] = bool(columns["four_eyes"])
    asks = columns["requirements"]  # an older release has stored none
    columns["requirements"] = read_requirements(asks) if asks else (Requirement(count=1 + columns["four_eyes"]),)
    columns["votes"] = read_votes(columns["votes"])
    approval = Approval(**columns)
    if approval.state != "awaiting_second" or approval.votes:
        return approval
    first = Vote(approval.first_person or "", approval.first_by or "", "", (), approval.created_at, approval.ballot)
    return replace(approval, votes=(first,))
