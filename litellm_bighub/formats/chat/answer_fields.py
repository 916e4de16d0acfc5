"""What the fields of a chat completion and of its chunks carry.

The references are `openai.types.chat`, `openai.types.Completion` and `litellm.types.utils`; a test walks the installed
ones and fails on a field that has no entry.
"""

from __future__ import annotations

from litellm_bighub.formats.answers.answer_fields import FieldKind, FieldShape

_WORD, _TEXT, _CALL, _SETTINGS, _DETAILS = (
    FieldKind.WORD,
    FieldKind.TEXT,
    FieldKind.CALL,
    FieldKind.SETTINGS,
    FieldKind.DETAILS,
)

_THOUGHT = FieldShape(
    {
        **dict.fromkeys(("type", "id", "index", "format", "signature"), _WORD),
        **dict.fromkeys(("thinking", "text", "summary"), _TEXT),
        **dict.fromkeys(("data", "cache_control"), _DETAILS),
    }
)
"""Also the elements of OpenRouter's `reasoning_details`."""

_SUMMARY = FieldShape({"type": _WORD, "text": _TEXT})

_REASONING = FieldShape(
    {
        **dict.fromkeys(("type", "id", "status"), _WORD),
        "encrypted_content": _DETAILS,
        **dict.fromkeys(("summary", "content"), _SUMMARY),
    }
)

_CITATION = FieldShape(
    {
        **dict.fromkeys(("type", "file_id", "index", "id"), _WORD),
        **dict.fromkeys(("start_index", "end_index", "document_index", "start_char_index", "end_char_index"), _WORD),
        **dict.fromkeys(("title", "url", "cited_text", "supported_text", "document_title", "source"), _TEXT),
        "url_citation": FieldShape(
            {**dict.fromkeys(("start_index", "end_index"), _WORD), **dict.fromkeys(("title", "url"), _TEXT)}
        ),
    },
    text=True,
)

PROVIDER_FIELDS = FieldShape(
    {
        **dict.fromkeys(("signature", "thought_signature", "native_finish_reason", "stop_reason", "token"), _WORD),
        **dict.fromkeys(("reasoning", "reasoning_content", "refusal"), _TEXT),
        **dict.fromkeys(("thinking_blocks", "reasoning_details"), _THOUGHT),
        **dict.fromkeys(("citation", "citations"), _CITATION),
        # What providers, or LiteLLM for them, have run, and the tools that they did it with.
        **dict.fromkeys(
            (
                "code_interpreter_results",
                "mcp_call_results",
                "mcp_list_tools",
                "mcp_tool_calls",
                "rerank_results",
                "search_results",
                "server_side_tool_invocations",
                "server_tool_calls",
                "tool_results",
                "web_search_calls",
                "web_search_results",
            ),
            _SETTINGS,
        ),
        **dict.fromkeys(
            (
                "compaction_blocks",
                "compaction_delta",
                "compaction_start",
                "container",
                "context_management",
                "thought_signatures",
            ),
            _DETAILS,
        ),
    }
)

_PAYLOAD = FieldShape(
    {
        "name": _WORD,
        **dict.fromkeys(("arguments", "input"), _CALL),
        "provider_specific_fields": PROVIDER_FIELDS,
    }
)

_TOOL_CALL = FieldShape(
    {
        **dict.fromkeys(("id", "type", "index"), _WORD),
        **dict.fromkeys(("function", "custom"), _PAYLOAD),
        "provider_specific_fields": PROVIDER_FIELDS,
        **dict.fromkeys(("caller", "cache_control", "extra_content"), _DETAILS),
    }
)

_PART = FieldShape({**dict.fromkeys(("type", "id"), _WORD), **dict.fromkeys(("text", "refusal", "thinking"), _TEXT)})

_AUDIO = FieldShape({**dict.fromkeys(("id", "expires_at", "data"), _WORD), "transcript": _TEXT})

MESSAGE = FieldShape(
    {
        "role": _WORD,
        "content": FieldShape(_PART.fields, text=True),
        **dict.fromkeys(("refusal", "reasoning", "reasoning_content"), _TEXT),
        "tool_calls": _TOOL_CALL,
        "function_call": _PAYLOAD,
        "audio": _AUDIO,
        **dict.fromkeys(("thinking_blocks", "reasoning_details"), _THOUGHT),
        "reasoning_items": _REASONING,
        "provider_specific_fields": PROVIDER_FIELDS,
        "annotations": _CITATION,
        "images": _DETAILS,
    }
)
"""A message, or its delta in a stream."""

CHOICE = FieldShape(
    {
        **dict.fromkeys(("index", "finish_reason"), _WORD),
        "text": _TEXT,
        **dict.fromkeys(("message", "delta"), MESSAGE),
        "provider_specific_fields": PROVIDER_FIELDS,
        **dict.fromkeys(("logprobs", "enhancements"), _DETAILS),
    }
)

ANSWER = FieldShape(
    {
        **dict.fromkeys(
            ("id", "created", "model", "object", "obfuscation", "service_tier", "system_fingerprint"),
            _WORD,
        ),
        "choices": CHOICE,
        "provider_specific_fields": PROVIDER_FIELDS,
        "metadata": _SETTINGS,
        **dict.fromkeys(("moderation", "usage"), _DETAILS),
    }
)
"""A completion, or a chunk of one."""
