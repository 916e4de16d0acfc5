"""Which recorded decisions are shown or handed out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta, timezone

from sqlalchemy import ColumnElement, Connection

from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import approvals, events
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.domain.payload import JsonObject


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """An empty field fits all. The days are those of UTC, both included."""

    verdict: str = ""
    tool: str = ""
    actor: str = ""
    rule: str = ""
    q: str = ""
    since: date | None = None
    until: date | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """What the events fulfil."""
        yield table.c.type == DECISION
        columns = (table.c.verdict, table.c.tool, table.c.actor, table.c.rule_id)
        for column, value in zip(columns, (self.verdict, self.tool, self.actor, self.rule), strict=True):
            if value:
                yield column == value
        if self.q:
            yield table.c.body.contains(json.dumps(self.q)[1:-1], autoescape=True) | (table.c.subject == self.q)
        if self.since is not None:
            yield table.c.time >= _midnight(self.since)
        if self.until is not None:
            yield table.c.time < _midnight(self.until + timedelta(days=1))

    def as_query(self) -> dict[str, str]:
        """As it stands in an address."""
        return {name: str(value) for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class ListedDecision:
    """A decision, and how the approval that it is about ended; `None` without one, or if that was removed."""

    event: JsonObject
    approval: Approval | None


def listed(connection: Connection, wanted: DecisionFilter, *, before: int, limit: int) -> list[ListedDecision]:
    """The newest decisions that fit.

    Args:
        connection: of a reader.
        wanted: the filter.
        before: the number of the event that they come before; 0 for the end of the audit.
        limit: how many at most.
    """
    older = [table.c.seq < before] if before else []
    found = events.page(connection, *wanted.conditions(), *older, limit=limit)
    about = _approvals(connection, (event["body"]["approval_id"] for event in found))
    return [ListedDecision(event, about.get(event["body"]["approval_id"])) for event in found]


def _approvals(connection: Connection, ids: Iterable[str]) -> Mapping[str, Approval]:
    named = {approval_id for approval_id in ids if approval_id}
    return {one.id: one for one in approvals.of_ids(connection, named)} if named else {}


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), timezone.utc).timestamp()
