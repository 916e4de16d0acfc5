"""Giving a code at a login, and enrolling: the secret as a QR code, a first code, and recovery codes, shown once."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import segno
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from litellm_bighub.control_plane.http.auth import Plane, address_of
from litellm_bighub.control_plane.http.errors import existing
from litellm_bighub.control_plane.inbox.login_routes import (
    CODE,
    STEP_COOKIE,
    code_form,
    login_form,
    refused,
    start_session,
)
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import Entering, OwnEnteringForm, set_cookie
from litellm_bighub.control_plane.inbox.way_back import way_back
from litellm_bighub.control_plane.people import totp, users
from litellm_bighub.control_plane.people.attempts import Attempts, AttemptSource
from litellm_bighub.control_plane.people.passwords import LONGEST, Passwords
from litellm_bighub.control_plane.people.second_factor import Enrolment, SecondFactor
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.control_plane.store.transaction import Transaction

PAGE = "/inbox/people/totp"
router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
Code: TypeAlias = Annotated[str, Form(max_length=100)]


@router.post(CODE)
async def give_code(request: Request, plane: Plane, code: Code = "", next: Annotated[str, Form()] = "") -> Response:  # noqa: A002
    """Let in whose password was right, and whose code is."""
    attempts: Attempts = request.app.state.attempts
    factor: SecondFactor = request.app.state.second_factor
    address, cookie, now = address_of(request) or "", request.cookies.get(STEP_COOKIE, ""), plane.clock()
    known = await plane.read(lambda connection: factor.asked(connection, cookie, now))
    if known is None:
        return await login_form(request, plane, next, problem=plane.wording.inbox_code_late, status=422)
    sources = AttemptSource.of_address(address), AttemptSource.of_code(known.id)
    if not attempts.begin(*sources):
        return code_form(request, plane, cookie, next, problem=plane.wording.inbox_login_throttled, status=429)

    def job(transaction: Transaction) -> str:
        user = factor.asked(transaction.connection, cookie, now)
        used = None if user is None else factor.spend(transaction, user, code, now)
        if user is None or used is None:
            refused(transaction, known.id, "code", address, now)
            return ""
        return start_session(request, transaction, user, now, second_factor=used)

    session = await plane.write(job)
    if not session:
        return code_form(request, plane, cookie, next, problem=plane.wording.inbox_code_wrong, status=401)
    attempts.succeeded(*sources)
    response = RedirectResponse(way_back(next), 303)
    set_cookie(request, response, session)
    response.delete_cookie(STEP_COOKIE, path=CODE)
    return response


@router.get(PAGE)
async def enrolment_page(request: Request, plane: Plane, login: Entering) -> HTMLResponse:
    """A secret to enrol with; for who has one, the way to give it up."""
    user = await _user(request, plane, login)
    return _page(request, plane, login, user)


@router.post(PAGE)
async def enrol(
    request: Request,
    plane: Plane,
    login: OwnEnteringForm,
    candidate: Annotated[str, Form(max_length=500)] = "",
    password: Annotated[str, Form(max_length=LONGEST)] = "",
    code: Code = "",
) -> Response:
    """Enrol with the password and the app's first code, so that nobody does at an open browser."""
    user = await _user(request, plane, login)
    factor: SecondFactor = request.app.state.second_factor
    passwords: Passwords = request.app.state.passwords
    attempts: Attempts = request.app.state.attempts
    enrolment = factor.waiting(user.id, candidate)
    sources = AttemptSource.of_user(user.name), AttemptSource.of_code(user.id)
    if enrolment is None:
        return _page(request, plane, login, user, note="code_wrong")
    if not attempts.begin(*sources):
        return _page(request, plane, login, user, enrolment, note="login_throttled")
    if not await passwords.fits(password, user.password):
        return _page(request, plane, login, user, enrolment, note="password_wrong")
    now = plane.clock()

    def job(transaction: Transaction) -> list[str] | None:
        found = users.get(transaction.connection, user.id)
        if found is None or found.password != user.password:  # changed while it was compared
            return None
        return factor.enrol(transaction, login, enrolment, code, now)

    codes = await plane.write(job)
    if codes is None:
        return _page(request, plane, login, user, enrolment, note="code_wrong")
    attempts.succeeded(*sources)
    return render(request, "recovery_codes.html", login, now, {"codes": codes})


@router.post(f"{PAGE}/remove")
async def remove(request: Request, plane: Plane, login: OwnEnteringForm, code: Code = "") -> Response:
    """Give a second factor up with one of its codes, to enrol another app or none."""
    user = await _user(request, plane, login)
    factor: SecondFactor = request.app.state.second_factor
    attempts: Attempts = request.app.state.attempts
    source, now = AttemptSource.of_code(user.id), plane.clock()
    if not attempts.begin(source):
        return _page(request, plane, login, user, note="login_throttled")

    def job(transaction: Transaction) -> bool:
        found = users.get(transaction.connection, user.id)
        return found is not None and factor.remove(transaction, found, code, now)

    if not await plane.write(job):
        return _page(request, plane, login, user, note="code_wrong")
    attempts.succeeded(source)
    return RedirectResponse("/inbox/people?note=totp_removed", 303)


async def _user(request: Request, plane: ControlPlane, login: Login) -> User:
    """The user of the session.

    Raises:
        HTTPException: 404 for whoever has no password, and where no secret can be sealed.
    """
    factor: SecondFactor = request.app.state.second_factor
    asked = login.has_password and factor.is_offered
    found = await plane.read(lambda connection: users.get(connection, login.person.id)) if asked else None
    return existing(found, "page", PAGE)


def _page(
    request: Request,
    plane: ControlPlane,
    login: Login,
    user: User,
    enrolment: Enrolment | None = None,
    *,
    note: str = "",
) -> HTMLResponse:
    factor: SecondFactor = request.app.state.second_factor
    enrolment = None if user.has_totp else enrolment or factor.begin(user.id)
    drawn = "" if enrolment is None else _qr_code(totp.setup_address(enrolment.secret, user.name))
    shown = {"user": user, "enrolment": enrolment, "qr_code": drawn, "required": factor.is_required}
    return render(request, "totp.html", login, plane.clock(), shown, status=422 if note else 200, note=note)


def _qr_code(text: str) -> Markup:
    drawn = segno.make_qr(text, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True)
    return Markup(drawn)  # noqa: S704 - paths and numbers of the library
