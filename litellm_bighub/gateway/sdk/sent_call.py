"""Sending a governed call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.format import Format
from litellm_bighub.gateway.pipeline.answer_format import check_streams, check_whole
from litellm_bighub.gateway.pipeline.next_answer import answered
from litellm_bighub.gateway.pipeline.provider_error import quieted
from litellm_bighub.gateway.sdk.code_pipeline import CodePipeline
from litellm_bighub.gateway.sdk.code_stream import Upstream
from litellm_bighub.gateway.sdk.reentrancy import governed_in_code
from litellm_bighub.gateway.sdk.sender import Send, sender

if TYPE_CHECKING:
    from litellm.router import Router

Check: TypeAlias = Callable[[Any], Awaitable[Any]]


async def sent(
    spoken: Format,
    request: JsonObject,
    router: Router | None,
    governing: CodePipeline | None,
    *,
    checked: bool = False,
) -> Payload:
    """LiteLLM's answer to a request that was put right.

    Args:
        spoken: the request's format.
        request: changed in place.
        router: sends it in place of LiteLLM's function.
        governing: what puts it right; nothing does where no calls are to be decided on.
        checked: whether the caller checks the texts.

    Returns:
        the whole answer, or `Upstream` if it is a stream.
    """
    if governing is not None:
        await governing.request(request)
    within = partial(governed_in_code, calls=governing is not None, texts=checked)
    with within():
        response = await _answered(sender(spoken, router), request)
    if hasattr(response, "__aiter__"):
        if governing is not None:
            check_streams(response, request, governing.surface)
        return Upstream(response, within)
    if governing is not None:
        check_whole(response, (spoken,), request, governing.surface)
        await governing.conversation.completed(request, response)
    return response


async def _answered(send: Send, request: JsonObject) -> Payload:
    """LiteLLM's answer. An error of a provider is raised without its words, and without those that it was made of."""
    try:
        return await send(**request)
    except Exception as error:  # noqa: BLE001 - whichever it is, it may quote the answer
        failed = quieted(error, alone=True)
    raise failed


async def next_answer(router: Router | None, check: Check, request: JsonObject, spoken: Format | None) -> object:
    """The answer to a request that tells the model of its blocked calls, its texts checked; `None` without one.

    Args:
        router: sends it in place of LiteLLM's function.
        check: checks the texts of a whole answer.
        request: for a whole answer.
        spoken: the request's format.
    """
    if spoken is None:
        return None
    with governed_in_code():
        answer = await answered(sender(spoken, router), request, spoken)
    return None if answer is None else await check(answer)
