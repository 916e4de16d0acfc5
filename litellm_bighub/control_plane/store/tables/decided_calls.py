"""Reading and writing the ledger of decided calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, false, func, or_, select, update

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import decided_calls as table
from litellm_bighub.domain.decided_call import DecidedCall, Search, storable
from litellm_bighub.domain.payload import JsonObject

AT_ONCE: Final = 500
COLUMNS: Final = tuple(column.name for column in table.c if column.name != "id")
"""Of a row, in their order."""
_TEXTS: Final = (
    "response_id",
    "conversation",
    "call_id",
    "item_id",
    "notice_id",
    "notice",
    "tool",
    "actor",
    "continued_by",
    "key",
    "user",
    "reasoning_id",
    "reasoning_digest",
    "turn",
    "request",
    "path",
    "told",
    "caller_rules",
)
_STORED: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(_TEXTS, storable),
    **dict.fromkeys(("released", "edited", "answered"), int),
    "arguments": dump,
}

_CONVERSIONS: Final = tuple(_STORED.get(name) for name in COLUMNS)
_values: Final = attrgetter(*COLUMNS)


def row(call: DecidedCall) -> list[Any]:
    """A call as it is stored, in the order of `COLUMNS`."""
    values = _values(call)
    return [value if convert is None else convert(value) for convert, value in zip(_CONVERSIONS, values, strict=True)]


def find(connection: Connection, search: Search) -> list[DecidedCall]:
    """The calls that fit, the oldest first."""
    query = select(table).where(_condition(search)).order_by(table.c.id)
    return [_call(row) for row in connection.execute(query)]


def answered(connection: Connection, conversation: str, call_ids: Collection[str]) -> None:
    """Mark calls of a conversation."""
    which = and_(_is_one_of(table.c.conversation, [conversation]), table.c.call_id.in_(map(storable, call_ids)))
    connection.execute(update(table).where(which).values(answered=1))


def joined(connection: Connection, response_id: str, continued_by: str) -> bool:
    """Mark the calls of a response; whether there are any."""
    statement = update(table).where(table.c.response_id == storable(response_id))
    return connection.execute(statement.values(continued_by=storable(continued_by))).rowcount > 0


def prune(connection: Connection, before: float, *, most: int = AT_ONCE) -> int:
    """Forget some of the older calls, the oldest first; how many. Decisions wait for their turn behind it.

    They stand in the order of their time, so no index of it is kept.
    """
    oldest = select(table.c.id, table.c.time).order_by(table.c.id).limit(most).subquery("oldest")
    kept = connection.execute(
        select(oldest.c.id).where(oldest.c.time >= before).order_by(oldest.c.id).limit(1)
    ).scalar()
    older = table.c.id <= select(func.max(oldest.c.id)).scalar_subquery() if kept is None else table.c.id < kept
    return connection.execute(delete(table).where(older)).rowcount


def _condition(search: Search) -> ColumnElement[bool]:
    caller_columns = ("actor", "key", "user")
    mine = and_(*(table.c[name] == storable(getattr(search, name)) for name in caller_columns))
    conditions: list[ColumnElement[bool]] = []
    if search.response_id:
        conditions.append(table.c.response_id == storable(search.response_id))
    if search.conversation:
        conditions.append(_is_one_of(table.c.conversation, [search.conversation]))
    if search.call_ids:
        conditions.append(and_(table.c.call_id.in_(map(storable, search.call_ids)), mine))
    for column, names in (
        (table.c.notice_id, search.notice_ids),
        (table.c.reasoning_id, search.reasoning_ids),
        (table.c.reasoning_digest, search.reasoning_digests),
        (table.c.turn, search.turns),
    ):
        if names:
            conditions.append(and_(_is_one_of(column, names), mine))
    return or_(false(), *conditions)


def _is_one_of(column: ColumnElement[str], names: Collection[str]) -> ColumnElement[bool]:
    """Whether it is one of these, asked so that the index of a column that is mostly empty can be used."""
    return and_(column.in_(map(storable, names)), column != "")


def _call(row: Row[Any]) -> DecidedCall:
    values = dict(row._mapping)  # noqa: SLF001 - the documented name
    del values["id"]
    flags: JsonObject = {name: bool(values[name]) for name in ("released", "edited", "answered")}
    return DecidedCall(**{**values, **flags, "arguments": json.loads(values["arguments"])})
