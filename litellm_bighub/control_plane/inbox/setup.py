"""Putting the inbox into the control plane's app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from litellm_bighub.control_plane.http.errors import ANSWERS, Handler, WordedError
from litellm_bighub.control_plane.inbox import login_routes, page_routes, people_routes, public_routes
from litellm_bighub.control_plane.inbox.charts_page import routes as charts_routes
from litellm_bighub.control_plane.inbox.decision_pages import always_allow, routes as decision_routes
from litellm_bighub.control_plane.inbox.policy_page import routes as policy_routes
from litellm_bighub.control_plane.inbox.provider_login import routes as provider_routes
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.inbox.second_factor import routes as second_factor_routes
from litellm_bighub.control_plane.inbox.sessions import EnrolmentNeeded, LoginNeeded
from litellm_bighub.control_plane.inbox.switch_page import routes as switch_routes
from litellm_bighub.control_plane.inbox.way_back import login_for, sent_from
from litellm_bighub.control_plane.people.attempts import Attempts
from litellm_bighub.control_plane.people.oidc.provider import Provider
from litellm_bighub.control_plane.people.passwords import Passwords
from litellm_bighub.control_plane.people.second_factor import SecondFactor
from litellm_bighub.control_plane.plane import ControlPlane

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def install(
    app: FastAPI, plane: ControlPlane, *, behind_tls: bool, provider: Provider | None, second_factor: SecondFactor
) -> None:
    """Add pages, style sheet, script and headers."""
    app.state.attempts = Attempts(plane.clock)
    app.state.passwords = Passwords()
    app.state.behind_tls = behind_tls
    app.state.provider = provider
    app.state.second_factor = second_factor
    app.mount("/inbox/static", StaticFiles(directory=Path(__file__).parent / "static"), name="inbox")
    for pages in (
        login_routes,
        provider_routes,
        second_factor_routes,
        page_routes,
        charts_routes,
        decision_routes,
        always_allow,
        policy_routes,
        people_routes,
        switch_routes,
        public_routes,
    ):
        app.router.routes.extend(pages.router.routes)
    app.add_exception_handler(LoginNeeded, _to_login)
    app.add_exception_handler(EnrolmentNeeded, _to_enrolment)
    for error, told in ANSWERS.items():
        app.add_exception_handler(error, _for_people(told))
    app.add_middleware(InboxHeaders)


async def _to_login(request: Request, _: Exception) -> Response:
    return RedirectResponse(login_for(request), 303)


async def _to_enrolment(_: Request, __: Exception) -> Response:
    return RedirectResponse(second_factor_routes.PAGE, 303)


def _for_people(told: Handler) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Answers an error below `/inbox` with a page; elsewhere as programs read it."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = await told(request, error)
        if not f"{request.url.path}/".startswith("/inbox/"):
            return problem
        plane: ControlPlane = request.app.state.plane
        match problem.detail:
            case {"message": str(sentence)}:
                pass
            case str(sentence) if isinstance(error, WordedError):
                pass
            case _ if problem.status_code in {404, 405}:
                sentence = plane.wording.page_nothing_here
            case _:
                sentence = plane.wording.page_misread
        context = {"sentence": sentence, "back": sent_from(request)}
        page = render(request, "refused.html", None, plane.clock(), context, status=problem.status_code)
        page.headers.update(_HEADERS)  # no middleware sees the answer to a fault of ours
        kept = ("allow", "retry-after")
        page.headers.update({name: problem.headers[name] for name in kept if name in problem.headers})
        return page

    return answer


class InboxHeaders:
    """Headers that keep the pages to themselves. Pure ASGI, so that the stream of changes passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to every page and what belongs to it."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if scope["path"].startswith("/inbox/static/"):
                    del headers["Cache-Control"]
            await send(message)

        page = scope["type"] == "http" and scope["path"].startswith(("/inbox", public_routes.API_PAGE))
        await self._app(scope, receive, with_headers if page else send)
