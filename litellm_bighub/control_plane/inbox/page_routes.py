"""The inbox's pages. Forms work without JavaScript; the script adds what is live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from sqlalchemy import Connection, select

from litellm_bighub.control_plane.approvals.allowance import MINUTES
from litellm_bighub.control_plane.approvals.resolution import Answer, Resolution, ResolutionRefused
from litellm_bighub.control_plane.decisions import reservations
from litellm_bighub.control_plane.decisions.remaining_totals import RemainingTotal, for_reservations
from litellm_bighub.control_plane.http.auth import Plane
from litellm_bighub.control_plane.http.errors import existing
from litellm_bighub.control_plane.inbox.answer_form import FormRefused, read_form
from litellm_bighub.control_plane.inbox.cards import Typed, card, current_arguments
from litellm_bighub.control_plane.inbox.earlier_calls import earlier_calls
from litellm_bighub.control_plane.inbox.policy_page.recorded_rule import recorded_rules
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import COOKIE, LoggedIn, OwnForm, require_scope
from litellm_bighub.control_plane.inbox.waiting_list import EVERYTHING, PAGE, Order, WaitingFilter, waiting_list
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events as table, head
from litellm_bighub.control_plane.store.tables import approvals, events, logins
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/inbox", default_response_class=HTMLResponse, include_in_schema=False)

_STREAM_SECONDS = 600
_LOOK_AGAIN_SECONDS = 2.0


@router.get("")
async def inbox(
    request: Request,
    plane: Plane,
    session: LoggedIn,
    fragment: bool = False,  # noqa: FBT001, FBT002 - query parameters
    tool: str = "",
    actor: str = "",
    rule: str | None = None,
    q: Annotated[str, Query(max_length=200)] = "",
    order: Order = "newest",
) -> HTMLResponse:
    """What waits."""
    wanted = WaitingFilter(tool, actor, rule, q, order)
    template = "fragment.html" if fragment else "inbox.html"
    return await _inbox(request, plane, session, template=template, wanted=wanted)


async def _inbox(
    request: Request,
    plane: ControlPlane,
    session: Login,
    *,
    template: str = "inbox.html",
    wanted: WaitingFilter = EVERYTHING,
    typed: Typed | None = None,
    note: str = "",
) -> HTMLResponse:
    now = plane.clock()

    def query(connection: Connection) -> JsonObject:
        waiting = waiting_list(connection, wanted, now)
        recent = events.page(connection, table.c.type == DECISION, limit=8)
        askers = {(approval.tool, approval.actor) for approval in waiting.approvals}
        found: JsonObject = {"waiting": waiting, "recent": recent}
        found["earlier"] = earlier_calls(connection, askers, now)
        asking = {(approval.policy_version, approval.rule_id) for approval in waiting.approvals}
        found["rules"] = recorded_rules(connection, asking)
        return found

    found = await plane.read(query)
    found["totals"] = await _totals(plane, [approval.id for approval in found["waiting"].approvals], now)
    tools = plane.source.text.tools
    cards = [card(approval, tools, session.person, now, typed) for approval in found["waiting"].approvals]
    lost = typed if typed is not None and all(typed.approval_id != one.approval.id for one in cards) else None
    shared = {**found, "cards": cards, "wanted": wanted, "lost": lost, "may": _may_answer(session), "minutes": MINUTES}
    return render(request, template, session, now, shared, status=422 if note else 200, note=note)


@router.get("/approvals/{approval_id}")
async def approval_page(request: Request, approval_id: str, plane: Plane, session: LoggedIn) -> Response:
    """One call that waits, whole; a call that no longer waits has its decision's page."""
    found = await plane.read(lambda connection: approvals.get(connection, approval_id))
    approval = existing(found, "approval", approval_id)
    now = plane.clock()
    if approval.state_at(now) not in approvals.OPEN:
        return RedirectResponse(f"/inbox/decisions/{approval.decision_id}", 303)
    one = card(approval, plane.source.text.tools, session.person, now, longest=None)
    rule = (approval.policy_version, approval.rule_id)

    def query(connection: Connection) -> JsonObject:
        earlier = earlier_calls(connection, {(approval.tool, approval.actor)}, now)
        return {"earlier": earlier, "rules": recorded_rules(connection, {rule})}

    shown = {
        "card": one,
        "may": _may_answer(session),
        "minutes": MINUTES,
        "totals": await _totals(plane, [approval.id], now),
    }
    shown |= await plane.read(query)
    return render(request, "approval.html", session, now, shown)


