"""What the fields of a Messages answer and of its events carry.

The references are `anthropic.types` and `anthropic.types.beta`; a test walks the installed ones and fails on a field
that has no entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.formats.answers.answer_fields import FieldKind, FieldShape, FieldShapes, Listed
from litellm_bighub.formats.messages.calls import NO_CALLS, is_call
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get

_WORD, _TEXT, _CALL, _SETTINGS, _DETAILS = (
    FieldKind.WORD,
    FieldKind.TEXT,
    FieldKind.CALL,
    FieldKind.SETTINGS,
    FieldKind.DETAILS,
)

_COMMON: Mapping[str, FieldKind] = {
    **dict.fromkeys(("type", "id", "name", "toolset_name", "server_name", "tool_use_id", "file_id"), _WORD),
    **dict.fromkeys(("caller", "cache_control"), _DETAILS),
}

_CITATION = FieldShape(
    {
        **dict.fromkeys(
            (
                "type",
                "document_index",
                "encrypted_index",
                "end_block_index",
                "end_char_index",
                "end_page_number",
                "file_id",
                "search_result_index",
                "start_block_index",
                "start_char_index",
                "start_page_number",
            ),
            _WORD,
        ),
        **dict.fromkeys(("cited_text", "document_title", "source", "title", "url"), _TEXT),
    }
)

_RESULT_FIELDS: dict[str, Listed] = {
    **dict.fromkeys(
        (
            "type",
            "enabled",
            "error_code",
            "file_id",
            "file_type",
            "is_file_update",
            "media_type",
            "name",
            "new_lines",
            "new_start",
            "num_lines",
            "old_lines",
            "old_start",
            "page_age",
            "retrieved_at",
            "return_code",
            "start_line",
            "stop_reason",
            "tool_name",
            "total_lines",
        ),
        _WORD,
    ),
    **dict.fromkeys(
        ("data", "encrypted_content", "encrypted_stdout", "error_message", "stderr", "stdout", "text", "title", "url"),
        _TEXT,
    ),
    "lines": FieldShape({}, text=True),
}
_RESULT = FieldShape(_RESULT_FIELDS, text=True)
_RESULT_FIELDS.update(
    {
        **dict.fromkeys(("content", "source", "tool_references"), _RESULT),
        "citations": FieldShape({**_CITATION.fields, "enabled": _WORD}),
    }
)
"""What a provider's tool has answered, at any depth."""

CALL_BLOCK = FieldShape({**_COMMON, "input": _CALL})
"""One that the gates decide on, or that the provider has run."""

BLOCKS: Mapping[str, FieldShape] = {
    "text": FieldShape({"type": _WORD, "text": _TEXT, "citations": _CITATION}),
    "thinking": FieldShape({"type": _WORD, "thinking": _TEXT, "signature": _WORD}),
    "redacted_thinking": FieldShape({"type": _WORD, "data": _DETAILS}),
    **dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use"), CALL_BLOCK),
    "compaction": FieldShape(
        {
            **dict.fromkeys(("type", "signature"), _WORD),
            "content": _TEXT,
            **dict.fromkeys(("encrypted_content", "tool_changes"), _DETAILS),
        }
    ),
    "container_upload": FieldShape({"type": _WORD, "file_id": _WORD}),
    "fallback": FieldShape({"type": _WORD, **dict.fromkeys(("from", "from_", "to", "trigger"), _DETAILS)}),
    **dict.fromkeys(("tool_addition", "tool_removal"), FieldShape({"type": _WORD, "tool": _SETTINGS})),
    "mcp_tool_listing": FieldShape({**_COMMON, "mcp_server_name": _WORD, "tools": _SETTINGS}),
    **dict.fromkeys(
        (block for block in NO_CALLS if block.endswith("_tool_result")),
        FieldShape({**_COMMON, "is_error": _WORD, "content": _RESULT}),
    ),
}
"""By their type."""

_UNKNOWN = FieldShape({"type": _WORD})


def _block(block: object) -> FieldShape:
    known = BLOCKS.get(text(block, "type"))
    return known or (CALL_BLOCK if is_call(block) else _UNKNOWN)


MESSAGE = FieldShape(
    {
        **dict.fromkeys(("type", "id", "model", "role", "stop_reason", "stop_sequence"), _WORD),
        "content": FieldShapes(_block, text=True),
        **dict.fromkeys(
            ("container", "context_management", "diagnostics", "input_transformations", "stop_details", "usage"),
            _DETAILS,
        ),
    }
)

DELTAS: Mapping[str, FieldShape] = {
    "text_delta": FieldShape({"type": _WORD, "text": _TEXT}),
    "input_json_delta": FieldShape({"type": _WORD, "partial_json": _CALL}),
    "citations_delta": FieldShape({"type": _WORD, "citation": _CITATION}),
    "thinking_delta": FieldShape({"type": _WORD, "thinking": _TEXT, "estimated_tokens": _WORD}),
    "signature_delta": FieldShape({"type": _WORD, "signature": _WORD}),
    "compaction_delta": FieldShape(
        {"type": _WORD, "content": _TEXT, **dict.fromkeys(("encrypted_content", "signature", "tool_changes"), _DETAILS)}
    ),
}
"""By their type; the delta of a whole message has none."""

MESSAGE_DELTA = FieldShape(
    {
        **dict.fromkeys(("stop_reason", "stop_sequence"), _WORD),
        **dict.fromkeys(("container", "stop_details"), _DETAILS),
    }
)

_DELTA_OF_UNKNOWN_TYPE = FieldShape({"type": _WORD, "partial_json": _CALL})


def _delta(delta: object) -> FieldShape:
    kind = text(delta, "type")
    return DELTAS.get(kind, _DELTA_OF_UNKNOWN_TYPE) if kind else MESSAGE_DELTA


EVENT = FieldShape(
    {
        **dict.fromkeys(("type", "index"), _WORD),
        "message": MESSAGE,
        "content_block": FieldShapes(_block),
        "delta": FieldShapes(_delta),
        **dict.fromkeys(("context_management", "input_transformations", "usage"), _DETAILS),
    }
)

_ERROR = FieldShape({"type": _WORD, "request_id": _WORD, "error": FieldShape({"type": _WORD, "message": _TEXT})})


def _event(event: object) -> FieldShape:
    return _ERROR if get(event, "type") == "error" else EVENT


EVENTS = FieldShapes(_event)
