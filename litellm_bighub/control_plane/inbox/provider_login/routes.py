"""Logging in at the identity provider: out to it, and back with a code."""

from __future__ import annotations

import hmac
import logging
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from litellm_bighub.control_plane.http.auth import Plane, address_of
from litellm_bighub.control_plane.http.errors import existing
from litellm_bighub.control_plane.inbox.login_routes import login_form, start_session
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.sessions import sent_over_tls, set_cookie
from litellm_bighub.control_plane.inbox.way_back import way_back
from litellm_bighub.control_plane.people.attempts import Attempts, AttemptSource
from litellm_bighub.control_plane.people.oidc.id_token import IdToken, Rejected
from litellm_bighub.control_plane.people.oidc.login_attempt import LoginAttempt
from litellm_bighub.control_plane.people.oidc.provider import CALLBACK, Provider
from litellm_bighub.control_plane.people.oidc.provider_user import claimed_user, record_login
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.errors import IdentityProviderUnavailable

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/inbox/login/provider", default_response_class=HTMLResponse, include_in_schema=False)
COOKIE: Final = "bighub_login"
_ATTEMPT_SECONDS: Final = 600


@router.get("")
async def begin(request: Request, plane: Plane, next: str = "") -> Response:  # noqa: A002 - in the address
    """Send the browser to the provider."""
    provider = _provider(request)
    attempt = LoginAttempt.new(way_back(next))
    try:
        address = await provider.login_address(attempt)
    except IdentityProviderUnavailable as error:
        return await _unavailable(request, plane, provider, error, attempt.page)
    response = RedirectResponse(address, 303)
    response.set_cookie(
        COOKIE,
        attempt.cookie,
        max_age=_ATTEMPT_SECONDS,
        path=CALLBACK,
        secure=sent_over_tls(request),
        httponly=True,
        samesite="lax",  # it comes with the browser that the provider sends back
    )
    return response


@router.get("/callback")
async def callback(request: Request, plane: Plane, code: str = "", state: str = "", iss: str = "") -> Response:
    """Let in who comes back from the provider with a code of this browser's login. A login is tried once."""
    provider = _provider(request)
    address = address_of(request) or ""
    source = AttemptSource.of_address(address)
    attempts: Attempts = request.app.state.attempts
    attempt = LoginAttempt.read(request.cookies.get(COOKIE, ""))
    page = way_back(attempt.page) if attempt else ""
    if not attempts.begin(source):
        return await login_form(request, plane, page, problem=plane.wording.inbox_login_throttled, status=429)
    if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace")):
        token: IdToken | Rejected = Rejected("this browser has begun no such login")
    elif iss and iss != provider.settings.issuer:  # RFC 9207
        token = Rejected("another provider answers")
    elif not code:
        token = Rejected("the provider has let nobody in")
    else:
        try:
            token = await provider.id_token(code, attempt)
        except IdentityProviderUnavailable as error:
            attempts.succeeded(source)
            return await _unavailable(request, plane, provider, error, page)
    if isinstance(token, Rejected):
        response: Response = await _refused(
            request, plane, page, "", token.reason, plane.wording.inbox_provider_refused
        )
    else:
        attempts.succeeded(source)
        response = await _enter(request, plane, provider, token, page)
    response.delete_cookie(COOKIE, path=CALLBACK)
    return response


async def _enter(request: Request, plane: ControlPlane, provider: Provider, token: IdToken, page: str) -> Response:
    settings, now = provider.settings, plane.clock()
    claimed = claimed_user(token, settings, now)
    minutes = settings.session_minutes
    until = token.expires_at if minutes is None else now + 60 * minutes

    def job(transaction: Transaction) -> tuple[User, str]:
        user = record_login(transaction, claimed, settings.issuer)
        opens = bool(user.roles) and user.disabled_at is None and until > now
        return user, start_session(request, transaction, user, now, until=until) if opens else ""

    user, cookie = await plane.write(job)
    wording = plane.wording
    if user.disabled_at is not None:
        return await _refused(request, plane, page, user.id, "disabled", wording.inbox_provider_disabled)
    if not user.roles:
        return await _refused(request, plane, page, user.id, "no role", wording.inbox_provider_no_role)
    if not cookie:  # it has expired, and counts still by the clock skew
        return await _refused(request, plane, page, user.id, "no time left", wording.inbox_provider_refused)
    # A page and no redirect: what the provider's site leads to is sent no cookie of `samesite=strict`.
    response = render(request, "logged_in.html", None, now, {"next": page})
    set_cookie(request, response, cookie)
    return response


async def _refused(
    request: Request, plane: ControlPlane, page: str, who: str, reason: str, problem: str
) -> HTMLResponse:
    body = {"with": "identity provider", "reason": reason, "address": address_of(request) or ""}
    event = AuditEvent(plane.clock(), "login.refused", who, body, severity="warning")
    await plane.write(lambda transaction: transaction.append(event))
    return await login_form(request, plane, page, problem=problem, status=401)


async def _unavailable(
    request: Request, plane: ControlPlane, provider: Provider, error: IdentityProviderUnavailable, page: str
) -> HTMLResponse:
    logger.warning("nobody can log in at the identity provider %s: %s", provider.settings.issuer, error)
    return await login_form(request, plane, page, problem=plane.wording.inbox_provider_down, status=503)


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    return existing(provider, "page", request.url.path)
