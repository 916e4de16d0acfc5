"""Closing the routes of LiteLLM's proxy on which no hook could hold a tool call back.

What is closed stands between LiteLLM's middleware, which may rewrite paths, and its router, so that it reads the very
path by which the router chooses. It is put there when a guardrail that is on by default is built; where that is not
possible the start fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

from fastapi import FastAPI
from litellm.proxy.auth.route_checks import RouteChecks
from litellm.proxy.pass_through_endpoints.pass_through_endpoints import InitPassThroughEndpointHelpers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.closing import Closer
from litellm_bighub.gateway.routes import Fate, row_of

_POLICY_VIOLATION = 1008
_DENIAL = "websocket.http.response"
_METHODS = {"websocket": "WS"}


class ClosedRoutes:
    """An ASGI application in front of a router: lets through what is governed or carries no calls, refuses the rest."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._closers: Mapping[str, Closer] = {}

    def add(self, closer: Closer) -> None:
        """Close routes for a guardrail too; one of the same name is replaced."""
        self._closers = {**self._closers, closer.name: closer}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] in {"http", "websocket"}:
            method = _METHODS.get(scope["type"]) or scope["method"]
            path = route_path(scope)
            closer = self.closed_by(method, path)
            if closer is not None:
                await _refuse(f"{method} {path}", closer, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def closed_by(self, method: str, path: str) -> Closer | None:
        """The guardrail that closes this route, `None` if it is open."""
        closers = [closer for closer in self._closers.values() if closer.models]
        if not closers:
            return None
        match fate_of(method, path):
            case Fate.REFUSED:
                return closers[0]
            case Fate.MCP if not any(closer.mcp for closer in self._closers.values()):
                return closers[0]
            case _:
                return None


def fate_of(method: str, path: str) -> Fate:
    """What becomes of a request, also on a route that stands in no row or that an operator passes through."""
    if any(segment in {".", ".."} for segment in _decoded(path).split("/")):
        return Fate.REFUSED  # the upstream of a passed-through route would read another path than the router does
    row = row_of(method, path)
    if row is not None and row.fate is not Fate.NO_CALLS:
        return row.fate
    if InitPassThroughEndpointHelpers.get_registered_pass_through_route(path) is not None:
        return Fate.REFUSED
    if row is None and RouteChecks.is_llm_api_route(path):
        return Fate.REFUSED
    return Fate.NO_CALLS


def close_routes(app: FastAPI, closer: Closer) -> ClosedRoutes:
    """Put the closed routes in front of an application's router, once, and close them for a guardrail.

    Raises:
        ConfigurationError: the application has no place for them.
    """
    router: Any = app.router
    before: Any = getattr(router, "middleware_stack", None)
    if not callable(before):
        raise ConfigurationError(
            f"{closer.name}.ungoverned_routes",
            "the routes that cannot be governed cannot be closed in this release of starlette; allow opens them",
        )
    closed = before if isinstance(before, ClosedRoutes) else ClosedRoutes(cast("ASGIApp", before))
    router.middleware_stack = closed
    closed.add(closer)
    return closed


def route_path(scope: Scope) -> str:
    """The path that the router matches against its routes: without the root path, if the path begins with it."""
    path, root = str(scope["path"]), str(scope.get("root_path") or "")
    if root and (path == root or path.startswith(f"{root}/")):
        return path[len(root) :]
    return path


def _decoded(path: str) -> str:
    """The path as the most eager of servers would read it."""
    for _ in range(4):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    return path.replace("\\", "/")


async def _refuse(route: str, closer: Closer, scope: Scope, receive: Receive, send: Send) -> None:
    message = (
        f"{route} is refused by guardrail {closer.name}: tool calls on it could not be decided on. "
        f"An operator can open such routes with `ungoverned_routes: allow`."
    )
    if scope["type"] == "websocket":
        await receive()
        if _DENIAL not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": message[:120]})
            return
    error = {"message": message, "type": "ungoverned_route", "param": None, "code": "ungoverned_route"}
    body = {"error": {**error, "guardrail": closer.name}}
    # Starlette's responses speak the denial of a WebSocket by themselves.
    await JSONResponse(body, status_code=403)(scope, receive, send)
