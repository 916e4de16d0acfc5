"""Sending a governed call: by LiteLLM's own functions, or by a router with its fallbacks and retries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import litellm

from litellm_bighub.gateway.code_governing import CodeGoverning
from litellm_bighub.gateway.code_stream import Upstream
from litellm_bighub.gateway.in_code import governed_elsewhere
from litellm_bighub.gateway.surface import Format

if TYPE_CHECKING:
    from litellm.router import Router


async def sent(spoken: Format, request: dict[str, Any], router: Router | None, governing: CodeGoverning | None) -> Any:
    """LiteLLM's answer to a request that was put right.

    Args:
        spoken: the request's format.
        request: changed in place.
        router: sends it in place of LiteLLM's function.
        governing: what puts it right; nothing does where no calls are to be decided on.

    Returns:
        the whole answer, or `Upstream` if it is a stream.
    """
    if governing is not None:
        await governing.request(request)
    within = nullcontext if governing is None else governed_elsewhere
    with within():
        response: Any = await _sender(spoken, router)(**request)
    if hasattr(response, "__aiter__"):
        return Upstream(response, within)
    if governing is not None:
        await governing.conversation.completed(request, response)
    return response


def _sender(spoken: Format, router: Router | None) -> Callable[..., Awaitable[Any]]:
    match spoken:
        case Format.RESPONSES:
            return litellm.aresponses if router is None else router.aresponses
        case Format.CHAT:
            return litellm.acompletion if router is None else router.acompletion
        case Format.MESSAGES:
            return litellm.anthropic_messages if router is None else router.aanthropic_messages
