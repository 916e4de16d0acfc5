"""The inbox's pages. Forms work without JavaScript; the script adds what is live."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from sqlalchemy import Connection, select

from litellm_bighub.control_plane.approvals.allowance import MINUTES
from litellm_bighub.control_plane.approvals.look import LookRefused, ShownValue, ValueLook
from litellm_bighub.control_plane.approvals.resolution import Answer, ResolutionRefused, said_by
from litellm_bighub.control_plane.decisions import reservations
from litellm_bighub.control_plane.decisions.remaining_totals import for_reservations
from litellm_bighub.control_plane.http.auth import Plane
from litellm_bighub.control_plane.http.errors import existing
from litellm_bighub.control_plane.inbox.answer_form import FormRefused, read_form
from litellm_bighub.control_plane.inbox.cards import WHOLE, Typed, card, space_among
from litellm_bighub.control_plane.inbox.earlier_calls import earlier_calls
from litellm_bighub.control_plane.inbox.policy_page.recorded_rule import RecordedRule, RuleOfVersion, recorded_rules
from litellm_bighub.control_plane.inbox.policy_page.rule_use import limits_of_call
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import COOKIE, LoggedIn, OwnForm, require_scope
from litellm_bighub.control_plane.inbox.waiting_list import (
    EVERYTHING,
    LONGEST_SEARCH,
    PAGE,
    Order,
    WaitingFilter,
    waiting_list,
)
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events as table, head
from litellm_bighub.control_plane.store.tables import approvals, events, keys, logins, sealed_values
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.domain.call import Arguments, restored_context
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/inbox", default_response_class=HTMLResponse, include_in_schema=False)

_ID = re.compile(r"[\w-]{1,100}", re.ASCII)
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
    q: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
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
        seq = _newest(connection)  # before what is shown: what comes in between is told to the page
        waiting = waiting_list(connection, wanted, now)
        if typed is not None:  # it comes first, on whichever page it was
            asked = approvals.get(connection, typed.approval_id)
            others = tuple(approval for approval in waiting.approvals if approval.id != typed.approval_id)
            is_open = asked is not None and asked.state_at(now) in approvals.OPEN
            waiting = replace(waiting, approvals=(asked, *others[: PAGE - 1]) if asked and is_open else others)
        recent = events.page(connection, table.c.type == DECISION, limit=8)
        askers = {(approval.tool, approval.actor) for approval in waiting.approvals}
        found: JsonObject = {"waiting": waiting, "recent": recent, "seq": seq}
        found["earlier"] = earlier_calls(connection, askers, now)
        asking = {(approval.policy_version, approval.rule_id) for approval in waiting.approvals}
        found["rules"] = recorded_rules(connection, asking)
        found["sealed"] = sealed_values.of_approvals(connection, [one.id for one in waiting.approvals])
        found["asking_keys"] = keys.names(connection, {one.asked_by for one in waiting.approvals} - {""})
        return found

    found = await plane.read(query)
    found |= await _left(plane, found["waiting"].approvals, found["rules"], now)
    tools = plane.source.text.tools
    shown = found["waiting"].approvals
    space = space_among(len(shown))
    sealed = found["sealed"]
    cards = [card(one, tools, session.person, now, typed, space=space, sealed=sealed.get(one.id, ())) for one in shown]
    lost = typed if typed is not None and all(typed.approval_id != one.approval.id for one in cards) else None
    following = {one.approval.id: after.approval.id for one, after in pairwise(cards)}
    shared = {
        **found,
        "cards": cards,
        "following": following,
        "wanted": wanted,
        "lost": lost,
        "may": _may_answer(session),
        "minutes": MINUTES,
    }
    return render(request, template, session, now, shared, status=422 if note else 200, note=note)


@router.get("/approvals/{approval_id}")
async def approval_page(request: Request, approval_id: str, plane: Plane, session: LoggedIn) -> Response:
    """One call that waits, whole; a call that no longer waits has its decision's page."""
    found = await plane.read(lambda connection: approvals.get(connection, approval_id))
    approval = existing(found, "approval", approval_id)
    if approval.state_at(plane.clock()) not in approvals.OPEN:
        return RedirectResponse(f"/inbox/decisions/{approval.decision_id}", 303)
    return await _whole(request, plane, session, approval)


async def _whole(
    request: Request,
    plane: ControlPlane,
    session: Login,
    approval: Approval,
    *,
    looked: ShownValue | None = None,
    typed: Typed | None = None,
    note: str = "",
) -> HTMLResponse:
    now = plane.clock()
    rule = (approval.policy_version, approval.rule_id)

    def query(connection: Connection) -> JsonObject:
        earlier = earlier_calls(connection, {(approval.tool, approval.actor)}, now)
        sealed = sealed_values.of_approvals(connection, [approval.id])
        names = keys.names(connection, {approval.asked_by} - {""})
        return {
            "earlier": earlier,
            "rules": recorded_rules(connection, {rule}),
            "sealed": sealed,
            "asking_keys": names,
        }

    found = await plane.read(query)
    sealed = found.pop("sealed").get(approval.id, ())
    one = card(approval, plane.source.text.tools, session.person, now, typed, space=WHOLE, sealed=sealed, looked=looked)
    left = await _left(plane, [approval], found["rules"], now)
    shown = {**found, **left, "card": one, "may": _may_answer(session), "minutes": MINUTES}
    return render(request, "approval.html", session, now, shown, status=422 if note else 200, note=note)


