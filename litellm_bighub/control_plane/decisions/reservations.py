"""What calls have added to the totals of rules: reserved by the decision, and freed if the call does not run.

```
    allowed ──────────────────────► used ──── a failure that no agent reports ───► freed
    asks for a person ► reserved ── the approval is used ─► used
                           └── denied, or expired ─────────────────────────────────► freed
```
A reservation belongs to the approval of its call until that is used. It counts in the windows of the time when it was
made: using an approval later does not count again. An edit replaces it. All of it happens in the writer, so a decision
and its reservation are committed together.

What a call adds that is allowed at once stands in the event of its decision: nothing but a failure ever takes it back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from litellm_bighub.control_plane.store.chain import DECISION, AuditEvent, dump
from litellm_bighub.control_plane.store.schema import approvals, events, reservations as table
from litellm_bighub.control_plane.store.tables.approvals import is_due
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.rule import Rule
from litellm_bighub.policy.totals import Charge, RuleCharge, Share

FREED: Final = "totals.freed"
"""The type of an event that takes back what a decision has added to totals."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a call has added to the totals of one rule.

    Attributes:
        decision_id: the decision that let the call through, or asked.
        approval_id: the approval that it waits or waited for; empty without one.
    """

    decision_id: str
    approval_id: str
    share: Share

    def is_for(self, rule: Rule, charge: Charge) -> bool:
        """Whether it is exactly what a call adds to the totals of a rule."""
        share = self.share
        return (share.rule_id, share.account, share.amount) == (rule.totals_id, charge.account, charge.amount)


def of_approvals(connection: Connection, ids: Collection[str]) -> list[Reservation]:
    """What is reserved for these approvals, or was used with them."""
    return _found(connection, table.c.approval_id.in_(ids))


def of_decision(connection: Connection, decision_id: str) -> list[Reservation]:
    """What was let through by the approval that a decision used, or asked for."""
    asked = select(approvals.c.id).where(or_(approvals.c.decision_id == decision_id, approvals.c.id == decision_id))
    by_approval = and_(table.c.approval_id != "", table.c.approval_id.in_(asked))
    return _found(connection, table.c.reserved == 0, or_(table.c.decision_id == decision_id, by_approval))


def overdue(connection: Connection, now: float) -> list[Reservation]:
    """What is still reserved for approvals whose time is over, because nothing has recorded that so far."""
    due = select(approvals.c.id).where(is_due(now))
    return _found(connection, table.c.approval_id != "", table.c.reserved == 1, table.c.approval_id.in_(due))


def count_used(transaction: Transaction, charges: Sequence[RuleCharge], now: float) -> list[JsonObject]:
    """Count as used what a call adds to the totals of rules that is allowed at once; for the event of its decision."""
    return [_told(transaction.totals.add(one.rule, one.charge, now)) for one in charges]


def add(
    transaction: Transaction, charges: Sequence[RuleCharge], *, decision_id: str, approval_id: str, now: float
) -> None:
    """Reserve for an approval what a call adds to the totals of rules."""
    for one in charges:
        share = transaction.totals.add(one.rule, one.charge, now, reserved=True)
        transaction.reserve(_row(decision_id, approval_id, share, now))


def use(
    transaction: Transaction, charges: Sequence[RuleCharge], *, decision_id: str, approval_id: str, now: float
) -> None:
    """Count as used what is reserved for an approval; what the call now adds counts if that is something else."""
    swap(transaction, charges, decision_id=decision_id, approval_id=approval_id, now=now)
    held = of_approvals(transaction.connection, [approval_id])
    for one in held:
        transaction.totals.use(one.share)
    statement = update(table).where(table.c.approval_id == approval_id)
    transaction.connection.execute(statement.values(reserved=0, decision_id=decision_id))


def swap(
    transaction: Transaction, charges: Sequence[RuleCharge], *, decision_id: str, approval_id: str, now: float
) -> None:
    """Reserve what the call of an approval adds now, in place of what is reserved for it."""
    held = of_approvals(transaction.connection, [approval_id])
    others = [one for one in charges if not any(known.is_for(one.rule, one.charge) for known in held)]
    kept = [known for known in held if any(known.is_for(one.rule, one.charge) for one in charges)]
    free(transaction, [known for known in held if known not in kept])
    add(transaction, others, decision_id=decision_id, approval_id=approval_id, now=now)


def free(transaction: Transaction, freed: Sequence[Reservation]) -> None:
    """Take reservations back."""
    for one in freed:
        row = and_(table.c.decision_id == one.decision_id, table.c.rule_id == one.share.rule_id)
        if transaction.connection.execute(delete(table).where(row)).rowcount == 1:
            transaction.totals.take_back(one.share)


def free_approval(transaction: Transaction, approval_id: str) -> None:
    """Take back what is reserved for an approval that is denied, or has expired."""
    free(transaction, of_approvals(transaction.connection, [approval_id]))


def free_decision(transaction: Transaction, decision_id: str, now: float) -> list[str]:
    """Take back, once, what was let through by a decision or by the approval that it asked for; from which rules."""
    by_approval = of_decision(transaction.connection, decision_id)
    free(transaction, by_approval)
    at_once = _allowed_at_once(transaction, decision_id)
    for share in at_once:
        transaction.totals.take_back(share)
    if at_once:
        transaction.append(AuditEvent(now, FREED, decision_id, {"totals": list(map(_told, at_once))}), notify=False)
    return [share.rule_id for share in (*(one.share for one in by_approval), *at_once)]


def _allowed_at_once(transaction: Transaction, decision_id: str) -> list[Share]:
    """What a decision has added to totals without an approval, unless it was taken back."""
    query = select(events.c.type, events.c.body).where(events.c.subject == decision_id)
    bodies = {one.type: one.body for one in transaction.connection.execute(query)}
    if FREED in bodies or any(event.type == FREED for event in transaction.appended(decision_id)):
        return []
    return [_share(told) for told in json.loads(bodies.get(DECISION, "{}")).get("totals", ())]


def _told(share: Share) -> JsonObject:
    return {"rule": share.rule_id, "account": share.account, "amount": f"{share.amount:f}", "windows": share.windows}


def _share(told: JsonObject) -> Share:
    return Share(told["rule"], told["account"], Decimal(told["amount"]), told["windows"], reserved=False)


def _row(decision_id: str, approval_id: str, share: Share, now: float) -> Sequence[object]:
    amount, windows = f"{share.amount:f}", dump(share.windows)
    return (decision_id, share.rule_id, approval_id, share.account, amount, windows, int(share.reserved), now)


def _found(connection: Connection, *conditions: ColumnElement[bool]) -> list[Reservation]:
    query = select(table).where(*conditions).order_by(table.c.decision_id, table.c.rule_id)
    return [
        Reservation(
            row["decision_id"],
            row["approval_id"],
            Share(
                row["rule_id"],
                row["account"],
                Decimal(row["amount"]),
                json.loads(row["windows"]),
                bool(row["reserved"]),
            ),
        )
        for row in connection.execute(query).mappings()
    ]
