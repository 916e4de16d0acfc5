"""The function that sends a request in code: one of LiteLLM's, or a method of a router."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import litellm

from litellm_bighub.formats.format import Format

if TYPE_CHECKING:
    from litellm.router import Router

Send: TypeAlias = Callable[..., Awaitable[Any]]


def send_function(wire_format: Format, router: Router | None) -> Send:
    """What takes a request of the format as its arguments.

    Args:
        wire_format: the request's format.
        router: sends it in place of LiteLLM's function.
    """
    names = wire_format.in_code
    send: Send = getattr(litellm, names.function) if router is None else getattr(router, names.method)
    return send
