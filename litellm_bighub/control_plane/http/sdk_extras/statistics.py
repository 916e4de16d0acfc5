"""`/actions/observer` and `/actions/dashboard`: counts of recorded decisions."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection, func, select

from litellm_bighub.control_plane.http.auth import Plane, Reader
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import approvals, events
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/actions")

DAY = 86400.0


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


def verdicts(connection: Connection, since: float, until: float | None = None) -> dict[str, int]:
    """How many decisions there were by verdict."""
    query = select(events.c.verdict, func.count()).where(events.c.type == DECISION, events.c.time >= since)
    if until is not None:
        query = query.where(events.c.time < until)
    counted: dict[str, int] = dict(connection.execute(query.group_by(events.c.verdict)).tuples().all())
    return {verdict: counted.get(verdict, 0) for verdict in ("allowed", "blocked", "requires_approval")}


def observer(connection: Connection, now: float) -> JsonObject:
    """BIGHUB's observer statistics."""
    today = _midnight(now)
    blocked = select(events.c.body).where(
        events.c.type == DECISION, events.c.verdict == "blocked", events.c.time >= now - 30 * DAY
    )
    reasons = Counter(json.loads(body)["blocked_by"] for body in connection.execute(blocked.limit(10_000)).scalars())
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
    query = select(events.c.verdict, events.c.body).where(
        events.c.type == DECISION,
        events.c.time >= since,
        events.c.verdict != "allowed",
        events.c.body.contains('"enforced":false'),  # or so they say: a call's arguments may
    )
    found = Counter(verdict for verdict, body in connection.execute(query) if not json.loads(body)["enforced"])
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
    query = select(events.c.time, events.c.body).where(
        events.c.type == DECISION, events.c.verdict == "blocked", events.c.time >= start
    )
    values: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for time, text in connection.execute(query):
        body = json.loads(text)
        if body["enforced"]:  # shadow mode protects nothing
            day = _day(time)
            counts[day] += 1
            values[day] += body["value"] or 0
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
