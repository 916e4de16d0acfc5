"""What calls have added to the totals of rules: reserved by the decision, and freed if the call does not run.

```
    allowed ──────────────────────► used ──── a failure that no agent reports ───► freed
    asks for a person ► reserved ── the approval is used ─► used
                           └── denied, or expired ─────────────────────────────────► freed
```
A reservation belongs to the approval of its call until that is used. It counts in the windows of the time when it was
made: using an approval later does not count again. An edit replaces it. All of it happens in the writer, so a decision
and its reservation are committed together.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import approvals, reservations as table
from litellm_bighub.control_plane.store.tables.approvals import is_due
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.policy.rule import Rule
from litellm_bighub.policy.totals import Charge, RuleCharge, Share


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
    """What was let through by a decision, or by the approval that it asked for."""
    asked = select(approvals.c.id).where(or_(approvals.c.decision_id == decision_id, approvals.c.id == decision_id))
    by_approval = and_(table.c.approval_id != "", table.c.approval_id.in_(asked))
    return _found(connection, table.c.reserved == 0, or_(table.c.decision_id == decision_id, by_approval))


def overdue(connection: Connection, now: float) -> list[Reservation]:
    """What is still reserved for approvals whose time is over, because nothing has recorded that so far."""
    due = select(approvals.c.id).where(is_due(now))
    return _found(connection, table.c.approval_id != "", table.c.reserved == 1, table.c.approval_id.in_(due))


def add(
    transaction: Transaction, charges: Sequence[RuleCharge], *, decision_id: str, approval_id: str, now: float
) -> None:
    """Reserve for an approval, or without one count as used, what a call adds to the totals of rules."""
    for one in charges:
        share = transaction.totals.add(one.rule, one.charge, now, reserved=bool(approval_id))
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
