"""Retention: removing what is too old. The chain stays verifiable: an event at its end says where it begins.

A little at a time, because decisions wait for their turn behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Delete,
    Double,
    Integer,
    Table,
    and_,
    bindparam,
    delete,
    func,
    select,
)

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

AT_ONCE: Final = 150
_DELIVERED: Final = ("delivered", "failed")
_BEFORE, _NOW = bindparam("before", type_=Double), bindparam("now", type_=Double)
_MOST: Final = bindparam("most", type_=Integer)
_SEQ: Final = bindparam("up_to", type_=BigInteger)


def retain(transaction: Transaction, *, before: float, now: float, most: int = AT_ONCE) -> int:
    """Remove events that are older, and other rows with arguments; how many events that were.

    Events go from the oldest on, until the first that is not older: the chain has no holes. What a call has added to
    sums is known as long as its decision.
    """
    connection = transaction.connection
    for removal in _OTHERS:
        connection.execute(removal, {"before": before, "now": now, "most": most})
    last = _last(connection, before, most)
    if last is None:
        return 0
    seq, digest = last
    connection.execute(_COUNTED, {"up_to": seq})
    removed = connection.execute(_EVENTS, {"up_to": seq}).rowcount
    connection.execute(_COUNTS, {"day": int(before // DAY)})
    body = {"up_to": seq, "digest": digest, "before": before}
    transaction.append(AuditEvent(now, RETAINED, str(seq), body, severity="warning"), notify=False)
    return removed


def is_due(connection: Connection, before: float) -> bool:
    """Whether there are events that are older."""
    return _last(connection, before, 1) is not None


def _last(connection: Connection, before: float, most: int) -> tuple[int, str] | None:
    """The last event that may go now."""
    first_kept = connection.execute(_FIRST_KEPT, {"before": before, "most": most}).scalar()
    asked = {"most": most, "kept": _NEVER if first_kept is None else first_kept}
    row = connection.execute(_LAST_OLDER, asked).one_or_none()
    return None if row is None else (row.seq, row.digest)


# The statements are built once: building them takes longer than the database takes for them, and decisions wait.


def _others() -> Iterator[Delete]:
    """Removals of other rows that may go, by columns with an index. An approval that is still open stays."""
    resolved, delivered = approvals.c.state.in_(OVER), deliveries.c.state.in_(_DELIVERED)
    waiting = select(approvals.c.id).where(approvals.c.state.in_(OPEN), approvals.c.expires_at >= _BEFORE)
    old_answer = and_(idempotency.c.created_at < _BEFORE, idempotency.c.created_at < _NOW - KEPT_SECONDS)
    old_rows: tuple[tuple[Table, ColumnElement[bool]], ...] = (
        (sealed_values, sealed_values.c.approval_id.not_in(waiting)),
        (approvals, and_(resolved, approvals.c.created_at < _BEFORE, approvals.c.expires_at < _BEFORE)),
        (deliveries, and_(delivered, deliveries.c.due_at < _BEFORE, deliveries.c.created_at < _BEFORE)),
        (idempotency, old_answer),
        (memory, memory.c.time < _BEFORE),
        (outcomes, outcomes.c.reported_at < _BEFORE),
        (told_messages, and_(told_messages.c.is_over == 1, told_messages.c.due_at < _BEFORE)),
    )
    for table, old in old_rows:
        key = table.primary_key.columns[0]
        yield delete(table).where(key.in_(select(key).where(old).limit(_MOST)))


_OTHERS: Final = tuple(_others())
_OLDEST: Final = (
    select(events.c.seq, events.c.digest, events.c.time).order_by(events.c.seq).limit(_MOST).subquery("oldest")
)
_FIRST_KEPT: Final = select(func.min(_OLDEST.c.seq)).where(_OLDEST.c.time >= _BEFORE)
_LAST_OLDER: Final = (
    select(_OLDEST.c.seq, _OLDEST.c.digest)
    .where(_OLDEST.c.seq < bindparam("kept", type_=BigInteger))
    .order_by(_OLDEST.c.seq.desc())
    .limit(1)
)
_NEVER: Final = 2**63 - 1
_COUNTED: Final = delete(reservations).where(
    reservations.c.reserved == 0,
    reservations.c.decision_id.in_(select(events.c.subject).where(events.c.seq <= _SEQ, events.c.type == DECISION)),
)
_EVENTS: Final = delete(events).where(events.c.seq <= _SEQ)
_COUNTS: Final = delete(event_counts).where(event_counts.c.day < bindparam("day", type_=BigInteger))
