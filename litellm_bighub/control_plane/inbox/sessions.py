"""Who is logged in, forms that only our own pages can send, and the limit for those who guess keys."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import Response

from litellm_bighub.control_plane.http.auth import Plane, address_of
from litellm_bighub.control_plane.http.errors import WordedError
from litellm_bighub.control_plane.store.tables import logins as sessions, switches
from litellm_bighub.control_plane.store.tables.keys import Scope
from litellm_bighub.control_plane.store.tables.logins import Login

COOKIE = "bighub_session"
MOST_FAILURES = 5
WINDOW_SECONDS = 60.0
_MOST_ADDRESSES = 10_000


class LoginNeeded(Exception):  # noqa: N818 - names the state; answered with a redirect
    """Nobody is logged in."""


async def logged_in(request: Request, plane: Plane) -> Login:
    """The session of the request's cookie. The kill switches that are on are read with it, for every page.

    Raises:
        LoginNeeded: there is none.
    """
    cookie = request.cookies.get(COOKIE)
    if cookie:
        now = plane.clock()
        session, request.state.switches = await plane.read(
            lambda connection: (sessions.find(connection, cookie, now), switches.active(connection))
        )
        if session is not None and session.key.may_come_from(address_of(request)):
            return session
    raise LoginNeeded


LoggedIn = Annotated[Login, Depends(logged_in)]


async def own_form(session: LoggedIn, csrf: Annotated[str, Form()] = "") -> Login:
    """The session, if the form came from a page of that session.

    Raises:
        HTTPException: 403.
    """
    if not hmac.compare_digest(csrf.encode("utf-8", "replace"), session.csrf.encode()):
        raise WordedError(403, "", "api_form_elsewhere", {})
    return session


OwnForm = Annotated[Login, Depends(own_form)]


def require_scope(session: Login, scope: Scope) -> None:
    """Stop a person whose key does not allow this.

    Raises:
        HTTPException: 403.
    """
    if scope not in session.key.scopes:
        raise WordedError(403, "", "api_scope_missing", {"scope": scope})


def set_cookie(request: Request, response: Response, cookie: str) -> None:
    """Hand the cookie out: for this site and path only, unseen by scripts."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=sessions.LIFETIME_SECONDS,
        path="/inbox",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


class Throttle:
    """Counts failed logins by address; after five within a minute the address has to wait."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, list[float]] = {}

    def allows(self, address: str) -> bool:
        """Whether the address may try."""
        return len(self._recent(address)) < MOST_FAILURES

    def failed(self, address: str) -> None:
        """Note a failure."""
        if len(self._failures) >= _MOST_ADDRESSES:  # forget the one that was first to come
            self._failures.pop(next(iter(self._failures)))
        self._failures[address] = [*self._recent(address), self._clock()]

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - WINDOW_SECONDS
        return [time for time in self._failures.get(address, ()) if time > since]
