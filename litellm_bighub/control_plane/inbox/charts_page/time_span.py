"""The times that charts are of, and the decisions in each: counted in the database, however many there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from sqlalchemy import Connection, func, select

from litellm_bighub.control_plane.audit import event_counts
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables.clock_checks import DAY

SpanName: TypeAlias = Literal["1h", "24h", "7d", "30d", "90d"]
SPAN_NAMES: Final[tuple[SpanName, ...]] = get_args(SpanName)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """Bars of equal length, the last of which is not over.

    Attributes:
        step: how many seconds a bar is long; whole days begin at midnight, UTC.
    """

    name: SpanName
    step: int
    bars: int

    def start(self, now: float) -> float:
        """When the first bar begins."""
        return (now // self.step - self.bars + 1) * self.step


SPANS: Final[dict[SpanName, TimeSpan]] = {
    "1h": TimeSpan("1h", 300, 12),
    "24h": TimeSpan("24h", 3600, 24),
    "7d": TimeSpan("7d", int(DAY), 7),
    "30d": TimeSpan("30d", int(DAY), 30),
    "90d": TimeSpan("90d", int(DAY), 90),
}


@dataclass(frozen=True, slots=True)
class DecisionCounts:
    """How many decisions there are.

    Attributes:
        by_bar: by the number of the bar, from 0 on, and verdict.
        by_tool: by tool and verdict.
    """

    by_bar: Counter[tuple[int, str]]
    by_tool: Counter[tuple[str, str]]


def decision_counts(connection: Connection, span: TimeSpan, now: float) -> DecisionCounts:
    """The decisions of a span."""
    counts = DecisionCounts(Counter(), Counter())
    start = span.start(now)
    if span.step == DAY:
        found = event_counts.totals(connection, ("day", "verdict", "tool"), {"type": DECISION}, since=start)
        for (day, verdict, tool), count in found.items():
            _add(counts, day - int(start // DAY), verdict, tool, count.number)
        return counts
    for bar in range(span.bars):
        begin = start + bar * span.step
        query = select(table.c.verdict, table.c.tool, func.count()).group_by(table.c.verdict, table.c.tool)
        # Decisions alone have a verdict. A condition on the type would have SQLite read all of that type.
        query = query.where(table.c.verdict != "", table.c.time >= begin, table.c.time < begin + span.step)
        for verdict, tool, number in connection.execute(query).tuples():
            _add(counts, bar, verdict, tool, number)
    return counts


def _add(counts: DecisionCounts, bar: int, verdict: str, tool: str, number: int) -> None:
    counts.by_bar[bar, verdict] += number
    counts.by_tool[tool, verdict] += number
