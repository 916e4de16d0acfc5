"""What is logged of what LiteLLM keeps beside an answer: numbers, ids and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.gateway.routes.provider_headers import passing_headers

_HIDDEN: Final = frozenset(
    {
        *("model_id", "cache_key", "api_base", "response_cost", "litellm_overhead_time_ms", "batch_models"),
        *("batch_successful_requests", "batch_failed_requests", "litellm_model_name", "usage_object", "usage"),
        *("custom_llm_provider", "region_name", "cache_hit", "litellm_call_id", "model", "callback_duration_ms"),
    }
)
_HEADER_FIELDS: Final = frozenset({"additional_headers", "headers"})


def logged_hidden_params(hidden: Mapping[str, Any]) -> JsonObject:
    """What a logger may see of the parameters that LiteLLM keeps beside an answer."""
    told = {name: value for name, value in hidden.items() if name in _HIDDEN}
    for name in _HEADER_FIELDS & hidden.keys():
        given = hidden[name]
        told[name] = passing_headers(given) if isinstance(given, Mapping) else None
    return told
