"""Closes the routes of LiteLLM's proxy on which no hook could withhold a tool call, and unknown routes.

The check runs between LiteLLM's middleware, which may rewrite paths, and its router, so that both read the same path.
It is installed when a guardrail that is on by default is built; the start fails if it cannot be installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

from fastapi import FastAPI
from litellm.proxy.pass_through_endpoints.pass_through_endpoints import InitPassThroughEndpointHelpers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import assert_never

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.mcp.mcp_messages import REST, McpMessages, MessageCheck
from litellm_bighub.gateway.routes.counting_routes import CountingRoutes
from litellm_bighub.gateway.routes.open_routes import can_be_opened
from litellm_bighub.gateway.routes.route_guard import RouteGuard
from litellm_bighub.gateway.routes.route_table import RouteCoverage, RouteRow, row_of
from litellm_bighub.gateway.routes.text_routes import COUNTING, CountCheck, TextRouteGuard, brings_unchecked_texts
from litellm_bighub.wording import ENGLISH, Wording

_POLICY_VIOLATION = 1008
_DENIAL = "websocket.http.response"
_METHODS = {"websocket": "WS"}
_ASKING = {"HEAD": ("GET",), "OPTIONS": ("GET", "POST", "PUT", "PATCH", "DELETE")}


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What a client is told."""

    status: int
    kind: str
    message: str
    guardrail: str


class ClosedRoutes:
    """An ASGI layer before a router: passes only routes that are known to be governed or to carry no calls."""

    def __init__(self, app: ASGIApp, proxy: FastAPI) -> None:
        self._app = app
        self._documents = _documents(proxy)
        self._counting = CountingRoutes(proxy, app, self._count_checks, self._wording)
        self._messages = McpMessages(app, self._message_checks, self._wording)
        self._guards: Mapping[str, RouteGuard] = {}
        self._text_guards: Mapping[str, TextRouteGuard] = {}

    def add(self, guard: RouteGuard) -> None:
        """Close routes for a guardrail too; one of the same name is replaced."""
        self._guards = {**self._guards, guard.name: guard}

    def add_texts(self, guard: TextRouteGuard) -> None:
        """Close routes whose texts a guardrail is not handed; one of the same name is replaced."""
        self._text_guards = {**self._text_guards, guard.name: guard}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] in {"http", "websocket"}:
            method = _METHODS.get(scope["type"]) or scope["method"]
            path = route_path(scope)
            refusal = self._refusal(method, path)
            if refusal is not None:
                await _refuse(refusal, scope, receive, send)
                return
            if method == "POST" and path in COUNTING and any(self._count_checks()):
                await self._counting(scope, receive, send)
                return
            if method != "WS" and any(self._message_checks()):
                rest = (method, path) in REST
                if rest or coverage_of(method, path) is RouteCoverage.MCP:
                    await self._messages(scope, receive, send, rest=rest)
                    return
        await self._app(scope, receive, send)

    def _refusal(self, method: str, path: str) -> _Refusal | None:
        route = f"{method} {path}"
        guard = self.guard_of(method, path)
        if guard is not None:
            refused = guard.wording.route_refused.format(route=route, guardrail=guard.name)
            return _Refusal(403, "ungoverned_route", f"{refused} {_opening(route, guard.wording)}", guard.name)
        texts = self.text_guard_of(method, path)
        if texts is None:
            return None
        refused = texts.wording.texts_refused.format(route=route, guardrail=texts.name)
        return _Refusal(400, "unchecked_route", f"{refused} {_text_opening(route, texts.wording)}", texts.name)

    def text_guard_of(self, method: str, path: str) -> TextRouteGuard | None:
        """The guardrail that closes this route since it is not handed its texts, `None` if it is open."""
        if not self._text_guards or (method in {"GET", "HEAD"} and path in self._documents):
            return None
        if not brings_unchecked_texts(method, path, coverage_of(method, path)):
            return None
        is_counted = method == "POST" and path in COUNTING
        for guard in self._text_guards.values():
            is_checked = is_counted and guard.count_check is not None
            if guard.closes and not is_checked and not guard.open_routes.opens(method, path):
                return guard
        return None

    def _wording(self) -> Wording:
        """Of the first guardrail that checks texts."""
        return next((guard.wording for guard in self._text_guards.values()), ENGLISH)

    def _count_checks(self) -> Iterator[CountCheck]:
        return (guard.count_check for guard in self._text_guards.values() if guard.count_check is not None)

    def _message_checks(self) -> Iterator[MessageCheck]:
        return (guard.message_check for guard in self._text_guards.values() if guard.message_check is not None)

    def guard_of(self, method: str, path: str) -> RouteGuard | None:
        """The guardrail that closes this route, `None` if it is open."""
        guards = [guard for guard in self._guards.values() if guard.models]
        if not guards:
            return None
        if not is_unambiguous(path):
            return guards[0]
        coverage = coverage_of(method, path)
        match coverage:
            case RouteCoverage.REFUSED:
                closed = not (method in {"GET", "HEAD"} and path in self._documents)
            case RouteCoverage.MCP:
                closed = not any(guard.mcp for guard in self._guards.values())
            case RouteCoverage.GOVERNED | RouteCoverage.NO_CALLS | RouteCoverage.OPEN | RouteCoverage.ADMINISTRATION:
                closed = False
            case _:
                assert_never(coverage)
        if not closed or any(guard.open_routes.opens(method, path) for guard in guards):
            return None
        return guards[0]


