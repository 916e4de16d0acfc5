"""`/metrics`: counts over all processes, for Prometheus, which sends an API key as its bearer token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from litellm_bighub.control_plane.audit import event_counts
from litellm_bighub.control_plane.http.auth import Plane, Reader
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import approvals as approvals_table, deliveries
from litellm_bighub.control_plane.store.tables import approvals, switches
from litellm_bighub.telemetry.instruments import ToolNames

router = APIRouter()
_PREFIX = "litellm_bighub"


@dataclass(frozen=True, slots=True)
class AuditCounts:
    """What was counted in one moment.

    Attributes:
        decisions: by tool and verdict, the most frequent first.
        pending: approvals that wait.
        deliveries: of webhooks, by state.
        switches: kill switches that are active.
    """

    decisions: tuple[tuple[str, str, int], ...]
    pending: int
    deliveries: tuple[tuple[str, int], ...]
    switches: int


@router.get("/metrics", include_in_schema=False)
async def metrics(plane: Plane, _: Reader) -> Response:
    """Gauges, as the audit may be shortened; no arguments, no names of people."""
    now = plane.clock()
    counted = await plane.read(lambda connection: _count(connection, now))
    registry = CollectorRegistry()
    registry.register(_AuditCollector(counted))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _count(connection: Connection, now: float) -> AuditCounts:
    number = func.count()
    decisions = event_counts.totals(connection, ("tool", "verdict"), {"type": DECISION})
    most_first = sorted(decisions.items(), key=lambda item: (-item[1].number, item[0]))
    by_state = select(deliveries.c.state, number).group_by(deliveries.c.state).order_by(deliveries.c.state)
    table = approvals_table.c
    pending = select(number).where(table.state.in_(approvals.OPEN), table.expires_at > now)
    return AuditCounts(
        decisions=tuple((tool, verdict, one.number) for (tool, verdict), one in most_first),
        pending=connection.execute(pending).scalar_one(),
        deliveries=tuple(connection.execute(by_state).tuples()),
        switches=len(switches.active(connection)),
    )


class _AuditCollector(Collector):
    """What was counted, as Prometheus collects it."""

    def __init__(self, counted: AuditCounts) -> None:
        self._counted = counted

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One family for each thing that is counted."""
        yield self._decisions()
        yield GaugeMetricFamily(f"{_PREFIX}_approvals_waiting", "Approvals that wait", self._counted.pending)
        yield GaugeMetricFamily(f"{_PREFIX}_kill_switches", "Kill switches that are on", self._counted.switches)
        by_state = GaugeMetricFamily(f"{_PREFIX}_webhook_deliveries", "Deliveries to webhooks", labels=["state"])
        for state, count in self._counted.deliveries:
            by_state.add_metric([state], count)
        yield by_state

    def _decisions(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            f"{_PREFIX}_recorded_decisions", "Decisions in the audit", labels=["tool", "verdict"]
        )
        for (tool, verdict), count in _bounded(self._counted.decisions):
            family.add_metric([tool, verdict], count)
        return family


def _bounded(decisions: Iterable[tuple[str, str, int]]) -> Iterator[tuple[tuple[str, str], int]]:
    """The most frequent tools by name, the others together."""
    names, totals = ToolNames(), dict[tuple[str, str], int]()
    for tool, verdict, count in decisions:
        label = names.label(tool)
        totals[label, verdict] = totals.get((label, verdict), 0) + count
    yield from totals.items()