async def _totals(plane: ControlPlane, ids: Sequence[str], now: float) -> Mapping[str, list[RemainingTotal]]:
    """What is left of sums, by approval. The policy is asked only if something is reserved: a writer waits for it."""
    reserved = await plane.read(lambda connection: reservations.of_approvals(connection, ids))
    if not reserved:
        return {}
    policy = (await plane.snapshot()).policy
    return await plane.read(lambda connection: for_reservations(connection, policy, reserved, now))


def _may_answer(session: Login) -> bool:
    return "approvals:resolve" in session.person.scopes


@router.post("/approvals/{approval_id}")
async def answer(
    request: Request,
    approval_id: str,
    plane: Plane,
    session: OwnForm,
    verdict: Annotated[Literal["approve", "deny", "respond", "edit", "allow"], Form()],
    comment: Annotated[str, Form(max_length=5000)] = "",
    minutes: Annotated[int, Form()] = 30,
    tell: Annotated[bool, Form()] = False,  # noqa: FBT002 - a box of the form
    response: Annotated[str, Form(max_length=5000)] = "",
) -> Response:
    """A person's answer, carried out whole or not at all. What could not be comes back with what was typed."""
    require_scope(session, "approvals:resolve")
    if verdict == "allow":
        require_scope(session, "rules:write")
    form = {name: text for name, text in (await request.form()).items() if isinstance(text, str)}

    async def refused(note: str) -> Response:
        return await _inbox(request, plane, session, typed=Typed(approval_id, verdict, form), note=note)

    denies = verdict in {"deny", "respond"}
    if verdict == "respond" and not response.strip():
        return await refused("answer_missing")
    approval = await plane.read(lambda connection: approvals.get(connection, approval_id))
    edited: Arguments | None = None
    if approval is not None and not denies:
        try:
            edited = read_form(form, approval, edits=verdict == "edit")
        except FormRefused as refusal:
            return await refused(refusal.note)
    said: Answer = "deny" if denies else "approve"
    kept = minutes if minutes in MINUTES else MINUTES[0]
    resolution = replace(
        _said_by(session.person, approval_id, said),
        comment=comment,
        edited=edited,
        allow_minutes=kept if verdict == "allow" else None,
        told=response if verdict == "respond" else comment if tell else "",
    )
    result = await plane.resolve(resolution)
    if isinstance(result, ResolutionRefused):
        return await refused(f"refused_{result.code}")
    if verdict == "allow" and result.state == "approved":
        return _redirect_with_note("allowed")
    if verdict == "respond":
        return _redirect_with_note("answered")
    return _redirect_with_note(
        {"awaiting_second": "first", "approved": "approved", "denied": "denied"}.get(result.state, "")
    )


def _said_by(person: Person, approval_id: str, answer: Answer) -> Resolution:
    return Resolution(
        approval_id,
        answer,
        by=person.name,
        person=person.id,
        user=person.user,
        groups=person.groups,
        litellm_user=person.litellm_user,
    )


@router.post("/approvals")
async def answer_many(
    plane: Plane,
    session: OwnForm,
    verdict: Annotated[Literal["approve", "deny"], Form()],
    calls: Annotated[list[str], Form(max_length=PAGE)],
) -> Response:
    """One answer to several calls, each as it was shown: `id digest`. What has changed since waits on."""
    require_scope(session, "approvals:resolve")
    answered = 0
    for call in calls:
        approval_id, _, shown = call.partition(" ")
        approval = await plane.read(partial(approvals.get, approval_id=approval_id))
        if approval is None or arguments_digest(current_arguments(approval)) != shown:
            continue
        said = _said_by(session.person, approval_id, verdict)
        answered += not isinstance(await plane.resolve(said), ResolutionRefused)
    note = "many" if answered == len(calls) else "not_all"
    return _redirect_with_note(note)


@router.get("/stream")
async def stream(request: Request, plane: Plane, _: LoggedIn) -> StreamingResponse:
    """Server-sent events: something changed. They end with the session."""
    cookie = request.cookies[COOKIE]
    return StreamingResponse(
        _changes(plane, cookie), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _changes(plane: ControlPlane, cookie: str) -> AsyncGenerator[str]:
    loop = asyncio.get_running_loop()
    end = loop.time() + _STREAM_SECONDS
    seen: int | None = None
    yield "retry: 2000\n\n"
    while loop.time() < end:
        with plane.signals.watch() as changed:
            if await plane.read(lambda connection: logins.find(connection, cookie, plane.clock())) is None:
                return
            seq = await plane.read(
                lambda connection: connection.execute(select(head.c.seq).where(head.c.id == 1)).scalar()
            )
            if seq == seen:
                yield ": still here\n\n"
            else:
                seen = seq
                yield f"event: changed\ndata: {seq}\n\n"
            await changed(_LOOK_AGAIN_SECONDS)


def _redirect_with_note(note: str) -> Response:
    return RedirectResponse(f"/inbox?note={note}", 303)
