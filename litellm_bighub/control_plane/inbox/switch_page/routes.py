"""Kill switches, for everybody to see; who may use them sets and lifts them here, with a reason."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from litellm_bighub.control_plane.http.auth import Plane
from litellm_bighub.control_plane.http.sdk_extras.rule_questions import DOMAINS
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import LoggedIn, OwnForm, require_scope
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import events, switches
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.control_plane.store.tables.switches import Scope, Switch
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonMapping, JsonObject

router = APIRouter(prefix="/inbox/kill-switch", default_response_class=HTMLResponse, include_in_schema=False)
_ACTS = ("kill_switch.activated", "kill_switch.deactivated")
_LATELY = 10
_EMPTY = {"scope": "", "domain": "", "rule": "", "reason": ""}

Reason: TypeAlias = Annotated[str, Form(max_length=2000)]
Name: TypeAlias = Annotated[str, Form(max_length=200)]


@router.get("")
async def switch_page(request: Request, plane: Plane, session: LoggedIn) -> HTMLResponse:
    """What is on, and what was done lately."""
    return await _page(request, plane, session)


@router.post("")
async def turn_on(
    request: Request,
    plane: Plane,
    session: OwnForm,
    scope: Annotated[Scope | Literal[""], Form()] = "",
    domain: Name = "",
    rule: Name = "",
    reason: Reason = "",
) -> Response:
    """Set a kill switch. One that blocks the same as another is none."""
    require_scope(session, "kill_switch:write")
    domain, rule = (domain.strip() if scope == "domain" else ""), (rule if scope == "rule" else "")
    typed = {"scope": scope, "domain": domain, "rule": rule, "reason": reason}
    if not scope or (scope == "domain" and not domain) or (scope == "rule" and rule not in await _rules(plane)):
        return await _page(request, plane, session, note="switch_unclear", typed=typed)
    if not reason.strip():
        return await _page(request, plane, session, note="switch_reason", typed=typed)
    switch = Switch(f"sw_{plane.new_id()}", scope, domain, rule, reason.strip(), session.person.name, plane.clock())

    def job(transaction: Transaction) -> bool:
        if any(one.blocks == switch.blocks for one in switches.active(transaction.connection)):
            return False
        switches.turn_on(transaction, switch, person=session.person.id)
        return True

    if not await plane.write(job):
        return await _page(request, plane, session, note="switch_twice", typed=typed)
    return RedirectResponse("/inbox/kill-switch?note=switched_on", 303)


@router.post("/{switch_id}")
async def turn_off(request: Request, switch_id: str, plane: Plane, session: OwnForm, reason: Reason = "") -> Response:
    """Lift a kill switch."""
    require_scope(session, "kill_switch:write")
    if not reason.strip():
        return await _page(request, plane, session, note="switch_reason")
    person, now = session.person, plane.clock()

    def job(transaction: Transaction) -> bool:
        return switches.turn_off(
            transaction, switch_id, by=person.name, person=person.id, reason=reason.strip(), now=now
        )

    if not await plane.write(job):
        return await _page(request, plane, session, note="switch_gone")
    return RedirectResponse("/inbox/kill-switch?note=switched_off", 303)


async def _rules(plane: ControlPlane) -> list[str]:
    return list(dict.fromkeys(rule.id for rule in (await plane.snapshot()).policy.rules))


async def _page(
    request: Request, plane: ControlPlane, session: Login, *, note: str = "", typed: JsonMapping = _EMPTY
) -> HTMLResponse:
    may = "kill_switch:write" in session.person.scopes
    rules = await _rules(plane) if may else []

    def query(connection: Connection) -> JsonObject:
        lately = events.page(connection, table.c.type.in_(_ACTS), limit=_LATELY)
        return {"active": switches.active(connection), "lately": lately}

    shown = await plane.read(query)
    request.state.switches = shown["active"]  # what was read with the session may be older
    shown |= {"may": may, "rules": rules, "domains": [domain for domain, _ in DOMAINS], "typed": typed}
    return render(request, "kill_switch.html", session, plane.clock(), shown, status=422 if note else 200, note=note)
