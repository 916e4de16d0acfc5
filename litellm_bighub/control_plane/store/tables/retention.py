"""Retention: removing what is too old. The chain stays verifiable: an event at its end says where it begins.

A little at a time, because decisions wait for their turn behind it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select

from litellm_bighub.control_plane.store.chain import DECISION, AuditEvent
from litellm_bighub.control_plane.store.schema import (
    approvals,
    deliveries,
    event_counts,
    events,
    idempotency,
    memory,
    outcomes,
    reservations,
    sealed_values,
    told_messages,
)
from litellm_bighub.control_plane.store.tables.approvals import OPEN, OVER
from litellm_bighub.control_plane.store.tables.clock_checks import DAY
from litellm_bighub.control_plane.store.tables.events import RETAINED
from litellm_bighub.control_plane.store.tables.idempotency import KEPT_SECONDS
from litellm_bighub.control_plane.store.transaction import Transaction

AT_ONCE: Final = 300
_DELIVERED: Final = ("delivered", "failed")


def retain(transaction: Transaction, *, before: float, now: float, most: int = AT_ONCE) -> int:
    """Remove events that are older, and other rows with arguments; how many events that were.

    Events go from the oldest on, until the first that is not older: the chain has no holes. What a call has added to
    sums is known as long as its decision.
    """
    connection = transaction.connection
    for table, old in _others(before, now):
        key = table.primary_key.columns[0]
        connection.execute(delete(table).where(key.in_(select(key).where(old).limit(most))))
    last = _last(connection, before, most)
    if last is None:
        return 0
    seq, digest = last
    decided = select(events.c.subject).where(events.c.seq <= seq, events.c.type == DECISION)
    counted = and_(reservations.c.reserved == 0, reservations.c.decision_id.in_(decided))
    connection.execute(delete(reservations).where(counted))
    removed = connection.execute(delete(events).where(events.c.seq <= seq)).rowcount
    connection.execute(delete(event_counts).where(event_counts.c.day < int(before // DAY)))
    body = {"up_to": seq, "digest": digest, "before": before}
    transaction.append(AuditEvent(now, RETAINED, str(seq), body, severity="warning"), notify=False)
    return removed


def is_due(connection: Connection, before: float) -> bool:
    """Whether there are events that are older."""
    return _last(connection, before, 1) is not None


def _last(connection: Connection, before: float, most: int) -> tuple[int, str] | None:
    """The last event that may go now."""
    oldest = select(events.c.seq, events.c.digest, events.c.time).order_by(events.c.seq).limit(most).subquery("oldest")
    kept = select(oldest.c.seq).where(oldest.c.time >= before).order_by(oldest.c.seq).limit(1).scalar_subquery()
    first_kept = connection.execute(select(kept)).scalar()
    query = select(oldest.c.seq, oldest.c.digest).order_by(oldest.c.seq.desc()).limit(1)
    if first_kept is not None:
        query = query.where(oldest.c.seq < first_kept)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.seq, row.digest)


def _others(before: float, now: float) -> tuple[tuple[Table, ColumnElement[bool]], ...]:
    """Other rows that may go, and when they are old; by columns with an index. An approval that is still open stays."""
    resolved, delivered = approvals.c.state.in_(OVER), deliveries.c.state.in_(_DELIVERED)
    waiting = select(approvals.c.id).where(approvals.c.state.in_(OPEN), approvals.c.expires_at >= before)
    return (
        (sealed_values, sealed_values.c.approval_id.not_in(waiting)),
        (approvals, and_(resolved, approvals.c.created_at < before, approvals.c.expires_at < before)),
        (deliveries, and_(delivered, deliveries.c.due_at < before, deliveries.c.created_at < before)),
        (idempotency, idempotency.c.created_at < min(before, now - KEPT_SECONDS)),
        (memory, memory.c.time < before),
        (outcomes, outcomes.c.reported_at < before),
        (told_messages, and_(told_messages.c.is_over == 1, told_messages.c.due_at < before)),
    )
