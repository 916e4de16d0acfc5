"""Merges into a request what LiteLLM would merge into it after its hooks, so that everything is seen."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import cache
from typing import Any, Final

from litellm.types.utils import all_litellm_params

from litellm_bighub.formats.format import TextFormat
from litellm_bighub.formats.requests.merged_request import MERGED, check_conversation, check_fallbacks, merge

_SENT_ON: Final = frozenset(
    {
        *("headers", "provider_specific_header", "prompt_variables", "litellm_system_prompt"),
        *("custom_prompt_dict", "roles", "initial_prompt_value", "final_prompt_value", "bos_token", "eos_token"),
        *("user_continue_message", "assistant_continue_message"),
    }
)
"""LiteLLM's own parameters whose texts reach the provider."""

LITELLM_FIELDS: Final = (
    frozenset(all_litellm_params)
    | {
        *("policies", "disable_fallbacks", "disable_global_guardrails", "drop_params", "enforced_params"),
        *("success_callback", "failure_callback", "organization", "session_id", "trace_id", "spend_logs_metadata"),
        *("user_id", "timeout", "guardrail_to_apply", "user_api_key_dict", "deployment", "response"),
    }
) - _SENT_ON
"""Fields of a request that LiteLLM keeps for itself or writes into it."""


def merge_request(request: MutableMapping[str, Any], wire_format: TextFormat, *, is_whole: bool = True) -> None:
    """Merge what LiteLLM would merge into a request after its hooks have run, in place.

    Args:
        request: of one of the formats.
        wire_format: its format.
        is_whole: whether it is the caller's own request, not an inner one that LiteLLM made.

    Raises:
        PayloadError: names a field that cannot be checked in its place.
    """
    if merged_fields(wire_format.conversation).isdisjoint(request):
        return
    if not wire_format.conversation:
        check_fallbacks(request)  # of `extra_body` nothing has to be moved: all is looked at where it stands
        return
    merge(request, wire_format.conversation, moves=wire_format.merges_extra_body)
    if is_whole and wire_format.passes_unknown_fields:
        check_conversation(request, wire_format.conversation)


@cache
def merged_fields(conversation: str) -> frozenset[str]:
    """The fields without which there is nothing to merge or to check, for a format with such a conversation."""
    return MERGED - {conversation}
