"""What the fields of Messages are: of blocks by their `type`, of all else by the place where it stands.

The references are `anthropic.types` and `anthropic.types.beta`. Only exceptions are declared: a field that stands in no
table here holds text and is scanned. A test walks the installed `anthropic`.
"""

from __future__ import annotations

from typing import Final

from litellm_bighub.formats.payload.field_rules import FieldRule, Rules, Vocabulary

_OPAQUE, _NAME, _HIDDEN, _FILE = FieldRule.OPAQUE, FieldRule.NAME, FieldRule.HIDDEN, FieldRule.FILE

_CACHE: Final[Rules] = dict.fromkeys(("type", "ttl"), _OPAQUE)
_THINKING: Final[Rules] = {
    **dict.fromkeys(("type", "display", "effort"), _OPAQUE),
    "block_binding": {"prefix_mismatch_behavior": _OPAQUE},
}
_OUTPUT: Final[Rules] = {"effort": _OPAQUE, "task_budget": {"type": _OPAQUE}}

_COMMON: Final[Rules] = {
    **dict.fromkeys(("type", "id", "tool_use_id", "file_id", "error_code"), _OPAQUE),
    "caller": dict.fromkeys(("type", "tool_id"), _OPAQUE),
    "cache_control": _CACHE,
    **dict.fromkeys(("signature", "encrypted_content", "encrypted_index", "encrypted_stdout"), _HIDDEN),
}

TOOL: Final[Rules] = {
    **dict.fromkeys(("type", "model", "allowed_callers", "response_inclusion"), _OPAQUE),
    **dict.fromkeys(("cache_control", "caching"), _CACHE),
    **dict.fromkeys(("name", "mcp_server_name"), _NAME),
    **dict.fromkeys(("input_schema", "parameters"), FieldRule.SCHEMA),
    "function": {"name": _NAME, "parameters": FieldRule.SCHEMA},
    "tools": {"name": _NAME, "input_schema": FieldRule.SCHEMA},
    "user_location": {"type": _OPAQUE},
}
"""Anthropic's, and one of chat completions, which LiteLLM takes as well."""

_IMAGE: Final[Rules] = {
    **dict.fromkeys(("type", "media_type"), _OPAQUE),
    **dict.fromkeys(("data", "url", "file_id"), FieldRule.IMAGE),
}

_CALL: Final[Rules] = {
    **dict.fromkeys(("name", "server_name", "toolset_name"), _NAME),
    "input": FieldRule.FREE,
}

BLOCKS: Final[dict[str, Rules]] = {
    "text": {"media_type": _OPAQUE},  # beside the block, the plain text source of a document
    "thinking": {"thinking": FieldRule.SIGNED},
    "redacted_thinking": {"data": _HIDDEN},
    **dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use"), _CALL),
    "tool_result": {"toolset_name": _NAME},
    "image": {"source": _IMAGE, "transformations": {"oversized_image": _OPAQUE}},
    "compaction": {"content": FieldRule.SIGNED},
    "advisor_result": {"stop_reason": _OPAQUE},
    "advisor_redacted_result": {"stop_reason": _OPAQUE},
    "text_editor_code_execution_view_result": {"file_type": _OPAQUE},
    "tool_reference": {"tool_name": _NAME, "name": _NAME},
    **dict.fromkeys(("mcp_tool_reference", "mcp_toolset_reference"), _CALL),
    "tool_definition": {"definition": TOOL},
    "mcp_tool_listing": {"mcp_server_name": _NAME, "tools": TOOL},
    "fallback": {
        **{key: {"model": _OPAQUE} for key in ("from", "from_", "to")},
        "trigger": FieldRule.FREE,
    },
    **{
        kind: {}
        for kind in (
            "advisor_tool_result",
            "advisor_tool_result_error",
            "bash_code_execution_output",
            "bash_code_execution_result",
            "bash_code_execution_tool_result",
            "bash_code_execution_tool_result_error",
            "browser_state",
            "char_location",
            "code_execution_output",
            "code_execution_result",
            "code_execution_tool_result",
            "code_execution_tool_result_error",
            "container_upload",
            "content_block_location",
            "document",
            "encrypted_code_execution_result",
            "mcp_tool_result",
            "page_location",
            "search_result",
            "search_result_location",
            "text_editor_code_execution_create_result",
            "text_editor_code_execution_str_replace_result",
            "text_editor_code_execution_tool_result",
            "text_editor_code_execution_tool_result_error",
            "tool_addition",
            "tool_removal",
            "tool_search_tool_result",
            "tool_search_tool_result_error",
            "tool_search_tool_search_result",
            "web_fetch_result",
            "web_fetch_tool_result",
            "web_fetch_tool_result_error",
            "web_search_result",
            "web_search_result_location",
            "web_search_tool_result",
            "web_search_tool_result_error",
        )
    },
    # where the content of a document comes from
    "base64": {"data": _FILE, "media_type": _OPAQUE},
    "url": {"url": _FILE},
    "file": {"file_id": _FILE},
    "content": {},
}

