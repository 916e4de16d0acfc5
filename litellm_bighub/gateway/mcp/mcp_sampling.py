"""Requests to a model that an MCP server makes (sampling): LiteLLM sends the answer there and runs no hook after it.

The server acts on the calls of such an answer itself, so none of them leaves.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.answers.found_call import Replacements
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld
from litellm_bighub.gateway.sdk.ungoverned_calls import bypass_cache
from litellm_bighub.wording import Wording

_SAMPLING: Final = "/mcp/sampling/createMessage"


def is_asked_by_server(request_data: JsonMapping) -> bool:
    """Whether a request to a model is one that an MCP server makes."""
    return str(get(request_data.get("proxy_server_request"), "url")).endswith(_SAMPLING)


def check_sampling(request_data: MutableMapping[str, Any], wording: Wording) -> None:
    """Refuse tools in a request that an MCP server makes, and have it answered by the model, not out of a cache.

    Raises:
        ToolCallWithheld: the model could call tools.
    """
    if request_data.get("tools"):
        raise _refusal(wording)
    bypass_cache(request_data)


def check_sampled(response: Payload, wire_format: Format | None, wording: Wording) -> None:
    """Refuse calls in the answer to a request that an MCP server makes.

    Raises:
        ToolCallWithheld: there are some, or nobody could find them.
        PayloadError: the answer cannot be read.
    """
    if wire_format is None or not wire_format.is_answer(response):
        raise _refusal(wording)
    if wire_format.find_calls(response, Replacements(str, refusals=False, as_model=dict)):
        raise _refusal(wording)


def _refusal(wording: Wording) -> ToolCallWithheld:
    return ToolCallWithheld(wording.sampling_refused, kind="tool_call_withheld")
