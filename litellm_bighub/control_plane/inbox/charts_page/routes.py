"""The page of charts."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection, select

from litellm_bighub.control_plane.http.auth import Plane
from litellm_bighub.control_plane.inbox.charts_page import charts
from litellm_bighub.control_plane.inbox.charts_page.time_span import SPAN_NAMES, SPANS, SpanName, decision_counts
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import LoggedIn
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/inbox/charts", default_response_class=HTMLResponse, include_in_schema=False)
_SAMPLES = 5_000


@router.get("")
async def charts_page(request: Request, plane: Plane, session: LoggedIn, span: SpanName = "24h") -> HTMLResponse:
    """What was decided in the last hour, day, week, month or quarter."""
    now = plane.clock()
    shown = SPANS[span]

    def query(connection: Connection) -> JsonObject:
        counts = decision_counts(connection, shown, now)
        # Decisions alone have a verdict. A condition on the type would have SQLite read all of that type.
        bodies = (
            select(table.c.body)
            .where(table.c.verdict != "", table.c.time >= shown.start(now))
            .order_by(table.c.time.desc())
            .limit(_SAMPLES)
        )
        taken = [json.loads(body)["latency_ms"] for body in connection.execute(bodies).scalars()]
        return {
            "total": counts.by_bar.total(),
            "sampled": len(taken),
            "over_time": charts.over_time(counts.by_bar, shown, now),
            "by_tool": charts.by_tool(counts.by_tool),
            "latency": charts.latency(taken),
        }

    drawn = await plane.read(query)
    return render(request, "charts.html", session, now, {"span": shown, "spans": SPAN_NAMES, **drawn})
