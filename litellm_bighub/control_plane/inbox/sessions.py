"""Who is logged in, and forms that only our own pages can send."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from litellm_bighub.control_plane.http.auth import Plane, address_of
from litellm_bighub.control_plane.http.errors import WordedError
from litellm_bighub.control_plane.people.roles import Scope
from litellm_bighub.control_plane.people.second_factor import SecondFactor
from litellm_bighub.control_plane.store.tables import logins, switches
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.control_plane.store.tables.switches import Switch

COOKIE = "bighub_session"


class LoginNeeded(Exception):  # noqa: N818 - names the state; answered with a redirect
    """Nobody is logged in."""


class EnrolmentNeeded(Exception):  # noqa: N818 - names the state; answered with a redirect
    """Somebody is logged in without a second factor, which is required."""


async def entering(request: Request, plane: Plane) -> Login:
    """The session of the request's cookie. The kill switches that are on are read with it, for every page.

    Raises:
        LoginNeeded: there is none.
    """
    cookie = request.cookies.get(COOKIE)
    if cookie:
        now = plane.clock()

        def look(connection: Connection) -> tuple[Login | None, Sequence[Switch]]:
            return logins.find(connection, cookie, now, plane.rule_names), switches.active(connection)

        session, request.state.switches = await plane.read(look)
        if session is not None and session.may_come_from(address_of(request)):
            return session
    raise LoginNeeded


Entering = Annotated[Login, Depends(entering)]


async def logged_in(request: Request, session: Entering) -> Login:
    """The same, with a second factor where one is required: all but a few pages are for them alone.

    Raises:
        EnrolmentNeeded: it is missing.
    """
    factor: SecondFactor = request.app.state.second_factor
    if factor.is_missing(session):
        raise EnrolmentNeeded
    return session


LoggedIn = Annotated[Login, Depends(logged_in)]


async def own_entering_form(session: Entering, csrf: Annotated[str, Form()] = "") -> Login:
    """The session, if the form came from a page of that session. It may lack a second factor.

    Raises:
        HTTPException: 403.
    """
    if not hmac.compare_digest(csrf.encode("utf-8", "replace"), session.csrf.encode()):
        raise WordedError(403, "", "api_form_elsewhere", {})
    return session


OwnEnteringForm = Annotated[Login, Depends(own_entering_form)]


async def own_form(session: OwnEnteringForm, _: LoggedIn) -> Login:
    """The same, with a second factor where one is required."""
    return session


OwnForm = Annotated[Login, Depends(own_form)]


def require_scope(session: Login, scope: Scope) -> None:
    """Stop a person who may not do this.

    Raises:
        HTTPException: 403.
    """
    if scope not in session.person.scopes:
        raise WordedError(403, "", "api_scope_missing", {"scope": scope})


def sent_over_tls(request: Request) -> bool:
    """Whether cookies are for TLS alone."""
    behind_tls: bool = request.app.state.behind_tls
    return behind_tls or request.url.scheme == "https"


def set_cookie(request: Request, response: Response, cookie: str) -> None:
    """Hand the cookie out: for this site and path only, unseen by scripts, and behind TLS sent over TLS alone."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=logins.LIFETIME_SECONDS,
        path="/inbox",
        secure=sent_over_tls(request),
        httponly=True,
        samesite="strict",
    )
