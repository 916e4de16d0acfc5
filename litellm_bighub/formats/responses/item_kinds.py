"""Which items of a Responses payload make the caller's machine act.

Every item type that OpenAI had when this was written stands in one of the two tables. Of a type that stands in none
it is assumed that it may be a call: a stream holds it until it is complete, and what then looks like a call is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from litellm_bighub.domain.call import CallType
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get

CALLS: Mapping[str, CallType] = MappingProxyType(
    {
        "function_call": "function",
        "custom_tool_call": "custom",
        "local_shell_call": "local_shell",
        "shell_call": "shell",
        "apply_patch_call": "apply_patch",
        "computer_call": "computer",
        "tool_search_call": "tool_search",
        "program": "program",
        # The provider calls the MCP server as soon as the caller approves, and callers approve by machine.
        "mcp_approval_request": "mcp",
    }
)
"""Types that are calls for the caller, unless a field says that the provider runs them."""

NO_CALLS = frozenset(
    {
        "additional_tools",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "compaction_trigger",
        "computer_call_output",
        "configuration_update",
        "custom_tool_call_output",
        "file_search_call",
        "function_call_output",
        "image_generation_call",
        "item_reference",
        "local_shell_call_output",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "message",
        "program_output",
        "reasoning",
        "shell_call_output",
        "tool_search_output",
        "web_search_call",
    }
)
"""Types that make nobody act, or only the provider."""

PAYLOAD_KEYS = ("arguments", "input", "action", "actions", "operation", "code")
"""Where calls say what is to be done."""


def may_be_call(item: object) -> bool:
    """Whether the item, of which perhaps only the beginning is known, can turn out to be a call for the caller."""
    return item is not None and text(item, "type") not in NO_CALLS


def is_call(item: object) -> bool:
    """Whether the item, complete, makes the caller's machine act."""
    match text(item, "type"):
        case "tool_search_call":
            return text(item, "execution") != "server"
        case "program":
            return text(item, "execution") == "client"
        case "shell_call":
            return text(get(item, "environment"), "type") != "container_reference"
        case known if known in CALLS:
            return True
        case known if known in NO_CALLS:
            return False
        case unknown:
            return _looks_like_a_call(item, unknown)


def is_unfinished(item: object) -> bool:
    """Whether the item itself says that more of it was to come."""
    return text(item, "status") in {"in_progress", "incomplete"}


def _looks_like_a_call(item: object, item_type: str) -> bool:
    if "call" in item_type and not item_type.endswith("_output"):
        return True
    return get(item, "call_id") is not None and any(get(item, key) is not None for key in PAYLOAD_KEYS)


def is_reference(item: object) -> bool:
    """Whether the item only names another one, which the provider has kept. Its type may be left out."""
    if text(item, "type"):
        return text(item, "type") == "item_reference"
    return bool(text(item, "id")) and get(item, "type") is None and get(item, "role") is None
