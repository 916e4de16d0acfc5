"""`/actions/observer` and `/actions/dashboard`: counts of recorded decisions."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy import Connection, func, select

from litellm_bighub.control_plane.audit import event_counts
from litellm_bighub.control_plane.http.auth import Plane, Reader
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import approvals
from litellm_bighub.control_plane.store.tables.clock_checks import DAY
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/actions")

_BLOCKED: Final[dict[event_counts.Column, str | int]] = {"type": DECISION, "verdict": "blocked"}


@router.get("/observer/stats")
async def observer_stats(plane: Plane, _: Reader) -> JsonObject:
    """Counts of decisions by span of time."""
    now = plane.clock()
    return await plane.read(lambda connection: observer(connection, now))


@router.get("/dashboard/summary")
async def dashboard_summary(plane: Plane, _: Reader) -> JsonObject:
    """This month in a few numbers."""
    now = plane.clock()
    return await plane.read(lambda connection: dashboard(connection, now))


@router.get("/dashboard/value-protected-history")
async def value_history(plane: Plane, _: Reader, days: Annotated[int, Query(ge=1, le=366)] = 30) -> JsonObject:
    """Blocked value by day."""
    now = plane.clock()
    return await plane.read(lambda connection: value_protected(connection, now, days))


def verdicts(connection: Connection, since: float) -> dict[str, int]:
    """How many decisions there were by verdict, since the beginning of a day."""
    counted = event_counts.by_value(event_counts.totals(connection, ("verdict",), {"type": DECISION}, since))
    return {verdict: counted[verdict] for verdict in ("allowed", "blocked", "requires_approval")}


def observer(connection: Connection, now: float) -> JsonObject:
    """BIGHUB's observer statistics."""
    today = _midnight(now)
    blocked = event_counts.totals(connection, ("blocked_by",), _BLOCKED, now - 30 * DAY)
    reasons = event_counts.by_value(blocked)
    week = verdicts(connection, now - 7 * DAY)
    return {
        "insight": _insight(week),
        "today": verdicts(connection, today),
        "week": week,
        "month": verdicts(connection, now - 30 * DAY),
        "all_time": verdicts(connection, 0),
        "top_blocked_by": [{"blocked_by": name, "count": count} for name, count in reasons.most_common(10)],
        "shadow": would_withhold(connection, now - 30 * DAY),
    }


def would_withhold(connection: Connection, since: float) -> dict[str, int]:
    """How many calls shadow mode let pass that would have been withheld."""
    counts = event_counts.totals(connection, ("verdict",), {"type": DECISION, "enforced": 0}, since)
    found = event_counts.by_value(counts)
    return {"would_block": found["blocked"], "would_ask": found["requires_approval"]}


def dashboard(connection: Connection, now: float) -> JsonObject:
    """BIGHUB's dashboard."""
    month_start = datetime.fromtimestamp(now, timezone.utc).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month = verdicts(connection, month_start.timestamp())
    week = verdicts(connection, now - 7 * DAY)
    resolved = select(func.count()).where(approvals.c.resolved_at >= month_start.timestamp())
    pending = select(func.count()).where(
        approvals.c.state.in_(("pending", "awaiting_second")), approvals.c.expires_at > now
    )
    return {
        "blocked_this_month": month["blocked"],
        "value_protected": value_protected(connection, now, 30)["total_value_protected"],
        "approvals_resolved": connection.execute(resolved).scalar_one(),
        "total_validations_this_month": sum(month.values()),
        "allowed_this_month": month["allowed"],
        "pending_approvals": connection.execute(pending).scalar_one(),
        "today": verdicts(connection, _midnight(now)),
        "week": week,
        "insight": _insight(week),
    }


def value_protected(connection: Connection, now: float, days: int) -> JsonObject:
    """The value of blocked calls by day."""
    start = _midnight(now) - (days - 1) * DAY
    # shadow mode protects nothing
    blocked = event_counts.totals(connection, ("day",), {**_BLOCKED, "enforced": 1}, start)
    values: defaultdict[str, float] = defaultdict(float)
    counts: Counter[str] = Counter()
    for (day,), one in blocked.items():
        date = _day(day * DAY)
        counts[date] += one.number
        values[date] += one.value
    data = [
        {"date": day, "value_protected": values[day], "blocked_count": counts[day]}
        for day in (_day(start + index * DAY) for index in range(days))
    ]
    return {
        "data": data,
        "total_value_protected": sum(values.values()),
        "total_blocked": sum(counts.values()),
        "period_days": days,
    }


def _midnight(now: float) -> float:
    moment = datetime.fromtimestamp(now, timezone.utc)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _day(time: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=time)).strftime("%Y-%m-%d")


def _insight(week: dict[str, int]) -> str:
    total = sum(week.values())
    if not total:
        return "no decisions in the last 7 days"
    share = 100 * week["blocked"] / total
    return f"{total} decisions in the last 7 days, {share:.0f} % blocked"
