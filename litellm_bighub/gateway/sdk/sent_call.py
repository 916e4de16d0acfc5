"""The sent request of a governed call in code, and what LiteLLM answers it with."""

from __future__ import annotations

from functools import partial

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.gateway.pipeline.answer_format import check_streams, check_whole
from litellm_bighub.gateway.pipeline.pipeline import Pipeline
from litellm_bighub.gateway.pipeline.provider_error import quieted
from litellm_bighub.gateway.sdk.code_request import CodeRequest
from litellm_bighub.gateway.sdk.code_stream import Upstream
from litellm_bighub.gateway.sdk.reentrancy import governed_in_code
from litellm_bighub.gateway.sdk.sender import Send, sender


async def sent(request: CodeRequest, pipeline: Pipeline | None, *, checked: bool = False) -> Payload:
    """LiteLLM's answer to a request that was put right.

    Args:
        request: changed in place.
        pipeline: puts it right; nothing does where no calls are to be decided on.
        checked: whether the caller checks the texts.

    Returns:
        the whole answer, or `Upstream` if it is a stream.
    """
    if pipeline is not None:
        await pipeline.request(request)
    within = partial(governed_in_code, calls=pipeline is not None, texts=checked)
    with within():
        response = await _answered(sender(request.spoken, request.router), request.data)
    if hasattr(response, "__aiter__"):
        if pipeline is not None:
            check_streams(response, request.data, request.where)
        return Upstream(response, within)
    if pipeline is not None:
        check_whole(response, (request.spoken,), request.data, request.where)
        await pipeline.conversation.record_results(request.data, response)
    return response


async def _answered(send: Send, request: JsonObject) -> Payload:
    """LiteLLM's answer. An error of a provider is raised without its words, and without those that it was made of."""
    try:
        return await send(**request)
    except Exception as error:  # noqa: BLE001 - whichever it is, it may quote the answer
        failed = quieted(error, alone=True)
    raise failed
