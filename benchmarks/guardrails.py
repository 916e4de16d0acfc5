"""Guardrails that cost nothing themselves, so that what is measured is the handler around them."""

from __future__ import annotations

import asyncio


class Noop:
    """Looks at nothing; without LiteLLM's logging wrapper, which costs both handlers the same."""

    guardrail_name = "noop"
    does = "guardrail does nothing"

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return inputs


class Structured(Noop):
    """Takes the request as chat messages."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        inputs.get("structured_messages")
        return inputs


class Rewriting(Noop):
    """Rewrites every text."""

    does = "guardrail rewrites all"

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return {**inputs, "texts": [f"{text}." for text in inputs["texts"]]}


class Slow(Noop):
    """Checks one text after the other, 50 ms each, like most of LiteLLM's own."""

    text_calls = "each"

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        for _ in inputs["texts"]:
            await asyncio.sleep(0.05)
        return inputs
