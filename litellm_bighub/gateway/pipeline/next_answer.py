"""`on_block: continue`: the model hears that its calls were blocked, and its next answer takes the place of this one.

The next answer comes the way of the first, with the data of the same request: in the proxy through its router, in code
through the function or router that sent the first. LiteLLM counts and logs it as a call of its own. Then it goes the
way of every answer: through the guardrails that stand before ours, and through ours, which decides on its calls.
"""

from __future__ import annotations

import logging

import openai
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.guardrails import GuardrailEventHooks

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import format_of_answer
from litellm_bighub.gateway.pipeline.answer_format import is_readable
from litellm_bighub.gateway.sdk.sender import Send, sender
from litellm_bighub.gateway.setup.proxy_process import proxy_router

logger = logging.getLogger(__name__)


async def next_answer(
    guardrail: CustomGuardrail, key: UserAPIKeyAuth, data: JsonObject, wire_format: Format | None
) -> object:
    """The proxy's answer to such a request, as the guardrails before ours leave it; `None` if it cannot be had."""
    router = proxy_router()
    response = (
        None
        if router is None or wire_format is None
        else await answered(sender(wire_format, router), data, wire_format)
    )
    return None if response is None else await _guarded(guardrail, data, response, key)


async def answered(send: Send, data: JsonMapping, wire_format: Format) -> Payload:
    """The model's answer to such a request, in the same format; `None` if it cannot be had."""
    try:
        response: object = await send(**data)
    except (openai.OpenAIError, ValueError) as error:  # a ValueError is the router's word for: no deployment now
        logger.warning("the model could not be told of its blocked call: %s", type(error).__name__)
        return None
    return response if format_of_answer(response) is wire_format and is_readable(response, wire_format) else None


async def _guarded(ours: CustomGuardrail, data: JsonObject, response: Payload, key: UserAPIKeyAuth) -> Payload:
    """The answer after the guardrails that LiteLLM runs before ours; those after it see what we return."""
    # Slow to import, and there wherever there is a router.
    from litellm.proxy.utils import (  # noqa: PLC0415
        _check_and_merge_model_level_guardrails,  # newer releases know it by this name, too
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
