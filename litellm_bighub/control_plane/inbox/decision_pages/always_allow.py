"""The rule that would always allow a recorded call: for everybody to see, and for who may change rules to accept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from litellm_bighub.control_plane.decisions.rule_proposal import Reason, RuleProposal, propose
from litellm_bighub.control_plane.http import rules
from litellm_bighub.control_plane.http.auth import Plane
from litellm_bighub.control_plane.http.errors import existing
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import LoggedIn, OwnForm, require_scope
from litellm_bighub.control_plane.inbox.views.text_block import text_block
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/inbox/decisions", default_response_class=HTMLResponse, include_in_schema=False)


@router.get("/{decision_id}/always")
async def proposal_page(request: Request, decision_id: str, plane: Plane, session: LoggedIn) -> HTMLResponse:
    """The proposed rule, its place and what it does, or why there is none."""
    return _page(request, plane, session, *await _proposed(plane, decision_id))


@router.post("/{decision_id}/always")
async def accept(
    request: Request, decision_id: str, plane: Plane, session: OwnForm, shown: Annotated[str, Form()] = ""
) -> Response:
    """Put the rule in force that the person has seen. It answers nothing that waits."""
    require_scope(session, "rules:write")
    event, found = await _proposed(plane, decision_id)
    if not isinstance(found, RuleProposal) or not found.in_place or found.digest != shown:
        return _page(request, plane, session, event, found, note="always_changed")
    rule_id, now, proposal = f"rule_{plane.new_id()}", plane.clock(), found
    approval_id = event["body"]["approval_id"]
    reason = f"accepted for {decision_id}" + (f" and {approval_id}" if approval_id else "")

    def job(transaction: Transaction) -> bool:
        if plane.deciding.snapshot(transaction, now).policy.version != proposal.policy_version:
            return False
        rules.add(transaction, rule_id, proposal.text, by=session.person.name, now=now, reason=reason)
        return True

    if not await plane.write(job):
        return _page(request, plane, session, *await _proposed(plane, decision_id), note="always_changed")
    return RedirectResponse(f"/inbox/decisions/{decision_id}/always?note=always_accepted", 303)


async def _proposed(plane: ControlPlane, decision_id: str) -> tuple[JsonObject, RuleProposal | Reason]:
    snapshot = await plane.snapshot()

    def query(connection: Connection) -> tuple[JsonObject, RuleProposal | Reason] | None:
        event = events.decision(connection, decision_id)
        return None if event is None else (event, propose(connection, snapshot, event))

    return existing(await plane.read(query), "decision", decision_id)


def _page(
    request: Request,
    plane: ControlPlane,
    session: Login,
    event: JsonObject,
    found: RuleProposal | Reason,
    *,
    note: str = "",
) -> HTMLResponse:
    proposal = found if isinstance(found, RuleProposal) else None
    shown = {
        "decision": event,
        "proposal": proposal,
        "rule": None if proposal is None else text_block(proposal.yaml),
        "examples": [] if proposal is None else [text_block(one) for one in proposal.examples],
        "why": "" if isinstance(found, RuleProposal) else f"page_always_{found.name.lower()}",
        "may": "rules:write" in session.person.scopes,
    }
    return render(request, "always.html", session, plane.clock(), shown, status=422 if note else 200, note=note)
