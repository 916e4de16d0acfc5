"""Who sends a request in code: LiteLLM's own functions, or a router with its fallbacks and retries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import litellm

from litellm_bighub.gateway.routes.route_formats import Format

if TYPE_CHECKING:
    from litellm.router import Router

Send: TypeAlias = Callable[..., Awaitable[Any]]


def sender(spoken: Format, router: Router | None) -> Send:
    """What takes a request of the format as its arguments.

    Args:
        spoken: the request's format.
        router: sends it in place of LiteLLM's function.
    """
    match spoken:
        case Format.RESPONSES:
            return litellm.aresponses if router is None else router.aresponses
        case Format.CHAT:
            return litellm.acompletion if router is None else router.acompletion
        case Format.MESSAGES:
            return litellm.anthropic_messages if router is None else router.aanthropic_messages
