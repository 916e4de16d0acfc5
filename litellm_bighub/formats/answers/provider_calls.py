"""Calls that the provider has run itself, where LiteLLM shows them as calls of the client's functions.

Anthropic's ids of such calls say so. They are decided on as the provider's own tool, of the type that the request's
`tools` were decided on with: what a policy lets the provider run is no unknown function of the client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litellm_bighub.domain.call import CallType

_PREFIX: Final = "srvtoolu_"
_TOOLS: Final[Mapping[str, CallType]] = {
    "web_search": "web_search",
    "web_fetch": "unknown",
    "code_execution": "code_interpreter",
    "bash_code_execution": "code_interpreter",
    "text_editor_code_execution": "code_interpreter",
    "tool_search_tool_bm25": "tool_search",
    "tool_search_tool_regex": "tool_search",
}
"""Anthropic's names of the tools that it runs. Another name is the client's, whatever the id says."""


def type_of_function(call_id: str, name: str) -> CallType:
    """The type of a call that looks like one of a client's function."""
    return _TOOLS.get(name, "function") if call_id.startswith(_PREFIX) else "function"


def has_been_run(call_id: str, name: str) -> bool:
    """Whether the provider has run the call, so that nobody may be told otherwise, and no output of it is missing."""
    return type_of_function(call_id, name) != "function"
