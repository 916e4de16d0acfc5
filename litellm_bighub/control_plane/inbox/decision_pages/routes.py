"""The pages of recorded decisions."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from sqlalchemy import Connection

from litellm_bighub.control_plane.http.auth import Plane
from litellm_bighub.control_plane.http.errors import existing
from litellm_bighub.control_plane.inbox.cards import view_of
from litellm_bighub.control_plane.inbox.decision_pages.decision_export import MEDIA_TYPES, ExportFormat, exported
from litellm_bighub.control_plane.inbox.decision_pages.decision_filter import DecisionFilter, listed
from litellm_bighub.control_plane.inbox.decision_pages.story import events_of, story
from litellm_bighub.control_plane.inbox.policy_page.recorded_rule import recorded_rules, rule_of_caller
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import LoggedIn
from litellm_bighub.control_plane.store.tables import approvals, events
from litellm_bighub.domain.digest import rules_digest
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/inbox/decisions", default_response_class=HTMLResponse, include_in_schema=False)
_PAGE = 50


def _filter(
    verdict: str = "",
    tool: str = "",
    actor: str = "",
    rule: str = "",
    q: Annotated[str, Query(max_length=200)] = "",
    since: date | Literal[""] = "",
    until: date | Literal[""] = "",
) -> DecisionFilter:
    return DecisionFilter(verdict, tool, actor, rule, q, since or None, until or None)


_Wanted = Annotated[DecisionFilter, Depends(_filter)]


@router.get("")
async def decisions(
    request: Request,
    plane: Plane,
    session: LoggedIn,
    wanted: _Wanted,
    before: Annotated[int, Query(ge=0, lt=2**63)] = 0,
) -> HTMLResponse:
    """The newest decisions that fit, and links to those before."""
    found = await plane.read(lambda connection: listed(connection, wanted, before=before, limit=_PAGE))
    older = found[-1].event["seq"] if len(found) == _PAGE else 0
    shown = {"decisions": found, "wanted": wanted, "older": older}
    return render(request, "decisions.html", session, plane.clock(), shown)


@router.get("/export")
async def export(
    plane: Plane, _: LoggedIn, wanted: _Wanted, kind: Annotated[ExportFormat, Query(alias="format")] = "csv"
) -> StreamingResponse:
    """All decisions that fit, as a file."""
    headers = {"Content-Disposition": f'attachment; filename="decisions.{kind}"'}
    return StreamingResponse(exported(plane, wanted, kind), media_type=MEDIA_TYPES[kind], headers=headers)


@router.get("/{decision_id}")
async def decision(request: Request, decision_id: str, plane: Plane, session: LoggedIn) -> HTMLResponse:
    """One decision with its whole story."""

    def query(connection: Connection) -> JsonObject | None:
        event = events.decision(connection, decision_id)
        if event is None:
            return None
        approval_id = event["body"]["approval_id"]
        approval = approvals.get(connection, approval_id) if approval_id else None
        asking = (event["body"]["policy_version"], event["rule_id"])
        rules = event["body"].get("caller_rules", "")
        return {
            "decision": event,
            "approval": approval,
            "story": list(story(events_of(connection, event, approval), approval)),
            "rule": rule_of_caller(rules, event["rule_id"]) or recorded_rules(connection, {asking}).get(asking),
            "caller_rules": rules_digest(rules),
        }

    found = existing(await plane.read(query), "decision", decision_id)
    tools, tool = plane.source.text.tools, found["decision"]["tool"]
    edited = found["approval"].edited if found["approval"] else None
    views = {
        "view": view_of(tool, found["decision"]["body"]["arguments"], tools),
        "edited_view": None if edited is None else view_of(tool, edited, tools),
    }
    return render(request, "decision.html", session, plane.clock(), {**found, **views})
