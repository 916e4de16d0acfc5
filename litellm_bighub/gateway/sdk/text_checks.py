"""Guardrails as objects, over the texts of one call in code."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from litellm_bighub.checks.contract import Guardrail
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.stream.gate_protocol import unchanged
from litellm_bighub.formats.stream.text_part import Window
from litellm_bighub.gateway.hooks.text_stream import checked_by
from litellm_bighub.gateway.hooks.translation.format_handler import FormatHandler
from litellm_bighub.gateway.pipeline.gated_stream import as_litellm_event


@dataclass(slots=True)
class Checks:
    """The guardrails of a call, which run one after the other.

    Attributes:
        handler: finds the texts.
        guardrails: of either contract.
    """

    handler: FormatHandler
    guardrails: Sequence[Guardrail]
    _request: JsonObject = field(default_factory=dict[str, Any])

    async def request(self, data: JsonObject) -> None:
        """Check the texts of the request, in place."""
        self._request = data
        for guardrail in self.guardrails:
            await self.handler.process_input_messages(data, guardrail)

    async def answer(self, response: Payload) -> Payload:
        """Check the texts of a whole answer, in place."""
        for guardrail in self.guardrails:
            response = await self.handler.process_output_response(response, guardrail, request_data=self._request)
        return response

    async def stream(self, events: AsyncIterator[Any], request: JsonObject) -> AsyncGenerator[Any, None]:
        """The events of an answer as they may leave, rewritten where a guardrail rewrote them.

        The gate of its calls stands behind: what is decided on is what leaves.
        """
        made = as_litellm_event if self.handler.wire_format.has_event_objects else unchanged
        async with aclosing(checked_by(self.guardrails, events, self.handler, Window(), request)) as released:
            async for event in released:
                yield made(event)
