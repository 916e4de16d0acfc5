"""What waits: filtered, sorted, in groups, and counted beyond what a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from litellm_bighub.control_plane.store.schema import approvals as table
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.approvals import Approval

Order: TypeAlias = Literal["newest", "expires"]
PAGE: Final = 40
LONGEST_SEARCH: Final = 200
_MOST_GROUPS: Final = 30
_GROUPED: Final = (table.c.tool, table.c.actor, table.c.rule_id)


@dataclass(frozen=True, slots=True)
class WaitingFilter:
    """Which of the waiting calls are shown. An empty field fits all; of `rule` that is `None`, the default is empty."""

    tool: str = ""
    actor: str = ""
    rule: str | None = None
    q: str = ""
    order: Order = "newest"

    @property
    def is_group(self) -> bool:
        """Whether it names one group."""
        return bool(self.tool and self.actor) and self.rule is not None and not self.q

    @property
    def query(self) -> str:
        """It as the query of the page's address."""
        told = {"tool": self.tool, "actor": self.actor, "q": self.q, "order": self.order.removeprefix("newest")}
        fields = {name: value for name, value in told.items() if value}
        return urlencode(fields if self.rule is None else {**fields, "rule": self.rule})

    @classmethod
    def of_query(cls, query: str) -> WaitingFilter:
        """The filter of an address; everything where the address makes no sense."""
        told = dict(parse_qsl(query, keep_blank_values=True))
        order: Order = "expires" if told.get("order") == "expires" else "newest"
        return cls(
            told.get("tool", ""), told.get("actor", ""), told.get("rule"), told.get("q", "")[:LONGEST_SEARCH], order
        )


def _tells(text: str) -> ColumnElement[bool]:
    """Whether a card tells a text: its call as it would run, so of an edited one the edited arguments."""
    would_run = func.coalesce(table.c.edited, table.c.arguments)
    target = case((table.c.edited.is_(None), table.c.target), else_=table.c.edited_target)
    told = (target, table.c.tool, table.c.actor, table.c.id)
    in_arguments = would_run.contains(approvals.as_stored(text), autoescape=True)
    return or_(in_arguments, *(one.contains(text, autoescape=True) for one in told))


EVERYTHING: Final = WaitingFilter()


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """How many calls of one tool wait for one actor under one rule."""

    tool: str
    actor: str
    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class WaitingList:
    """A page of what waits.

    Attributes:
        found: how many fit the filter.
        total: how many wait.
        groups: of two calls or more, the largest first.
    """

    approvals: tuple[Approval, ...]
    found: int
    total: int
    groups: tuple[WaitingGroup, ...]


def waiting_list(connection: Connection, wanted: WaitingFilter, now: float) -> WaitingList:
    """What waits and fits the filter."""
    is_open = (table.c.state.in_(approvals.OPEN), table.c.expires_at > now)
    conditions: list[ColumnElement[bool]] = [*is_open]
    if wanted.tool:
        conditions.append(table.c.tool == wanted.tool)
    if wanted.actor:
        conditions.append(table.c.actor == wanted.actor)
    if wanted.rule is not None:
        conditions.append(table.c.rule_id == wanted.rule)
    if wanted.q:
        conditions.append(_tells(wanted.q))
    order = table.c.expires_at.asc() if wanted.order == "expires" else table.c.created_at.desc()
    number = func.count()
    groups = [
        WaitingGroup(row[0], row[1], row[2], row[3])
        for row in connection.execute(
            select(*_GROUPED, number).where(*is_open).group_by(*_GROUPED).order_by(number.desc()).limit(_MOST_GROUPS)
        )
    ]
    return WaitingList(
        tuple(approvals.where(connection, *conditions, order=order, limit=PAGE)),
        connection.execute(select(number).where(*conditions)).scalar_one(),
        connection.execute(select(number).where(*is_open)).scalar_one(),
        tuple(group for group in groups if group.count > 1),
    )
