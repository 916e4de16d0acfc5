"""Checks at the construction of a guardrail: closes ungoverned routes, and refuses a second guardrail of its kind."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.routes.open_routes import OpenRoutes, read_open_routes
from litellm_bighub.gateway.setup.guardrail_mode import MCP_MODE, MODEL_MODE, events_of
from litellm_bighub.settings import Ungoverned
from litellm_bighub.wording import ENGLISH, Wording

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RouteGuard:
    """A guardrail that closes routes.

    Attributes:
        name: as the config calls it.
        models: whether it governs models, and closes the routes where it could not.
        mcp: whether it decides on calls of MCP tools.
        open_routes: what it leaves open all the same.
        wording: in which it refuses.
    """

    name: str
    models: bool
    mcp: bool
    open_routes: OpenRoutes = field(default_factory=OpenRoutes)
    wording: Wording = ENGLISH


def route_guard_of(
    name: str, event_hook: object, open_routes: Sequence[str] = (), wording: Wording = ENGLISH
) -> RouteGuard:
    """What a guardrail with this `mode` governs, without one it runs on every event, and what it leaves open.

    Raises:
        ConfigurationError: what is to be left open is no such route.
    """
    events = events_of(event_hook)
    mcp = not events or MCP_MODE in events
    opened = read_open_routes(name, open_routes, decides_on_mcp=mcp)
    return RouteGuard(name, models=not events or events >= MODEL_MODE, mcp=mcp, open_routes=opened, wording=wording)


def close_ungoverned_routes(app: FastAPI | None, guard: RouteGuard, ungoverned: Ungoverned) -> None:
    """Close the routes of a proxy that a guardrail, which is on by default, cannot govern.

    Raises:
        ConfigurationError: they cannot be closed.
    """
    if app is not None and ungoverned == "refuse":
        # In a proxy what it imports is loaded; in code, where nothing needs it, it would take seconds.
        from litellm_bighub.gateway.routes.closed_routes import close_routes  # noqa: PLC0415

        close_routes(app, guard)
        if guard.open_routes.rows:
            logger.warning(
                "%s: open_routes opens %s; nobody decides on tool calls there", guard.name, guard.open_routes
            )


def check_single_guard(guard: RouteGuard, others: Iterable[RouteGuard]) -> None:
    """Refuse a second guardrail that is on by default for the same: each call would be decided on twice.

    Raises:
        ConfigurationError: there is one.
    """
    for other in others:
        if other.name != guard.name and ((guard.models and other.models) or (guard.mcp and other.mcp)):
            raise ConfigurationError(
                f"{guard.name}.default_on", f"{other.name} is on by default too; each call would be decided on twice"
            )