_CONTAINER: Final[Rules] = {
    **dict.fromkeys(("id", "expires_at"), _OPAQUE),
    "skills": dict.fromkeys(("skill_id", "type", "version"), _OPAQUE),
}

MESSAGE: Final[Rules] = {
    **dict.fromkeys(("role", "clear_at"), _OPAQUE),
    "cache_control": _CACHE,
    "output_config": _OUTPUT,
}
"""A message of a request; its content is blocks or a text."""

_COUNTED: Final[Rules] = {key: {} for key in ("cache_creation", "server_tool_use", "output_tokens_details")}
_BOOKKEEPING: Final[Rules] = {
    "usage": {
        **dict.fromkeys(("service_tier", "inference_geo", "speed"), _OPAQUE),
        **_COUNTED,
        "iterations": {**dict.fromkeys(("type", "model"), _OPAQUE), **_COUNTED},
        "fallback_credit": {"status": dict.fromkeys(("type", "reason", "remove_to_redeem"), _OPAQUE)},
    },
    "context_management": {"applied_edits": {"type": _OPAQUE}},
    "input_transformations": dict.fromkeys(("type", "path", "reason"), _OPAQUE),
}

ANSWER: Final[Rules] = {
    **dict.fromkeys(("id", "type", "role", "model", "stop_reason"), _OPAQUE),
    "container": _CONTAINER,
    **_BOOKKEEPING,
}

MESSAGE_DELTA: Final[Rules] = {"stop_reason": _OPAQUE, "container": _CONTAINER}

EVENT: Final[Rules] = {
    "type": _OPAQUE,
    **_BOOKKEEPING,
    "message": ANSWER,
    "delta": MESSAGE_DELTA,
}
"""An event of a stream that is about no block."""

ERROR_EVENT: Final[Rules] = {
    **dict.fromkeys(("type", "request_id"), _OPAQUE),
    "error": dict.fromkeys(("type", "code"), _OPAQUE),
}

DELTA: Final[Rules] = {"type": _OPAQUE, "signature": _HIDDEN, "encrypted_content": _HIDDEN}
"""What an event adds to a block, beside the texts that it tells piece by piece."""

_FORMAT: Final[Rules] = {"type": _OPAQUE, "schema": FieldRule.SCHEMA}

REQUEST: Final[Rules] = {
    **dict.fromkeys(
        ("model", "service_tier", "speed", "inference_geo", "custom_llm_provider"),
        _OPAQUE,
    ),
    "cache_control": _CACHE,
    "thinking": _THINKING,
    "system": FieldRule.TEXT,
    "tools": TOOL,
    "tool_choice": {"type": _OPAQUE, "name": _NAME},
    "output_format": _FORMAT,
    "output_config": {**_OUTPUT, "format": _FORMAT},
    "container": _CONTAINER,
    "mcp_servers": {
        **dict.fromkeys(("type", "url", "authorization_token"), _OPAQUE),
        "name": _NAME,
        "tool_configuration": {"allowed_tools": _NAME},
    },
}
"""The fields of a request beside its messages and its metadata. What stands under any other name is free text."""

_UNKNOWN: Final[Rules] = {"type": _OPAQUE, "encrypted_content": _HIDDEN}

VOCABULARY: Final = Vocabulary(
    types={kind: {**_COMMON, **rules} for kind, rules in BLOCKS.items()},
    untyped=_UNKNOWN,
    unknown=_UNKNOWN,
    text_fields=frozenset({"content", "text", "system"}),
    plain_text="text",
)
