"""The page of the policy, and what the policy says of a call. Nothing here decides, counts or reserves."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from litellm_bighub.control_plane.decisions.explained_call import ExplainedCall, explained_call
from litellm_bighub.control_plane.decisions.recorded_decision import PolicySnapshot
from litellm_bighub.control_plane.decisions.replay import hides_arguments, recorded_call
from litellm_bighub.control_plane.http.auth import Plane
from litellm_bighub.control_plane.http.errors import existing
from litellm_bighub.control_plane.inbox.policy_page.explain_form import (
    CALLER,
    KINDS,
    ExplainForm,
    ExplainRefused,
    asked_call,
    form_of,
)
from litellm_bighub.control_plane.inbox.policy_page.rule_use import use_of_rules
from litellm_bighub.control_plane.inbox.policy_page.rule_view import rule_views
from litellm_bighub.control_plane.inbox.render import render, said
from litellm_bighub.control_plane.inbox.sessions import LoggedIn, OwnForm
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import events, policies
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.domain.call import CallContext, ToolCall, restored_context
from litellm_bighub.domain.decision import Block
from litellm_bighub.policy.authoring.rule_mismatch import readings, sides

router = APIRouter(prefix="/inbox/policy", default_response_class=HTMLResponse, include_in_schema=False)
_EMPTY = ExplainForm({"arguments": "{}", "actor": CallContext().actor, "domain": CallContext().domain})


@router.get("")
async def policy_page(
    request: Request, plane: Plane, session: LoggedIn, days: Literal["7", "30", "90"] = "7"
) -> HTMLResponse:
    """The rules in order, and what each of them did."""
    snapshot, now = await plane.snapshot(), plane.clock()

    def page(connection: Connection) -> HTMLResponse:
        use = use_of_rules(connection, snapshot.policy, now, int(days))
        known = policies.get(connection, snapshot.policy.version)
        file = "" if plane.source.path is None else plane.source.path.name
        shown = {
            "snapshot": snapshot,
            "rules": list(rule_views(snapshot, file, use, now)),
            "default": use[""],
            "file": file,
            "problem": plane.source.problem,
            "since": None if known is None else known[0],
            "days": days,
        }
        return render(request, "policy.html", session, now, shown)

    return await plane.read(page)  # in a thread of a reader: a long policy takes time to print


@router.get("/explain")
async def explain_page(request: Request, plane: Plane, session: LoggedIn, decision: str = "") -> HTMLResponse:
    """A form for a call; with the id of a recorded decision, what the policy in force says of that call."""
    if not decision:
        return _explain_page(request, plane, session, _EMPTY)
    event = existing(await plane.read(lambda connection: events.decision(connection, decision)), "decision", decision)
    snapshot = await plane.snapshot()
    call = recorded_call(snapshot.policy, event)
    context = restored_context(event["actor"], event["domain"], event["body"])
    explained = await _explained(plane, snapshot, call, context, event["body"]["approval_id"])
    form = form_of(call, context)
    return _explain_page(request, plane, session, form, explained, decision=decision, hides=hides_arguments(event))


@router.post("/explain")
async def explain(request: Request, plane: Plane, session: OwnForm) -> HTMLResponse:
    """What the policy in force says of a call that was typed."""
    typed = ExplainForm({name: text for name, text in (await request.form()).items() if isinstance(text, str)})
    try:
        call, context = asked_call(typed)
    except ExplainRefused as refused:
        return _explain_page(request, plane, session, typed, refused=refused)
    snapshot = await plane.snapshot()
    measured = snapshot.tools.find(call.name).measure(call)
    if isinstance(measured, Block):
        blocked = ExplainRefused("arguments", "page_explain_blocked", problem=measured.reason)
        return _explain_page(request, plane, session, typed, refused=blocked)
    return _explain_page(request, plane, session, typed, await _explained(plane, snapshot, measured, context))


async def _explained(
    plane: ControlPlane, snapshot: PolicySnapshot, call: ToolCall, context: CallContext, approval_id: str = ""
) -> ExplainedCall:
    now = plane.clock()
    return await plane.read(
        lambda connection: explained_call(connection, snapshot, call, context, now, approval_id=approval_id)
    )


def _explain_page(
    request: Request,
    plane: ControlPlane,
    session: Login,
    form: ExplainForm,
    explained: ExplainedCall | None = None,
    *,
    refused: ExplainRefused | None = None,
    decision: str = "",
    hides: bool = False,
) -> HTMLResponse:
    shown = {
        "form": form,
        "explained": explained,
        "refused": refused,
        "refused_told": "" if refused is None else said(getattr(plane.wording, refused.note), **refused.values),
        "decision": decision,
        "hides": hides,
        "kinds": KINDS,
        "caller": CALLER,
        "sides": sides,
        "readings": readings,
    }
    status = 200 if refused is None else 422
    return render(request, "explain.html", session, plane.clock(), shown, status=status)