def coverage_of(method: str, path: str) -> RouteCoverage:
    """The coverage of a route. Unknown routes and pass-through routes of an operator are refused."""
    row = _row_of(method, path) if is_unambiguous(path) else None
    if row is None:
        return RouteCoverage.REFUSED
    if row.coverage in {RouteCoverage.NO_CALLS, RouteCoverage.ADMINISTRATION} or path.endswith("/"):
        passed = InitPassThroughEndpointHelpers.get_registered_pass_through_route(path)
        return row.coverage if passed is None else RouteCoverage.REFUSED
    return row.coverage


def is_unambiguous(path: str) -> bool:
    """Whether router and upstream read the same route from a path.

    Where it has steps upwards, the upstream of a passed-through route would read another one than the router does, and
    where it ends in a line break, the router would take it for one without.
    """
    decoded = _decoded(path)
    return decoded.isprintable() and not {".", ".."} & set(decoded.split("/"))


def _row_of(method: str, path: str) -> RouteRow | None:
    """The row of a request. Who may read a route may ask for its head, and who may use one may ask for its options."""
    row = row_of(method, path)
    if row is not None or method not in _ASKING:
        return row
    return next((row for each in _ASKING[method] if (row := row_of(each, path)) is not None), None)


def close_routes(app: FastAPI, guard: RouteGuard) -> ClosedRoutes:
    """Put the closed routes in front of an application's router, once, and close them for a guardrail.

    Raises:
        ConfigurationError: the application has no place for them.
    """
    closed = closed_routes_of(app, f"{guard.name}.ungoverned_routes")
    closed.add(guard)
    return closed


def closed_routes_of(app: FastAPI, setting: str) -> ClosedRoutes:
    """The closed routes in front of an application's router, put there once.

    Raises:
        ConfigurationError: the application has no place for them.
    """
    router: Payload = app.router
    before: Payload = getattr(router, "middleware_stack", None)
    if not callable(before):
        raise ConfigurationError(
            setting,
            "the routes that cannot be governed cannot be closed in this release of starlette; allow opens them",
        )
    closed = before if isinstance(before, ClosedRoutes) else ClosedRoutes(cast("ASGIApp", before), app)
    router.middleware_stack = closed
    return closed


def _documents(app: FastAPI) -> frozenset[str]:
    """Where the operator put the pages that describe the proxy's API, unless a row knows the route."""
    pages = {app.docs_url, app.redoc_url, app.openapi_url, app.swagger_ui_oauth2_redirect_url}
    return frozenset(page for page in pages if page is not None and row_of("GET", page) is None)


def route_path(scope: Scope) -> str:
    """The path that the router matches against its routes: without the root path, if the path begins with it."""
    path, root = str(scope["path"]), str(scope.get("root_path") or "")
    if root and (path == root or path.startswith(f"{root}/")):
        return path[len(root) :]
    return path


def _decoded(path: str) -> str:
    """The path after repeated decoding, as a lenient server reads it."""
    for _ in range(4):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    return path.replace("\\", "/")


async def _refuse(refusal: _Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        if _DENIAL not in scope.get("extensions", {}):
            reason = refusal.message.encode()[:120].decode(errors="ignore")
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason})
            return
    error = {"message": refusal.message, "type": refusal.kind, "param": None, "code": refusal.kind}
    body = {"error": {**error, "guardrail": refusal.guardrail}}
    # Starlette's responses speak the denial of a WebSocket by themselves.
    await JSONResponse(body, status_code=refusal.status)(scope, receive, send)


def _text_opening(route: str, wording: Wording) -> str:
    if not can_be_opened(route):
        return wording.texts_all_opening
    return wording.texts_opening.format(entry=json.dumps([route]))


def _opening(route: str, wording: Wording) -> str:
    if not can_be_opened(route):
        return wording.routes_opening
    return wording.route_opening.format(entry=json.dumps([route]))
