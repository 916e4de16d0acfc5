"""Guardrails as other people write them, for LiteLLM's own stream path; runs in the proxy's process."""

from __future__ import annotations

from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail

SECRET, MASK = "sk-12345", "[MASK]"


def _refuse() -> None:
    raise HTTPException(status_code=400, detail={"error": "refused by the guardrail"})


class BlockingCalls(CustomGuardrail):
    """Looks at `tool_calls` alone."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        if any(call["function"]["name"] == "wipe" for call in inputs.get("tool_calls") or ()):
            _refuse()
        return inputs


class RewritingCalls(CustomGuardrail):
    """Masks in `tool_calls` alone."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        calls = [
            {**call, "function": {**call["function"], "arguments": call["function"]["arguments"].replace(SECRET, MASK)}}
            for call in inputs.get("tool_calls") or ()
        ]
        return {**inputs, "tool_calls": calls} if calls else inputs


class BlockingTexts(CustomGuardrail):
    """Looks at `texts` alone."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        if any(SECRET in text for text in inputs.get("texts") or ()):
            _refuse()
        return inputs


class MaskingTexts(CustomGuardrail):
    """Masks in `texts` alone."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return {**inputs, "texts": [text.replace(SECRET, MASK) for text in inputs.get("texts") or ()]}


class Buffered(BlockingTexts):
    """As some of LiteLLM's own: it sees the whole stream before the client does."""

    streaming_buffer_until_moderated = True

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        await BlockingCalls.apply_guardrail(self, inputs, request_data, input_type)
        return await BlockingTexts.apply_guardrail(self, inputs, request_data, input_type)


class BlockingAnswers(CustomGuardrail):
    """Knows no texts, only whole answers."""

    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        told = "" if response is None else response.model_dump_json()
        if SECRET in told or '"wipe"' in told:
            _refuse()


class MaskingAnswers(CustomGuardrail):
    """Changes whole answers."""

    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        for item in () if response is None else response.output:
            for part in getattr(item, "content", None) or ():
                part.text = part.text.replace(SECRET, MASK)
        return response
