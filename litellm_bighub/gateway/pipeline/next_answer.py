"""Asks the model again, as `on_block: continue` does.

The request is sent the way of the first: in the proxy through its router, in code through the same function or router.
LiteLLM counts and logs it as a call of its own. The answer then passes the guardrails that run before ours, and ours,
which decides on its calls.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import litellm
import openai
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.guardrails import GuardrailEventHooks

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import format_of_answer
from litellm_bighub.gateway.pipeline.answer_format import is_readable
from litellm_bighub.gateway.setup.proxy_process import proxy_router

if TYPE_CHECKING:
    from litellm.router import Router


logger = logging.getLogger(__name__)


async def next_answer(
    guardrail: CustomGuardrail, key: UserAPIKeyAuth, data: JsonObject, wire_format: Format | None
) -> object:
    """Ask through the proxy's router. Returns the answer as earlier guardrails leave it, or `None` if there is none."""
    router = proxy_router()
    response = (
        None
        if router is None or wire_format is None
        else await ask_again(send_function(wire_format, router), data, wire_format)
    )
    return None if response is None else await _guarded(guardrail, data, response, key)


async def ask_again(send: Send, data: JsonMapping, wire_format: Format) -> Payload:
    """Send the request. Returns the answer, or `None` if the model failed or answered in another format."""
    try:
        response: object = await send(**data)
    except (openai.OpenAIError, ValueError) as error:  # the router raises ValueError when no deployment is available
        logger.warning("the model could not be told of its blocked call: %s", type(error).__name__)
        return None
    return response if format_of_answer(response) is wire_format and is_readable(response, wire_format) else None


async def _guarded(ours: CustomGuardrail, data: JsonObject, response: Payload, key: UserAPIKeyAuth) -> Payload:
    """The answer after the guardrails that LiteLLM runs before ours. Later guardrails see what we return."""
    # Slow to import; wherever there is a router, it is loaded.
    from litellm.proxy.utils import (  # noqa: PLC0415
        _check_and_merge_model_level_guardrails,  # newer releases have this name too
        _partition_post_call_callbacks,
        unified_guardrail,
    )

    asked = _check_and_merge_model_level_guardrails(data=data, llm_router=proxy_router())
    guardrails, _ = _partition_post_call_callbacks()
    for guardrail in guardrails:
        if guardrail is ours:
            break
        if guardrail.should_run_guardrail(data=asked, event_type=GuardrailEventHooks.post_call) is not True:
            continue
        runs: Payload = guardrail
        if "apply_guardrail" in vars(type(guardrail)) and not guardrail.use_native_lifecycle_hooks:
            data["guardrail_to_apply"] = guardrail
            runs = unified_guardrail
        changed = await runs.async_post_call_success_hook(user_api_key_dict=key, data=data, response=response)
        response = response if changed is None else changed
    return response


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
