"""What the fields of every object of the Responses API are, by the object's `type`.

The reference is `openai.types.responses` (https://platform.openai.com/docs/api-reference/responses). Only exceptions
are declared: a field that stands in no table here holds text and is scanned, so a field or type that is newer than this
file does not slip by. A test walks the unions of the installed `openai` and fails on a type that has no entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from litellm_bighub.formats.payload.field_rules import FieldRule, Rules, Vocabulary

_NONE: Rules = MappingProxyType({})
_OPAQUE, _NAME = FieldRule.OPAQUE, FieldRule.NAME
_TYPED: Rules = {"type": _OPAQUE}

COMMON: Rules = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "type",
                "id",
                "object",
                "status",
                "role",
                "phase",
                "created_by",
                "detail",
                "effort",
                "file_ids",
            ),
            _OPAQUE,
        ),
        **dict.fromkeys(("name", "namespace"), _NAME),
        "caller": dict.fromkeys(("type", "caller_id"), _OPAQUE),
        "prompt_cache_breakpoint": dict.fromkeys(("type", "ttl", "mode"), _OPAQUE),
        "logprobs": FieldRule.TOKENS,
        "attributes": FieldRule.FREE,  # of a file that a search found: keys are the uploader's
        "input_schema": FieldRule.SCHEMA,
        "encrypted_content": FieldRule.HIDDEN,
    }
)
"""Fields that mean the same wherever they stand; so does every field whose name ends in `_id`."""

UNKNOWN: Rules = {**dict.fromkeys(("type", "id", "status", "role"), _OPAQUE), "encrypted_content": FieldRule.HIDDEN}
"""The fields of an object whose type was not known when this was written: almost nothing is taken for granted."""

_FILE_PART: Rules = {"file_data": FieldRule.FILE, "file_url": FieldRule.FILE, "file_id": FieldRule.FILE}
_IMAGE_PART: Rules = {"image_url": FieldRule.IMAGE, "file_id": FieldRule.IMAGE}
_CREDENTIALS: Rules = {"authorization": _OPAQUE, "headers": FieldRule.APART}
_SETTINGS: Rules = {
    **dict.fromkeys(
        (
            "action",
            "allowed_callers",
            "background",
            "complexity",
            "container",
            "environment",
            "input_fidelity",
            "moderation",
            "model",
            "output_format",
            "quality",
            "search_content_types",
            "search_context_size",
            "size",
            "vector_store_ids",
        ),
        _OPAQUE,
    ),
    "filters": FieldRule.FREE,
    "ranking_options": {"ranker": _OPAQUE, "hybrid_search": _NONE},
    "user_location": _TYPED,
}

ITEMS: Mapping[str, Rules] = {
    "message": _NONE,
    "file_search_call": _NONE,
    "computer_call": _NONE,
    "computer_call_output": _NONE,
    "web_search_call": _NONE,
    "function_call": {"arguments": FieldRule.JSON},
    "function_call_output": _NONE,
    "tool_search_call": {"arguments": FieldRule.FREE, "execution": _OPAQUE},
    "tool_search_output": {"execution": _OPAQUE},
    "additional_tools": _NONE,
    "reasoning": _NONE,
    "compaction": _NONE,
    "compaction_trigger": _NONE,
    "configuration_update": _NONE,
    "image_generation_call": {"result": FieldRule.IMAGE, "svg_usage": _OPAQUE, **_SETTINGS},
    "code_interpreter_call": _NONE,
    "local_shell_call": _NONE,
    "local_shell_call_output": _NONE,
    "shell_call": _NONE,
    "shell_call_output": _NONE,
    "apply_patch_call": _NONE,
    "apply_patch_call_output": _NONE,
    "mcp_list_tools": {
        "server_label": _NAME,
        "tools": {"name": _NAME, "input_schema": FieldRule.SCHEMA, "annotations": FieldRule.FREE},
    },
    "mcp_approval_request": {"arguments": FieldRule.JSON, "server_label": _NAME},
    "mcp_approval_response": _NONE,
    "mcp_call": {"arguments": FieldRule.JSON, "server_label": _NAME},
    "custom_tool_call": _NONE,
    "custom_tool_call_output": _NONE,
    "item_reference": _NONE,
    "program": {"fingerprint": _OPAQUE},
    "program_output": _NONE,
}

PARTS: Mapping[str, Rules] = {
    "input_text": _NONE,
    "output_text": {"text": FieldRule.OUTPUT_TEXT},
    "text": _NONE,
    "refusal": _NONE,
    "summary_text": _NONE,
    "reasoning_text": _NONE,
    "input_image": _IMAGE_PART,
    "computer_screenshot": _IMAGE_PART,
    "image_url": {"image_url": FieldRule.IMAGE},
    "image": {"url": FieldRule.IMAGE},
    "input_file": _FILE_PART,
    "file": {"file": FieldRule.FILE},
    "input_audio": {"input_audio": FieldRule.FILE},
}

DETAILS: Mapping[str, Rules] = {
    **dict.fromkeys(
        (
            # annotations
            "container_file_citation",
            "file_citation",
            "file_path",
            "url_citation",
            # actions and operations
            "create_file",
            "delete_file",
            "double_click",
            "drag",
            "find_in_page",
            "keypress",
            "move",
            "open_page",
            "screenshot",
            "scroll",
            "search",
            "type",
            "update_file",
            "url",
            "wait",
            # outcomes
            "exit",
            "http_error",
            "logs",
            "mcp_protocol_error",
            "timeout",
            # where a shell runs, and what it is taught
            "container_reference",
            "local",
            "skill_reference",
        ),
        _NONE,
    ),
    "json_schema": {"schema": FieldRule.SCHEMA, "schema_": FieldRule.SCHEMA},
    "mcp_tool_execution_error": {"content": FieldRule.FREE},  # whatever the tool server answered
    "click": {"button": _OPAQUE},
    "exec": {"env": FieldRule.FREE},
    "grammar": {"syntax": _OPAQUE},
    **{key: {"memory_limit": _OPAQUE} for key in ("auto", "container_auto")},
    "allowlist": {"domain_secrets": {**dict.fromkeys(("domain", "name"), _NAME), "value": _OPAQUE}},
    **dict.fromkeys(("approximate", "direct", "disabled"), _NONE),
    "inline": _NONE,
    "base64": {"data": FieldRule.FILE, "media_type": _OPAQUE},
}

TOOLS: Mapping[str, Rules] = {
    "function": {"parameters": FieldRule.SCHEMA, "output_schema": FieldRule.SCHEMA, **_SETTINGS},
    "custom": _SETTINGS,
    "namespace": _NONE,
    "tool_search": {"parameters": FieldRule.SCHEMA, "execution": _OPAQUE},
    "shell": {**_SETTINGS, "environment": FieldRule.TEXT},
    "image_generation": {**_SETTINGS, "input_image_mask": FieldRule.IMAGE, "svg": _OPAQUE},
    "mcp": {
        **_CREDENTIALS,
        **dict.fromkeys(("server_url", "allowed_callers"), _OPAQUE),
        "server_label": _NAME,
        "allowed_tools": _NAME,
        "require_approval": {key: {"tool_names": _NAME} for key in ("always", "never")},
    },
    **dict.fromkeys(
        (
            "apply_patch",
            "code_interpreter",
            "computer",
            "computer_use_preview",
            "file_search",
            "local_shell",
            "programmatic_tool_calling",
            "web_search",
            "web_search_2025_08_26",
            "web_search_preview",
            "web_search_preview_2025_03_11",
        ),
        _SETTINGS,
    ),
}

TYPES: Mapping[str, Rules] = {
    name: {**COMMON, **rules} for name, rules in {**DETAILS, **TOOLS, **PARTS, **ITEMS}.items()
}

VOCABULARY = Vocabulary(
    types=TYPES,
    untyped=COMMON,
    unknown=UNKNOWN,
    text_fields=frozenset({"text", "content", "refusal", "output", "arguments", "input"}),
    opaque_ids=True,
)

_TEXT_FORMAT: Rules = {"type": _OPAQUE, "name": _NAME, **dict.fromkeys(("schema", "schema_"), FieldRule.SCHEMA)}

_ALIKE: Rules = {
    **dict.fromkeys(("model", "service_tier", "truncation", "prompt_cache_retention"), _OPAQUE),
    "context_management": _TYPED,
    "moderation": {"model": _OPAQUE, "policy": {key: {"mode": _OPAQUE} for key in ("input", "output")}},
    "prompt": {**dict.fromkeys(("id", "version"), _OPAQUE), "variables": FieldRule.APART},
    "prompt_cache_options": dict.fromkeys(("type", "ttl", "mode"), _OPAQUE),
    "reasoning": dict.fromkeys(("effort", "summary", "generate_summary", "context"), _OPAQUE),
    "stream_options": _NONE,
    "text": {"format": _TEXT_FORMAT, "verbosity": _OPAQUE},
    "tool_choice": {
        **dict.fromkeys(("type", "mode"), _OPAQUE),
        **dict.fromkeys(("name", "server_label"), _NAME),
        "tools": FieldRule.FREE,
    },
    "metadata": FieldRule.FREE,
    **dict.fromkeys(("instructions", "user", "safety_identifier", "prompt_cache_key"), FieldRule.TEXT),
    "conversation": {"id": _OPAQUE},
    "previous_response_id": _OPAQUE,
}
"""Fields of a request, which its answer tells once more."""

REQUEST: Rules = {
    **_ALIKE,
    **dict.fromkeys(("include", "custom_llm_provider", "text_format"), _OPAQUE),
    "tools": FieldRule.TEXT,
}
"""The fields of a request beside its input. What stands under any other name is free text."""

EVENT: Rules = {
    **dict.fromkeys(("type", "code", "obfuscation"), _OPAQUE),
    "name": _NAME,
    "logprobs": FieldRule.TOKENS,
}
"""An event of a stream, beside the part that makes it one."""

ANSWER: Rules = {
    **_ALIKE,
    **dict.fromkeys(("id", "object", "status"), _OPAQUE),
    "tools": FieldRule.TEXT,
    "error": {"code": _OPAQUE},
    "incomplete_details": {"reason": _OPAQUE},
    "output": FieldRule.APART,
    "usage": dict.fromkeys(("input_tokens_details", "output_tokens_details"), _NONE),
    "moderation": FieldRule.FREE,
}
"""The fields of an answer. Its output is walked by the types of its items."""
