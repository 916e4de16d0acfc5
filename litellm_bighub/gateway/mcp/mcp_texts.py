"""`McpTexts`: what a `TextGuardrail` is to MCP calls that go through the gateway.

LiteLLM lets a guardrail rewrite the result of an MCP call in one way only, through `apply_guardrail`, which guardrails
with hooks of their own do not have. So this second one, of the same name, runs on MCP events and on no others. LiteLLM
finds the texts: in a call's arguments, in its result with its structured content, in descriptions of listed tools.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import litellm
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.guardrails import GuardrailEventHooks

from litellm_bighub.checks.text_check import InputType
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.gateway.setup.guardrail_mode import events_of

MCP_EVENTS: Final = frozenset({GuardrailEventHooks.pre_mcp_call, GuardrailEventHooks.post_mcp_call})

CheckTexts = Callable[[JsonObject, object, Sequence[str], InputType], Awaitable[Sequence[str]]]


class McpTexts(CustomGuardrail):
    """Checks the texts of MCP calls.

    Args:
        owner: the guardrail that it belongs to; when LiteLLM drops that one, this one no longer runs.
        check: answers with one text for each, in order, or raises.
        **litellms: LiteLLM's parameters of the owner.
    """

    def __init__(self, owner: CustomGuardrail, check: CheckTexts, **litellms: Payload) -> None:
        super().__init__(**litellms)
        self._owner = owner
        self._check = check

    def should_run_guardrail(self, data: JsonObject, event_type: GuardrailEventHooks) -> bool:
        """Whether it is an event of MCP, and one on which the owner would run."""
        return (
            event_type in MCP_EVENTS
            and any(callback is self._owner for callback in litellm.callbacks)
            and self._owner.should_run_guardrail(data, event_type)
        )

    async def apply_guardrail(
        self, inputs: Payload, request_data: JsonObject, input_type: InputType, logging_obj: Payload = None
    ) -> Payload:
        """Check the texts that LiteLLM found."""
        texts = inputs.get("texts")
        if not texts:
            return inputs
        return {**inputs, "texts": list(await self._check(request_data, logging_obj, texts, input_type))}


def check_mcp_texts(owner: CustomGuardrail, check: CheckTexts, litellms: JsonMapping) -> None:
    """Have the texts of MCP calls checked, if the `mode` among LiteLLM's parameters names an event of MCP."""
    if not events_of(litellms.get("event_hook")) & {event.value for event in MCP_EVENTS}:
        return
    texts = McpTexts(owner, check, **litellms)
    litellm.callbacks[:] = [each for each in litellm.callbacks if not _is_of(each, texts.guardrail_name)]
    litellm.callbacks.append(texts)


def _is_of(callback: object, name: str | None) -> bool:
    return isinstance(callback, McpTexts) and callback.guardrail_name == name
