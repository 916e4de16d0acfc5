"""Reading the chain of events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from litellm_bighub.control_plane.store.chain import DECISION, ChainBreak, check
from litellm_bighub.control_plane.store.schema import events, head
from litellm_bighub.domain.payload import JsonObject

_PAGE = 1000
RETAINED = "audit.retained"


@dataclass(frozen=True, slots=True)
class Verified:
    """A chain that holds.

    Attributes:
        count: how many events were followed. Retention may have removed those before.
        seq: the number of the last one, 0 if there never was one.
        digest: of the last one.
    """

    count: int
    seq: int
    digest: str


def verify(connection: Connection, since: tuple[int, str] | None = None) -> Verified | ChainBreak:
    """Follow the chain to its end.

    Args:
        connection: of a reader.
        since: number and digest of the event to begin after; without it, the whole chain.

    Returns:
        What holds, or the first place where the chain does not hold. Whoever keeps number and digest of the last event
        elsewhere also finds a chain that was written anew from some point on.
    """
    end = connection.execute(select(head.c.seq, head.c.digest).where(head.c.id == 1)).one()
    seq, previous = _beginning(connection) if since is None else since
    result = check(_all(connection, seq, end.seq), seq=seq, previous=previous)
    if isinstance(result, ChainBreak):
        return result
    if result != tuple(end):
        return ChainBreak(result[0] + 1, "the end of the chain is missing")
    return Verified(result[0] - seq, *result)


def _beginning(connection: Connection) -> tuple[int, str]:
    """Number and digest of the event before the first that is there."""
    first = connection.execute(select(func.min(events.c.seq))).scalar()
    return (0, "") if first is None or first <= 1 else _removed_before(connection, first)


def after(connection: Connection, seq: int, *conditions: ColumnElement[bool]) -> list[JsonObject]:
    """The next events after one that fulfil the conditions, in order, with the body read."""
    query = select(events).where(events.c.seq > seq, *conditions).order_by(events.c.seq).limit(_PAGE)
    return [read(dict(row)) for row in connection.execute(query).mappings()]


def decisions(connection: Connection, *, since: float) -> Iterator[JsonObject]:
    """Recorded decisions since a time, the oldest first."""
    return since_of_type(connection, DECISION, since)


def decision(connection: Connection, decision_id: str) -> JsonObject | None:
    """One recorded decision."""
    # The type is not asked for: SQLite would read all decisions until it finds this one.
    query = select(events).where(events.c.subject == decision_id).order_by(events.c.seq)
    rows = connection.execute(query).mappings()
    return next((read(dict(row)) for row in rows if row["type"] == DECISION), None)


def since_of_type(connection: Connection, kind: str, since: float) -> Iterator[JsonObject]:
    """Events of a type since a time, the oldest first."""
    # The sum keeps SQLite from following the numbers from the first one on.
    first = connection.execute(select(func.min(events.c.seq + 0)).where(events.c.time >= since)).scalar()
    if first is None:
        return
    seq = first - 1
    while found := after(connection, seq, events.c.type == kind, events.c.time >= since):
        yield from found
        seq = found[-1]["seq"]


def page(
    connection: Connection, *conditions: ColumnElement[bool], limit: int = 100, offset: int = 0
) -> list[JsonObject]:
    """Events that fulfil the conditions, the newest first, with the body read."""
    query = select(events).where(*conditions).order_by(events.c.seq.desc()).limit(limit).offset(offset)
    return [read(dict(row)) for row in connection.execute(query).mappings()]


def tools(connection: Connection, limit: int = 10_000) -> list[str]:
    """The names of tools that decisions were made on."""
    query = select(events.c.tool).where(events.c.type == DECISION).distinct().limit(limit)
    return [name for name in connection.execute(query).scalars() if name]


def count(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    """How many events fulfil the conditions."""
    return connection.execute(select(func.count()).select_from(events).where(*conditions)).scalar_one()


def read(row: JsonObject) -> JsonObject:
    """A row with its body read."""
    return {**row, "body": json.loads(row["body"])}


def _removed_before(connection: Connection, seq: int) -> tuple[int, str]:
    """Number and digest of the last event that retention removed before `seq`; the very start if it did not."""
    query = select(events.c.body).where(events.c.type == RETAINED, events.c.subject == str(seq - 1))
    body = connection.execute(query.order_by(events.c.seq.desc()).limit(1)).scalar()
    match None if body is None else _json(body):
        case {"up_to": int(up_to), "digest": str(digest)}:
            return up_to, digest
        case _:  # there is none, or it was changed
            return 0, ""


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _all(connection: Connection, seq: int, last: int) -> Iterator[JsonObject]:
    """The events after one, up to another."""
    while True:
        query = select(events).where(events.c.seq > seq, events.c.seq <= last).order_by(events.c.seq).limit(_PAGE)
        rows = [dict(row) for row in connection.execute(query).mappings()]
        yield from rows
        if len(rows) < _PAGE:
            return
        seq = rows[-1]["seq"]


def digest_of(connection: Connection, seq: int) -> str | None:
    """The digest of one event, `None` if it is not there."""
    return connection.execute(select(events.c.digest).where(events.c.seq == seq)).scalar()
