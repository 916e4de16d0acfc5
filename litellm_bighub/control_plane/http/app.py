"""The control plane as a web app."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

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
from litellm_bighub.control_plane.http.body_limit import BodyLimit
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
from litellm_bighub.control_plane.maintenance.server_maintenance import housekeeping
from litellm_bighub.control_plane.plane import ControlPlane

TITLE = "litellm-bighub control plane"
SDK_EXTRAS = (agent_memory, live_sessions, outcome_analytics, outcomes, rule_patches, rule_questions, statistics)
PRODUCT = (actions, approvals, rules, policy, kill_switch, events, webhooks, api_keys)
ROUTERS = tuple(module.router for module in (*SDK_EXTRAS, *PRODUCT))
"""The contract. The extras come first: `/rules/domains` is one of them, and no `/rules/{rule_id}`."""


def create_app(plane: ControlPlane) -> FastAPI:
    """An app over a control plane, which stays its caller's to close."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with housekeeping(plane):
            yield

    app = FastAPI(title=TITLE, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.plane = plane
    app.state.unbound_keys = UnboundKeys()
    for router in ROUTERS:
        app.include_router(router, responses=errors.DECLARED)
    app.include_router(metrics.router)
    app.include_router(hosted_only.router)
    errors.install(app)
    inbox.install(app, plane)
    app.add_middleware(BodyLimit)
    return app
