"""The short way of a request or answer that is one text and nothing else, as most are.

It does what the long way in `responses_handler.py` does, and makes none of the lists that it would make for one text:
the check of such a payload takes less than half of the time (29 instead of 70 microseconds where they were measured).
Property tests compare both ways.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from litellm.llms.openai.responses.guardrail_translation.handler import OpenAIResponsesHandler as BuiltIn

from litellm_bighub.checks.contract import Guardrail
from litellm_bighub.checks.inputs import Inputs
from litellm_bighub.checks.text_check import InputType, lone_answer
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import Slot
from litellm_bighub.gateway.hooks.translation.guardrail_exchange import write
from litellm_bighub.gateway.hooks.translation.request_messages import NO_TOOLS, RequestMessages
from litellm_bighub.gateway.hooks.translation.scan_record import record_lone_text
from litellm_bighub.gateway.hooks.translation.tool_call_chunks import NO_CALLS


async def check_request(
    handler: BuiltIn, data: JsonObject, slot: Slot, guardrail: Guardrail, logging_obj: Payload
) -> None:
    """Check the only text of a request, and write back what a guardrail of today's contract changed."""
    messages = RequestMessages(handler, data)
    inputs = Inputs(_inputs(slot, data.get("model")), messages.scoped)
    answered = await _ask(guardrail, inputs, data, "request", logging_obj)
    answer = lone_answer(guardrail, answered, slot.text, inputs)
    if answer is None:
        return
    structured = messages.rewritten(guardrail, answer, [slot.text])
    tools = NO_TOOLS.merged(guardrail, answer)
    if answer.tool_calls is not None or answer.texts != [slot.text]:
        write([slot], answer, NO_CALLS, guardrail)
    if structured is not None:
        structured.write(data)
    if tools is not None:
        data["tools"] = tools


async def check_response(
    response: Payload, slot: Slot, guardrail: Guardrail, request_data: JsonObject, logging_obj: Payload
) -> None:
    """Check the only text of an answer, and write back what a guardrail of today's contract changed."""
    inputs = _inputs(slot, fields.get(response, "model"))
    answered = await _ask(guardrail, inputs, request_data, "response", logging_obj)
    answer = lone_answer(guardrail, answered, slot.text, inputs)
    if answer is not None:
        write([slot], answer, NO_CALLS, guardrail)


def _ask(
    guardrail: Guardrail, inputs: JsonObject, request_data: JsonObject, side: InputType, logging_obj: Payload
) -> Awaitable[Any]:
    """Whatever the guardrail answers; `lone_answer` reads it."""
    record_lone_text(guardrail, request_data, side)
    return guardrail.apply_guardrail(inputs=inputs, request_data=request_data, input_type=side, logging_obj=logging_obj)


def _inputs(slot: Slot, model: object) -> JsonObject:
    return {"texts": [slot.text], "model": model} if model else {"texts": [slot.text]}
