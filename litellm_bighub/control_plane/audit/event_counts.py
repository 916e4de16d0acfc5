"""How many events there are, by day and kind, counted once: a question costs the same beside ten million events.

A process that serves counts what was added since it last looked; a question adds what was not counted yet.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from sqlalchemy import Connection, and_, case, func, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import event_counts as table, events, head
from litellm_bighub.control_plane.store.tables.clock_checks import DAY
from litellm_bighub.control_plane.store.transaction import Transaction

AT_ONCE: Final = 2000
_COUNTED_UP_TO: Final = 3
"""The row of `head` with the number of the last event that was counted."""
_IS_WITHHELD: Final = and_(events.c.type == DECISION, events.c.verdict != "allowed")

Column: TypeAlias = Literal["day", "type", "severity", "tool", "verdict", "rule_id", "blocked_by", "enforced"]


class Kind(NamedTuple):
    """What events are counted together by.

    Attributes:
        day: since 1970, UTC.
        blocked_by: what withheld a call; empty for other events, and where a call was allowed.
        enforced: 0 where shadow mode let a call pass that would have been withheld.
    """

    day: int
    type: str
    severity: str
    tool: str
    verdict: str
    rule_id: str
    blocked_by: str
    enforced: int


@dataclass(slots=True)
class Count:
    """Of one kind: how many, and their values together."""

    number: int = 0
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Events that follow those that were counted: up to which number, and how many of which kind."""

    after: int
    last: int
    counts: dict[Kind, Count]


def uncounted(connection: Connection, most: int | None = None) -> Uncounted:
    """The next events that were not counted yet."""
    after = _counted_up_to(connection)
    withheld = case((_IS_WITHHELD, events.c.body), else_=null())
    c = events.c
    query = select(c.seq, c.time, c.type, c.severity, c.tool, c.verdict, c.rule_id, withheld)
    query = query.where(c.seq > after).order_by(c.seq).limit(most)
    counts: dict[Kind, Count] = {}
    last = after
    for seq, time, type_, severity, tool, verdict, rule_id, text in connection.execute(query).tuples():
        body = {} if text is None else json.loads(text)
        blocked_by, enforced = body.get("blocked_by") or "", int(body.get("enforced", True))
        kind = Kind(int(time // DAY), type_, severity, tool, verdict, rule_id, blocked_by, enforced)
        count = counts.setdefault(kind, Count())
        count.number += 1
        count.value += body.get("value") or 0.0
        last = seq
    return Uncounted(after, last, counts)


def count(transaction: Transaction, found: Uncounted) -> bool:
    """Keep what was counted; whether no other process has done so in the meantime."""
    connection = transaction.connection
    moved = update(head).where(head.c.id == _COUNTED_UP_TO, head.c.seq == found.after).values(seq=found.last)
    if connection.execute(moved).rowcount == 0:
        return False
    rows = [{**kind._asdict(), "number": one.number, "value": one.value} for kind, one in found.counts.items()]
    if rows:
        connection.execute(_added(connection.dialect.name), rows)
    return True


def totals(
    connection: Connection, by: Sequence[Column], equal: Mapping[Column, str | int], since: float = 0
) -> dict[tuple[Any, ...], Count]:
    """How many events there are.

    Args:
        connection: of a reader.
        by: what to count apart.
        equal: what the events have to be.
        since: POSIX seconds; its whole day counts.
    """
    first = int(since // DAY)
    columns = [table.c[name] for name in by]
    query = select(*columns, func.sum(table.c.number), func.sum(table.c.value)).where(table.c.day >= first)
    query = query.where(*(table.c[name] == value for name, value in equal.items())).group_by(*columns)
    after = _counted_up_to(connection)
    while True:
        rows = map(tuple, connection.execute(query))
        kept = [(row[: len(by)], Count(row[len(by)] or 0, row[len(by) + 1] or 0.0)) for row in rows]
        new = uncounted(connection)
        if new.after == after:  # nobody has counted between the two queries
            break
        after = new.after
    found: dict[tuple[Any, ...], Count] = {}
    for key, one in chain(kept, _matching(new.counts, by, first, equal)):
        count = found.setdefault(key, Count())
        count.number += one.number
        count.value += one.value
    return found


def number(connection: Connection, equal: Mapping[Column, str | int]) -> int:
    """How many events there are that are this."""
    return sum(one.number for one in totals(connection, (), equal).values())


def by_value(counts: dict[tuple[Any, ...], Count]) -> Counter[str]:
    """Of what was counted by one column, the numbers."""
    return Counter({value: one.number for (value,), one in counts.items()})


def _counted_up_to(connection: Connection) -> int:
    seq: int = connection.execute(select(head.c.seq).where(head.c.id == _COUNTED_UP_TO)).scalar_one()
    return seq


def _matching(
    counts: Mapping[Kind, Count], by: Sequence[Column], first: int, equal: Mapping[Column, str | int]
) -> Iterator[tuple[tuple[Any, ...], Count]]:
    for kind, one in counts.items():
        if kind.day >= first and all(bool(getattr(kind, name) == value) for name, value in equal.items()):
            yield tuple(getattr(kind, name) for name in by), one


def _added(dialect: str) -> postgresql.Insert | sqlite.Insert:
    """New rows, or their numbers on top of those that are there."""
    into = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    sums = {name: table.c[name] + into.excluded[name] for name in ("number", "value")}
    return into.on_conflict_do_update(index_elements=[table.c[name] for name in Kind._fields], set_=sums)
