"""What the fields of a response and of its events carry.

The references are `openai.types.responses` and `litellm.types.llms.openai`; a test walks the installed ones and fails
on a field that has no entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.formats.answers.answer_fields import FieldKind, FieldShape, FieldShapes
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.responses.event_kinds import CALL_TEXT, COMMAND_TEXT, OUTPUT_DELTA, OUTPUT_DONE
from litellm_bighub.formats.responses.item_kinds import PAYLOAD_KEYS, is_call

_WORD, _TEXT, _CALL, _SETTINGS, _DETAILS = (
    FieldKind.WORD,
    FieldKind.TEXT,
    FieldKind.CALL,
    FieldKind.SETTINGS,
    FieldKind.DETAILS,
)

_ANNOTATION = FieldShape(
    {
        **dict.fromkeys(("type", "container_id", "end_index", "file_id", "index", "start_index"), _WORD),
        **dict.fromkeys(("filename", "title", "url"), _TEXT),
    }
)

_PART = FieldShape(
    {
        **dict.fromkeys(("type", "id"), _WORD),
        **dict.fromkeys(("text", "refusal", "reasoning", "transcript"), _TEXT),
        "annotations": _ANNOTATION,
        "logprobs": _DETAILS,
    },
    text=True,
)

_COMMON: Mapping[str, FieldKind] = {
    **dict.fromkeys(
        (
            "type",
            "id",
            "status",
            "role",
            "phase",
            "call_id",
            "name",
            "namespace",
            "server_label",
            "created_by",
            "execution",
            "approval_request_id",
        ),
        _WORD,
    ),
    "async": _WORD,
    **dict.fromkeys(("caller", "encrypted_content", "provider_specific_fields"), _DETAILS),
}
"""Fields that items of several types have; LiteLLM adds the last one."""


def _item(**fields: FieldKind | FieldShape) -> FieldShape:
    return FieldShape({**_COMMON, **fields})


_SEARCH = FieldShape(
    {
        "type": _WORD,
        **dict.fromkeys(("pattern", "query", "url"), _TEXT),
        "queries": FieldShape({}, text=True),
        "sources": FieldShape({"type": _WORD, **dict.fromkeys(("name", "title", "url"), _TEXT)}, text=True),
    }
)
_FILE = FieldShape(
    {
        **dict.fromkeys(("file_id", "score", "vector_store_id"), _WORD),
        **dict.fromkeys(("filename", "text"), _TEXT),
        "attributes": _SETTINGS,
    }
)
_LOG = FieldShape({**dict.fromkeys(("type", "url"), _WORD), "logs": _TEXT})
_OUTPUT = _item(output=_SETTINGS, max_output_length=_WORD, acknowledged_safety_checks=_DETAILS)
_TOOL = FieldShape(
    {
        **dict.fromkeys(("type", "name", "description", "strict", "server_label", "server_url", "execution"), _TEXT),
        **dict.fromkeys(
            (
                "action",
                "allowed_callers",
                "allowed_tools",
                "complexity",
                "external_web_access",
                "frame_count",
                "frame_duration_ms",
                "svg",
                "annotations",
                "async",
                "authorization",
                "background",
                "connector_id",
                "container",
                "defer_loading",
                "display_height",
                "display_width",
                "environment",
                "filters",
                "format",
                "headers",
                "input_fidelity",
                "input_image_mask",
                "input_schema",
                "max_num_results",
                "model",
                "moderation",
                "output_compression",
                "output_format",
                "output_schema",
                "parameters",
                "partial_images",
                "quality",
                "ranking_options",
                "require_approval",
                "search_content_types",
                "search_context_size",
                "server_description",
                "size",
                "tools",
                "tunnel_id",
                "user_location",
                "vector_store_ids",
            ),
            _SETTINGS,
        ),
    }
)
_TOOLS = _item(tools=_TOOL, error=_TEXT)

ITEMS: Mapping[str, FieldShape] = {
    "message": _item(content=_PART),
    "reasoning": _item(content=_PART, summary=_PART),
    "compaction": _item(),
    # Calls that the gates decide on, or that the provider has run.
    "function_call": _item(arguments=_CALL),
    "custom_tool_call": _item(input=_CALL),
    "local_shell_call": _item(action=_CALL),
    "shell_call": _item(action=_CALL, environment=_DETAILS),
    "apply_patch_call": _item(operation=_CALL),
    "computer_call": _item(action=_CALL, actions=_CALL, pending_safety_checks=_DETAILS),
    "tool_search_call": _item(arguments=_CALL),
    "program": _item(code=_CALL, fingerprint=_DETAILS),
    "mcp_approval_request": _item(arguments=_CALL),
    "mcp_approval_response": _item(approve=_WORD, reason=_TEXT),
    "mcp_call": _item(arguments=_CALL, output=_CALL, error=_CALL),
    "code_interpreter_call": _item(code=_CALL, container_id=_WORD, outputs=_LOG),
    "file_search_call": _item(queries=FieldShape({}, text=True), results=_FILE),
    "image_generation_call": _item(
        result=_WORD,
        **dict.fromkeys(("error", "svg_usage"), _DETAILS),
        **dict.fromkeys(("action", "background", "output_format", "quality", "size", "revised_prompt"), _TEXT),
    ),
    "web_search_call": _item(action=_SEARCH),
    # What tools have answered.
    **dict.fromkeys(
        (
            "apply_patch_call_output",
            "computer_call_output",
            "custom_tool_call_output",
            "function_call_output",
            "local_shell_call_output",
            "shell_call_output",
        ),
        _OUTPUT,
    ),
    "program_output": _item(result=_CALL),
    **dict.fromkeys(("additional_tools", "mcp_list_tools", "tool_search_output"), _TOOLS),
}
"""By their type."""

_UNKNOWN = _item(content=_PART, summary=_PART)
_UNKNOWN_CALL = _item(**dict.fromkeys(PAYLOAD_KEYS, _CALL))


def _item_shape(item: object) -> FieldShape:
    known = ITEMS.get(text(item, "type"))
    return known or (_UNKNOWN_CALL if is_call(item) else _UNKNOWN)


RESPONSE = FieldShape(
    {
        **dict.fromkeys(
            (
                "background",
                "completed_at",
                "created_at",
                "id",
                "max_output_tokens",
                "max_tool_calls",
                "model",
                "object",
                "parallel_tool_calls",
                "previous_response_id",
                "prompt_cache_key",
                "prompt_cache_retention",
                "safety_identifier",
                "service_tier",
                "status",
                "store",
                "temperature",
                "top_logprobs",
                "top_p",
                "truncation",
                "user",
            ),
            _WORD,
        ),
        "output": FieldShapes(_item_shape),
        **dict.fromkeys(("instructions", "output_text"), _TEXT),
        "text": FieldShape({"format": _SETTINGS, "verbosity": _WORD}),
        "provider_specific_fields": FieldShape({"server_tool_calls": _SETTINGS}),  # what Claude's provider has run
        "tools": _TOOL,
        **dict.fromkeys(
            (
                "metadata",
                "prompt",
                "tool_choice",
                "access_programs",
                "conversation",
                "error",
                "image",
                "incomplete_details",
                "input_transformations",
                "moderation",
                "prompt_cache_diagnostics",
                "prompt_cache_options",
                "reasoning",
                "tool_usage",
                "usage",
            ),
            _DETAILS,
        ),
    }
)

_PLACE: Mapping[str, FieldKind] = dict.fromkeys(
    (
        "annotation_index",
        "command_index",
        "content_index",
        "item_id",
        "output_index",
        "partial_image_index",
        "sequence_number",
        "status",
        "summary_index",
        "type",
    ),
    _WORD,
)

_CALL_EVENT = FieldShape(
    {
        **_PLACE,
        **dict.fromkeys(("delta", "arguments", "input", "command"), _CALL),
        **dict.fromkeys(("name", "obfuscation"), _WORD),
    }
)

EVENT = FieldShape(
    {
        **_PLACE,
        **dict.fromkeys(("delta", "text", "refusal", "transcript", "code", "message", "obfuscation"), _TEXT),
        **dict.fromkeys(("param", "partial_image_b64", "b64_json"), _WORD),
        **dict.fromkeys(("background", "output_format", "quality", "size"), _WORD),
        "annotation": _ANNOTATION,
        "part": _PART,
        "item": FieldShapes(_item_shape),
        "response": RESPONSE,
        **dict.fromkeys(("logprobs", "error"), _DETAILS),
    }
)

_RUN_BY_PROVIDER = (
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.code_interpreter_call_code.delta",
    "response.code_interpreter_call_code.done",
    OUTPUT_DELTA,
    OUTPUT_DONE,
)

CALL_EVENTS: Mapping[str, FieldShape] = {
    **dict.fromkeys((*CALL_TEXT, *COMMAND_TEXT), _CALL_EVENT),
    **dict.fromkeys(
        _RUN_BY_PROVIDER,
        FieldShape({**_PLACE, **dict.fromkeys(("delta", "arguments", "code", "output", "name"), _CALL)}),
    ),
}
"""Events that tell of a call; all others have the fields of `EVENT`."""

EVENTS = FieldShapes(lambda event: CALL_EVENTS.get(text(event, "type"), EVENT))
