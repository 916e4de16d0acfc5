"""The page of people: who they are, who is logged in, and one's own password."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from litellm_bighub.control_plane.http.auth import Plane
from litellm_bighub.control_plane.http.errors import WordedError, existing
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import LoggedIn, OwnForm, require_scope
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.accounts import change_user, disabled, end_login
from litellm_bighub.control_plane.people.attempts import Attempts, AttemptSource
from litellm_bighub.control_plane.people.passwords import LONGEST, SHORTEST, Passwords
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import logins
from litellm_bighub.control_plane.store.tables.logins import Login, Session
from litellm_bighub.control_plane.store.transaction import Transaction

router = APIRouter(prefix="/inbox/people", default_response_class=HTMLResponse, include_in_schema=False)


@router.get("")
async def people(request: Request, plane: Plane, login: LoggedIn) -> HTMLResponse:
    """Everybody, for those who may see or change them; for others, themselves."""
    return await _page(request, plane, login)


@router.post("/password")
async def password(
    request: Request,
    plane: Plane,
    login: OwnForm,
    old: Annotated[str, Form(max_length=LONGEST)] = "",
    new: Annotated[str, Form(max_length=LONGEST)] = "",
) -> Response:
    """Change one's own password, which logs out everywhere."""
    found = await plane.read(lambda connection: users.get(connection, login.person.id)) if login.has_password else None
    user = existing(found, "user", login.person.name)
    passwords: Passwords = request.app.state.passwords
    attempts: Attempts = request.app.state.attempts
    source = AttemptSource.of_user(user.name)
    if not attempts.begin(source):
        return await _page(request, plane, login, note="login_throttled")
    if not await passwords.fits(old, user.password):
        return await _page(request, plane, login, note="password_wrong")
    attempts.succeeded(source)
    if len(new) < SHORTEST:
        return await _page(request, plane, login, note="password_short")
    stored = await passwords.hash(new)

    def renewed(now: User) -> User:
        """With the new password, unless another one was set while the old one was compared."""
        return replace(now, password=stored) if now.password == user.password else now

    changed = existing(await change_user(plane, user.id, renewed, by=user.name), "user", user.name)
    if changed.password != stored:
        return await _page(request, plane, login, note="password_wrong")
    return RedirectResponse("/inbox/login", 303)


@router.post("/users/{user_id}")
async def change(
    user_id: str, plane: Plane, login: OwnForm, verdict: Annotated[Literal["disable", "enable"], Form()]
) -> Response:
    """Let a user no longer in, or again. Nobody locks themselves out."""
    require_scope(login, "users:write")
    if user_id == login.person.id:
        raise WordedError(422, "", "api_not_oneself", {})
    at = plane.clock() if verdict == "disable" else None
    changed = await change_user(plane, user_id, disabled(at), by=login.person.name)
    existing(changed, "user", user_id)
    return RedirectResponse("/inbox/people?note=user_changed", 303)


@router.post("/sessions/{session_id}")
async def end(session_id: str, plane: Plane, login: OwnForm) -> Response:
    """End a session: one's own, or anybody's for those who may change people."""
    now = plane.clock()
    known = await plane.read(lambda connection: logins.listed(connection, now))
    session = existing(next((one for one in known if one.id == session_id), None), "session", session_id)
    if not _is_own(session, login):
        require_scope(login, "users:write")

    def job(transaction: Transaction) -> None:
        end_login(transaction, session, by=login.person.name, reason="revoked", now=now)

    await plane.write(job)
    return RedirectResponse("/inbox/people?note=session_ended", 303)


async def _page(request: Request, plane: ControlPlane, login: Login, *, note: str = "") -> HTMLResponse:
    now = plane.clock()
    sees_all = bool({"audit:read", "users:write"} & login.person.scopes)
    everybody = await plane.read(users.everybody) if sees_all else []
    sessions = await plane.read(lambda connection: logins.listed(connection, now))
    shown = {
        "users": everybody,
        "sessions": [one for one in sessions if sees_all or _is_own(one, login)],
        "sees_all": sees_all,
        "offers_totp": request.app.state.second_factor.is_offered,
        "may_change": "users:write" in login.person.scopes,
        "shortest": SHORTEST,
    }
    return render(request, "people.html", login, now, shown, status=422 if note else 200, note=note)


def _is_own(session: Session, login: Login) -> bool:
    return session.user_id == login.person.id if login.is_user else session.id == login.session