@router.post("/approvals/{approval_id}/show")
async def show(
    request: Request,
    approval_id: str,
    plane: Plane,
    session: OwnForm,
    argument: Annotated[str, Form(max_length=5000)] = "",
) -> Response:
    """A hidden value, for somebody who may look at it. What they have typed stays."""
    require_scope(session, "approvals:resolve")
    looked = await plane.look(ValueLook(approval_id, argument, session.person))
    if looked == LookRefused("over"):
        return _back_to("", "look_over")
    approval = existing(await plane.read(partial(approvals.get, approval_id=approval_id)), "approval", approval_id)
    form = {name: text for name, text in (await request.form()).items() if isinstance(text, str)}
    typed = Typed(approval_id, fields=form)
    if isinstance(looked, LookRefused):
        return await _whole(request, plane, session, approval, typed=typed, note=f"look_{looked.code}")
    return await _whole(request, plane, session, approval, looked=looked, typed=typed)


async def _left(
    plane: ControlPlane, waiting: Sequence[Approval], recorded: Mapping[RuleOfVersion, RecordedRule], now: float
) -> JsonObject:
    """What sums and limits leave, by approval. The policy is asked only if there are any: a writer waits for it."""
    ids = [approval.id for approval in waiting]
    reserved = await plane.read(lambda connection: reservations.of_approvals(connection, ids))
    asking = ((one, recorded.get((one.policy_version, one.rule_id))) for one in waiting)
    limited = [one for one, rule in asking if rule is not None and rule.limits_use]
    if not reserved and not limited:
        return {"totals": {}, "limits": {}}
    policy = (await plane.snapshot()).policy
    rules = {rule.id: rule for rule in policy.rules}

    def query(connection: Connection) -> JsonObject:
        limits = {
            one.id: limits_of_call(
                connection, rules[one.rule_id], restored_context(one.actor, one.domain, one.context), now
            )
            for one in limited
            if one.rule_id in rules
        }
        return {"totals": for_reservations(connection, policy, reserved, now), "limits": limits}

    return await plane.read(query)


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
    place: Annotated[str, Form()] = "",
    following: Annotated[str, Form()] = "",
) -> Response:
    """A person's answer, carried out whole or not at all. What could not be comes back with what was typed.

    `place` is the filter of the list in which the card stood, and `following` the card behind it.
    """
    require_scope(session, "approvals:resolve")
    if verdict == "allow":
        require_scope(session, "rules:write")
    form = {name: text for name, text in (await request.form()).items() if isinstance(text, str)}

    async def refused(note: str) -> Response:
        typed, wanted = Typed(approval_id, verdict, form), WaitingFilter.of_query(place)
        return await _inbox(request, plane, session, typed=typed, wanted=wanted, note=note)

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
        said_by(session.person, approval_id, said),
        shown=form.get("shown", ""),
        comment=comment,
        edited=edited,
        allow_minutes=kept if verdict == "allow" else None,
        told=response if verdict == "respond" else comment if tell else "",
    )
    result = await plane.resolve(resolution)
    if isinstance(result, ResolutionRefused):
        return await refused(f"refused_{result.code}")
    note = {"awaiting_second": "first", "approved": "approved", "denied": "denied"}.get(result.state, "")
    if verdict == "allow" and result.state == "approved":
        note = "allowed"
    return _back_to(place, "answered" if verdict == "respond" else note, following)


@router.post("/approvals")
async def answer_many(
    plane: Plane,
    session: OwnForm,
    verdict: Annotated[Literal["approve", "deny"], Form()],
    calls: Annotated[list[str], Form(max_length=PAGE)],
    place: Annotated[str, Form()] = "",
) -> Response:
    """One answer to several calls, each as it was shown: `id ballot`. What has changed since waits on."""
    require_scope(session, "approvals:resolve")
    answered = 0
    for call in calls:
        approval_id, _, shown = call.partition(" ")
        said = replace(said_by(session.person, approval_id, verdict), shown=shown)
        answered += not isinstance(await plane.resolve(said), ResolutionRefused)
    note = "many" if answered == len(calls) else "not_all"
    return _back_to(place, note)


@router.get("/stream")
async def stream(request: Request, plane: Plane, _: LoggedIn, seen: int | None = None) -> StreamingResponse:
    """Server-sent events: something changed since the event that a page has seen. They end with the session."""
    cookie = request.cookies[COOKIE]
    return StreamingResponse(
        _changes(plane, cookie, seen), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


def _newest(connection: Connection) -> int | None:
    """The number of the newest event."""
    return connection.execute(select(head.c.seq).where(head.c.id == 1)).scalar()


async def _changes(plane: ControlPlane, cookie: str, seen: int | None) -> AsyncGenerator[str]:
    loop = asyncio.get_running_loop()
    end = loop.time() + _STREAM_SECONDS
    yield "retry: 2000\n\n"
    while loop.time() < end:
        with plane.signals.watch() as changed:
            if await plane.read(lambda connection: logins.find(connection, cookie, plane.clock())) is None:
                return
            seq = await plane.read(_newest)
            if seq == seen:
                yield ": still here\n\n"
            else:
                seen = seq
                yield f"event: changed\ndata: {seq}\n\n"
            await changed(_LOOK_AGAIN_SECONDS)


def _back_to(place: str, note: str, card: str = "") -> Response:
    """Lead back to where a person was, with a note."""
    query = WaitingFilter.of_query(place).query
    anchor = f"#{card}" if _ID.fullmatch(card) else ""
    return RedirectResponse(f"/inbox?{query}{'&' if query else ''}note={note}{anchor}", 303)
