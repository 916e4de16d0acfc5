"""The control plane as a web app."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from litellm_bighub.control_plane.channels.channel import Channel, HeardOverHttp
from litellm_bighub.control_plane.http import (
    actions,
    api_keys,
    approvals,
    errors,
    events,
    kill_switch,
    metrics,
    policy,
    rules,
    webhooks,
)
from litellm_bighub.control_plane.http.auth import UnboundKeys
from litellm_bighub.control_plane.http.sdk_extras import (
    agent_memory,
    hosted_only,
    live_sessions,
    outcome_analytics,
    outcomes,
    rule_patches,
    rule_questions,
    statistics,
)
from litellm_bighub.control_plane.inbox import setup as inbox
from litellm_bighub.control_plane.maintenance.server_maintenance import maintained
from litellm_bighub.control_plane.people.oidc.provider import Provider
from litellm_bighub.control_plane.people.second_factor import SecondFactor
from litellm_bighub.control_plane.plane import ControlPlane

TITLE = "litellm-bighub control plane"
MOST_BYTES = 2_000_000
"""Of a request's body."""
SDK_EXTRAS = (agent_memory, live_sessions, outcome_analytics, outcomes, rule_patches, rule_questions, statistics)
PRODUCT = (actions, approvals, rules, policy, kill_switch, events, webhooks, api_keys)
ROUTERS = tuple(module.router for module in (*SDK_EXTRAS, *PRODUCT))
"""The contract. The extras come first: `/rules/domains` is one of them, and no `/rules/{rule_id}`."""


def create_app(
    plane: ControlPlane,
    *,
    behind_tls: bool = False,
    provider: Provider | None = None,
    second_factor: SecondFactor | None = None,
    channels: Sequence[Channel] = (),
) -> FastAPI:
    """An app over a control plane, which stays its caller's to close.

    Args:
        plane: the control plane.
        behind_tls: whether people reach it over TLS alone, also where the request does not say so.
        provider: where people can log in, too.
        second_factor: of users; without it nobody has one.
        channels: where people hear of calls that wait, and answer, besides the inbox.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with maintained(plane, channels):
            yield

    app = FastAPI(title=TITLE, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.plane = plane
    app.state.unbound_keys = UnboundKeys()
    app.router.routes.extend(_all_routes().routes)
    for channel in channels:
        if isinstance(channel, HeardOverHttp):
            app.router.routes.extend(channel.routes)
    errors.install(app)
    app.add_middleware(BodyLimit)
    inbox.install(app, plane, behind_tls=behind_tls, provider=provider, second_factor=second_factor or SecondFactor())
    return app


@cache
def _all_routes() -> APIRouter:
    """All of them, for every app of this process: FastAPI takes half a second to make them ready."""
    routes = APIRouter()
    for router in ROUTERS:
        routes.include_router(router, responses=errors.DECLARED)
    routes.include_router(metrics.router)
    routes.include_router(hosted_only.router)
    return routes


class BodyLimit:
    """Refuses bodies that are too large before they are read. Pure ASGI, so that streams pass as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 413.

        Raises:
            WordedError: 413, to whoever reads a body that does not say how long it is.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = errors.problem(413, "too_large", limit=MOST_BYTES)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            answer = scope["app"].exception_handlers[HTTPException]
            await (await answer(Request(scope), too_large))(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MOST_BYTES:  # a chunked body that said nothing of its length
                raise too_large
            return message

        await self._app(scope, limited, send)
