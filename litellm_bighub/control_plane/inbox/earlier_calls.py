"""What people answered to earlier calls of the same tool and actor: an approver sees at once what is unusual."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final, TypeAlias

from sqlalchemy import Connection, RowMapping, case, select, tuple_

from litellm_bighub.control_plane.store.schema import approvals as table
from litellm_bighub.control_plane.store.tables.clock_checks import DAY

DAYS: Final = 30
_MOST: Final = 500
"""So many of the newest approvals of each state are looked at."""
_ENDS: Final = {"approved": "approved", "consumed": "approved", "denied": "denied", "expired": "expired"}

_VALUE: Final = case((table.c.edited.is_(None), table.c.value), else_=table.c.edited_value).label("value")
"""Of what ran."""

Asker: TypeAlias = "tuple[str, str]"
"""A tool and an actor."""


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """The latest answer of one kind."""

    by: str
    time: float
    comment: str


@dataclass(frozen=True, slots=True)
class EarlierCalls:
    """Calls of one tool for one actor that people were asked about.

    Attributes:
        counts: by how their approvals ended: approved, denied, expired.
        median: of the values of those that were approved; `None` without any.
        last_approval: the latest.
        last_denial: the latest.
    """

    counts: Mapping[str, int]
    median: float | None
    last_approval: LastAnswer | None
    last_denial: LastAnswer | None

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())


def earlier_calls(connection: Connection, askers: Collection[Asker], now: float) -> Mapping[Asker, EarlierCalls]:
    """What became of calls of the last thirty days, by tool and actor. One that has none is missing."""
    found: dict[Asker, list[RowMapping]] = {}
    columns = (table.c.tool, table.c.actor, table.c.state, _VALUE, table.c.resolved_by)
    for state in _ENDS if askers else ():
        newest = (
            select(*columns, table.c.resolved_at, table.c.created_at, table.c.comment)
            .where(table.c.state == state, table.c.created_at > now - DAYS * DAY)
            .order_by(table.c.created_at.desc())
            .limit(_MOST)
            .subquery()
        )
        wanted = select(newest).where(tuple_(newest.c.tool, newest.c.actor).in_(list(askers)))
        for row in connection.execute(wanted).mappings():
            found.setdefault((row["tool"], row["actor"]), []).append(row)
    return {asker: _told(rows) for asker, rows in found.items()}


def _told(rows: list[RowMapping]) -> EarlierCalls:
    counts: dict[str, int] = {"approved": 0, "denied": 0, "expired": 0}
    for row in rows:
        counts[_ENDS[row["state"]]] += 1
    approved = [row for row in rows if _ENDS[row["state"]] == "approved"]
    values = [row["value"] for row in approved if row["value"] is not None]
    denied = (row for row in rows if row["state"] == "denied")
    return EarlierCalls(counts, median(values) if values else None, _last(approved), _last(denied))


def _last(rows: Iterable[RowMapping]) -> LastAnswer | None:
    newest = max(rows, key=lambda row: row["resolved_at"] or row["created_at"], default=None)
    if newest is None:
        return None
    time: float = newest["resolved_at"] or newest["created_at"]
    return LastAnswer(newest["resolved_by"] or "", time, newest["comment"] or "")
