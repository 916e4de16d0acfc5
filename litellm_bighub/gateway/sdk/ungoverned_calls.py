"""Calls in code whose answers LiteLLM hands to no hook: all that a guardrail can do is to refuse them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import litellm

from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.errors import UngovernedCallExit
from litellm_bighub.gateway.hooks.native_guardrail import NativeGuardrail
from litellm_bighub.gateway.setup.proxy_process import is_proxy

UNGOVERNED_RESPONSES: Final = frozenset(
    {
        *("get_responses", "aget_responses", "cancel_responses", "acancel_responses"),
        *("compact_responses", "acompact_responses", "_aresponses_websocket"),
    }
)
"""Call types whose answers are responses, as LiteLLM names them."""

UNGOVERNED: Final = UNGOVERNED_RESPONSES | {
    *("completion", "generate_content", "agenerate_content", "generate_content_stream", "agenerate_content_stream"),
    *("interactions.create", "interactions.acreate", "interactions.get", "interactions.aget"),
    *("llm_passthrough_route", "allm_passthrough_route", "_arealtime"),
}
"""Call types whose answers can hold tool calls."""


def refuse_ungoverned(guardrail: NativeGuardrail, details: JsonMapping, ungoverned: Collection[str]) -> None:
    """Refuse a call of one of these types. Nothing has been sent yet.

    Args:
        guardrail: LiteLLM goes on telling it of calls after it was taken out of `litellm.callbacks`; it passes those.
        details: LiteLLM's own record of the call.
        ungoverned: the types.

    Raises:
        UngovernedCallExit: says what to do instead.
    """
    call_type = _type_of(details)
    if call_type not in ungoverned or (details.get("litellm_params") or {}).get("acompletion"):
        return
    if not is_proxy() and any(callback is guardrail for callback in litellm.callbacks):
        ours = call_type == "completion"
        instead = "call litellm_bighub.completion(tool_decisions=…)" if ours else "send it through the proxy"
        raise UngovernedCallExit(f"LiteLLM hands the answer of {call_type} to no callback; {instead}")


def _type_of(details: JsonMapping) -> str:
    """LiteLLM's name of the call; what its `litellm.interactions` does has the same as what its vector stores do."""
    call_type = str(details.get("call_type"))
    if call_type in {"create", "acreate", "get", "aget"}:
        url = (details.get("additional_args") or {}).get("api_base")
        return f"interactions.{call_type}" if "/interactions" in str(url) else call_type
    return call_type
