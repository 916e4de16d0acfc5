"""Counting the calls that rules allow in conversations: exactly, also where several conversations were joined.

A call is counted under each mark that its conversation goes on from, and under that of its key and user. What a
conversation has used are the decisions under its marks, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, and_, delete, select

from litellm_bighub.control_plane.store.schema import conversation_uses as table
from litellm_bighub.control_plane.store.tables.clock_checks import DAY
from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.conversation.fact import Span
from litellm_bighub.domain.conversation.history import spans_of
from litellm_bighub.policy.rule import Rule

KEEP_SECONDS: Final = 31 * DAY
_FORGOTTEN_AT_ONCE: Final = 10


def used(connection: Connection, rule_id: str, spans: Sequence[Span], *, most: int) -> int:
    """How many calls a rule has allowed in a conversation, counted up to a limit."""
    decisions: set[str] = set()
    for span in spans:
        among = and_(
            table.c.rule_id == rule_id,
            table.c.mark == span.mark,
            table.c.time > span.since,
            table.c.time <= span.until,
        )
        query = select(table.c.decision_id).where(among).order_by(table.c.time.desc()).limit(most)
        decisions.update(connection.execute(query).scalars())
        if len(decisions) >= most:
            break
    return len(decisions)


def of_call(connection: Connection, rule: Rule, context: CallContext) -> int | None:
    """How many calls a rule has allowed in the conversation of a call, counted up to its limit; 0 without a limit.

    `None` where nobody knows which conversation that is.
    """
    if rule.max_per_conversation is None:
        return 0
    spans = spans_of(context)
    return used(connection, rule.id, spans, most=rule.max_per_conversation) if spans else None


def add(connection: Connection, rule_id: str, marks: Iterable[str], decision_id: str, now: float) -> None:
    """Count a call; a few that are too old are forgotten with each."""
    old = select(table.c.id).where(table.c.time < now - KEEP_SECONDS).order_by(table.c.time).limit(_FORGOTTEN_AT_ONCE)
    connection.execute(delete(table).where(table.c.id.in_(old)))
    rows = [{"rule_id": rule_id, "mark": mark, "decision_id": decision_id, "time": now} for mark in sorted(set(marks))]
    connection.execute(table.insert(), rows)
