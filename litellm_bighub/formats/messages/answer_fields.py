"""What the fields of a Messages answer and of its events carry.

The references are `anthropic.types` and `anthropic.types.beta`; a test walks the installed ones and fails on a field
that has no entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.formats.answers.answer_fields import Kind, Listed, Shape, Shapes
from litellm_bighub.formats.messages.calls import NO_CALLS, is_call
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get

_WORD, _TEXT, _CALL, _SETTINGS, _DETAILS = Kind.WORD, Kind.TEXT, Kind.CALL, Kind.SETTINGS, Kind.DETAILS

_COMMON: Mapping[str, Kind] = {
    **dict.fromkeys(("type", "id", "name", "toolset_name", "server_name", "tool_use_id", "file_id"), _WORD),
    **dict.fromkeys(("caller", "cache_control"), _DETAILS),
}

_CITATION = Shape(
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
    "lines": Shape({}, text=True),
}
_RESULT = Shape(_RESULT_FIELDS, text=True)
_RESULT_FIELDS.update(
    {
        **dict.fromkeys(("content", "source", "tool_references"), _RESULT),
        "citations": Shape({**_CITATION.fields, "enabled": _WORD}),
    }
)
"""What a provider's tool has answered, at any depth."""

CALL_BLOCK = Shape({**_COMMON, "input": _CALL})
"""One that the gates decide on, or that the provider has run."""

BLOCKS: Mapping[str, Shape] = {
    "text": Shape({"type": _WORD, "text": _TEXT, "citations": _CITATION}),
    "thinking": Shape({"type": _WORD, "thinking": _TEXT, "signature": _WORD}),
    "redacted_thinking": Shape({"type": _WORD, "data": _DETAILS}),
    **dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use"), CALL_BLOCK),
    "compaction": Shape(
        {
            **dict.fromkeys(("type", "signature"), _WORD),
            "content": _TEXT,
            **dict.fromkeys(("encrypted_content", "tool_changes"), _DETAILS),
        }
    ),
    "container_upload": Shape({"type": _WORD, "file_id": _WORD}),
    "fallback": Shape({"type": _WORD, **dict.fromkeys(("from", "from_", "to", "trigger"), _DETAILS)}),
    **dict.fromkeys(("tool_addition", "tool_removal"), Shape({"type": _WORD, "tool": _SETTINGS})),
    "mcp_tool_listing": Shape({**_COMMON, "mcp_server_name": _WORD, "tools": _SETTINGS}),
    **dict.fromkeys(
        (block for block in NO_CALLS if block.endswith("_tool_result")),
        Shape({**_COMMON, "is_error": _WORD, "content": _RESULT}),
    ),
}
"""By their type."""

_UNKNOWN = Shape({"type": _WORD})


def _block(block: object) -> Shape:
    known = BLOCKS.get(text(block, "type"))
    return known or (CALL_BLOCK if is_call(block) else _UNKNOWN)


MESSAGE = Shape(
    {
        **dict.fromkeys(("type", "id", "model", "role", "stop_reason", "stop_sequence"), _WORD),
        "content": Shapes(_block, text=True),
        **dict.fromkeys(
            ("container", "context_management", "diagnostics", "input_transformations", "stop_details", "usage"),
            _DETAILS,
        ),
    }
)

DELTAS: Mapping[str, Shape] = {
    "text_delta": Shape({"type": _WORD, "text": _TEXT}),
    "input_json_delta": Shape({"type": _WORD, "partial_json": _CALL}),
    "citations_delta": Shape({"type": _WORD, "citation": _CITATION}),
    "thinking_delta": Shape({"type": _WORD, "thinking": _TEXT, "estimated_tokens": _WORD}),
    "signature_delta": Shape({"type": _WORD, "signature": _WORD}),
    "compaction_delta": Shape(
        {"type": _WORD, "content": _TEXT, **dict.fromkeys(("encrypted_content", "signature", "tool_changes"), _DETAILS)}
    ),
}
"""By their type; the delta of a whole message has none."""

MESSAGE_DELTA = Shape(
    {
        **dict.fromkeys(("stop_reason", "stop_sequence"), _WORD),
        **dict.fromkeys(("container", "stop_details"), _DETAILS),
    }
)

_DELTA_OF_UNKNOWN_TYPE = Shape({"type": _WORD, "partial_json": _CALL})


def _delta(delta: object) -> Shape:
    kind = text(delta, "type")
    return DELTAS.get(kind, _DELTA_OF_UNKNOWN_TYPE) if kind else MESSAGE_DELTA


EVENT = Shape(
    {
        **dict.fromkeys(("type", "index"), _WORD),
        "message": MESSAGE,
        "content_block": Shapes(_block),
        "delta": Shapes(_delta),
        **dict.fromkeys(("context_management", "input_transformations", "usage"), _DETAILS),
    }
)

_ERROR = Shape({"type": _WORD, "request_id": _WORD, "error": Shape({"type": _WORD, "message": _TEXT})})


def _event(event: object) -> Shape:
    return _ERROR if get(event, "type") == "error" else EVENT


EVENTS = Shapes(_event)
