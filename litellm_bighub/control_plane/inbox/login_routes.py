"""Logging in, as a user or with an API key, and out."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from litellm_bighub.control_plane.http.auth import Plane, address_of
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import COOKIE, OwnEnteringForm, sent_over_tls, set_cookie
from litellm_bighub.control_plane.inbox.way_back import LOGIN, way_back
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.accounts import end_login
from litellm_bighub.control_plane.people.attempts import Attempts, AttemptSource
from litellm_bighub.control_plane.people.passwords import LONGEST, Passwords
from litellm_bighub.control_plane.people.roles import AGENT
from litellm_bighub.control_plane.people.second_factor import STEP_SECONDS, SecondFactor
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import keys, logins
from litellm_bighub.control_plane.store.tables.keys import Key
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject

CODE: Final = "/inbox/login/code"
STEP_COOKIE: Final = "bighub_login_step"
logger = logging.getLogger(__name__)
router = APIRouter(prefix="/inbox", default_response_class=HTMLResponse, include_in_schema=False)


@router.get("/login")
async def login_page(request: Request, plane: Plane, next: str = "") -> HTMLResponse:  # noqa: A002 - in the address
    """Ask who it is."""
    return await login_form(request, plane, next)


@router.post("/login")
async def login(
    request: Request,
    plane: Plane,
    key: Annotated[str, Form(max_length=500)] = "",
    user: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=LONGEST)] = "",
    next: Annotated[str, Form()] = "",  # noqa: A002 - a field of the form
) -> Response:
    """Log in with name and password, or with an API key that may read or resolve. Agents' keys are of no use here."""
    attempts: Attempts = request.app.state.attempts
    address = address_of(request) or ""
    sources = [AttemptSource.of_address(address)]
    if not key:
        sources.append(AttemptSource.of_user(users.user_name(user) or ""))
    if not attempts.begin(*sources):
        return await login_form(
            request, plane, next, problem=plane.wording.inbox_login_throttled, user=user, status=429
        )
    who = await (_key(plane, key, address) if key else _user(request, plane, user, password))
    now = plane.clock()
    if isinstance(who, User) and who.has_totp:
        attempts.succeeded(*sources)
        factor: SecondFactor = request.app.state.second_factor
        passed = factor.password_passed(who, now)
        if passed is None:
            logger.error("%s cannot log in: no key seals second factors", who.name)
            return await login_form(request, plane, next, problem=plane.wording.inbox_code_unchecked, status=503)
        return code_form(request, plane, passed, next)

    def job(transaction: Transaction) -> str:
        if not isinstance(who, str) and _opens_still(transaction.connection, who, address, plane):
            return start_session(request, transaction, who, now)
        refused(transaction, who if isinstance(who, str) else who.id, "key" if key else "password", address, now)
        return ""

    cookie = await plane.write(job)
    if not cookie:
        problem = plane.wording.inbox_login_refused if key else plane.wording.inbox_password_refused
        return await login_form(request, plane, next, problem=problem, user=user, status=401)
    attempts.succeeded(*sources)
    response = RedirectResponse(way_back(next), 303)
    set_cookie(request, response, cookie)
    return response


@router.post("/logout")
async def logout(plane: Plane, login: OwnEnteringForm) -> Response:
    """Log out."""
    now = plane.clock()

    def job(transaction: Transaction) -> None:
        for session in logins.listed(transaction.connection, now):
            if session.id == login.session:
                end_login(transaction, session, by=login.person.name, reason="logged out", now=now)

    await plane.write(job)
    response = RedirectResponse(LOGIN, 303)
    response.delete_cookie(COOKIE, path="/inbox")
    return response


async def login_form(
    request: Request, plane: ControlPlane, page: str, *, problem: str = "", user: str = "", status: int = 200
) -> HTMLResponse:
    """The page on which people log in."""
    has_users = any(one.password for one in await plane.read(users.everybody))
    shown = {"problem": problem, "next": way_back(page), "typed": user, "has_users": has_users}
    shown["has_provider"] = request.app.state.provider is not None
    return render(request, "login.html", None, plane.clock(), shown, status=status)


def code_form(
    request: Request, plane: ControlPlane, passed: str, page: str, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    """The page that asks for a code. The browser keeps that the password was right, for the code's form alone."""
    shown = {"problem": problem, "next": way_back(page)}
    response = render(request, "code.html", None, plane.clock(), shown, status=status)
    response.set_cookie(
        STEP_COOKIE,
        passed,
        max_age=STEP_SECONDS,
        path=CODE,
        secure=sent_over_tls(request),
        httponly=True,
        samesite="strict",
    )
    return response


def start_session(
    request: Request,
    transaction: Transaction,
    who: Key | User,
    now: float,
    *,
    until: float | None = None,
    second_factor: str = "",
) -> str:
    """Log a person in, and record it; the cookie's value."""
    address, client = address_of(request) or "", request.headers.get("user-agent", "")
    cookie = logins.start(transaction.connection, who, now, address=address, client=client, until=until)
    body = {"name": who.name, "session": logins.session_id(cookie), "address": address}
    if second_factor:
        body["second_factor"] = second_factor
    transaction.append(AuditEvent(now, "login.started", who.id, body))
    return cookie


async def _key(plane: ControlPlane, secret: str, address: str) -> Key | str:
    """The key that logs in; or the id of one that does not, empty for none."""
    found = await plane.read(lambda connection: keys.find(connection, secret.strip()))
    if found is None:
        return ""
    return found if _opens(found, address, plane) else found.id


def _opens(key: Key, address: str, plane: ControlPlane) -> bool:
    now = plane.clock()
    is_good = key.valid_at(now) and plane.rule_names.roles_count(key.roles_of, now)
    return is_good and key.may_come_from(address) and not key.scopes <= AGENT


async def _user(request: Request, plane: ControlPlane, name: str, password: str) -> User | str:
    """The user who logs in; or the id of one who does not, empty for none. All of them take the same time."""
    passwords: Passwords = request.app.state.passwords
    known = users.user_name(name)
    found = await plane.read(lambda connection: users.named(connection, known or ""))
    fits = await passwords.fits(password, None if found is None else found.password)
    if found is None:
        return ""
    return found if fits and found.disabled_at is None else found.id


def _opens_still(connection: Connection, who: Key | User, address: str, plane: ControlPlane) -> bool:
    """Whether who was let in can log in now: comparing a password takes time, in which much may change."""
    if isinstance(who, Key):
        key = keys.get(connection, who.id)
        return key is not None and _opens(key, address, plane)
    user = users.get(connection, who.id)
    if user is None or user.disabled_at is not None:
        return False
    return user.password == who.password and not user.has_totp


def refused(transaction: Transaction, who: str, how: str, address: str, now: float) -> None:
    """Record a refused login; what was typed is left out, since it may be a password in the wrong field."""
    body: JsonObject = {"with": how, "address": address}
    transaction.append(AuditEvent(now, "login.refused", who, body, severity="warning"))
