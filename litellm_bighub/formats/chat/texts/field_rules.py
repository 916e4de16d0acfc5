"""What the fields of chat completions are, by the place where an object stands, and those of content parts by `type`.

The references are `openai.types.chat` and what LiteLLM adds to it. Only exceptions are declared: a field that stands in
no table here holds text and is scanned. A test walks the installed `openai`.
"""

from __future__ import annotations

from typing import Final

from litellm_bighub.formats.payload.field_rules import FieldRule, Rules, Vocabulary

_OPAQUE, _NAME, _TEXT = FieldRule.OPAQUE, FieldRule.NAME, FieldRule.TEXT

_CACHING: Final[Rules] = dict.fromkeys(("type", "ttl", "mode"), _OPAQUE)
_CACHE: Final[Rules] = dict.fromkeys(("cache_control", "prompt_cache_breakpoint"), _CACHING)
_SIGNATURES: Final[Rules] = dict.fromkeys(("signature", "thought_signature", "thought_signatures"), _OPAQUE)

THOUGHT: Final[Rules] = {
    **dict.fromkeys(("type", "id", "index", "format", "signature"), _OPAQUE),
    **dict.fromkeys(("thinking", "text", "summary"), FieldRule.SIGNED),
    "data": FieldRule.HIDDEN,
    **_CACHE,
}
"""A thinking block, and an element of OpenRouter's `reasoning_details`."""

_REASONING: Final[Rules] = {
    **dict.fromkeys(("type", "id", "status"), _OPAQUE),
    "encrypted_content": FieldRule.HIDDEN,
}

PROVIDER: Final[Rules] = {
    **_SIGNATURES,
    **dict.fromkeys(("thinking_blocks", "reasoning_details"), THOUGHT),
    "reasoning_items": _REASONING,
    "encrypted_content": FieldRule.HIDDEN,
}

_FUNCTION: Final[Rules] = {"name": _NAME, "arguments": FieldRule.JSON}

TOOL_CALL: Final[Rules] = {
    **dict.fromkeys(("id", "type", "index"), _OPAQUE),
    "function": _FUNCTION,
    "custom": {"name": _NAME, "input": _TEXT},
    "provider_specific_fields": PROVIDER,
    "extra_content": {"google": _SIGNATURES},
    **_CACHE,
}

MESSAGE: Final[Rules] = {
    "role": _OPAQUE,
    "content": FieldRule.OUTPUT_TEXT,
    "tool_call_id": _OPAQUE,
    "tool_calls": TOOL_CALL,
    "function_call": _FUNCTION,
    "audio": {"id": _OPAQUE, "data": FieldRule.FILE},
    "annotations": {"type": _OPAQUE},
    "images": {**dict.fromkeys(("type", "index"), _OPAQUE), "image_url": FieldRule.IMAGE},
    **dict.fromkeys(("thinking_blocks", "reasoning_details"), THOUGHT),
    "reasoning_items": _REASONING,
    "provider_specific_fields": PROVIDER,
    **_CACHE,
}
"""A message, or its delta in a stream."""

RESULT_MESSAGE: Final[Rules] = {**MESSAGE, "name": _NAME}
"""The result of a call: its name is the function's."""

CHOICE: Final[Rules] = {
    **dict.fromkeys(("index", "finish_reason"), _OPAQUE),
    **dict.fromkeys(("message", "delta"), MESSAGE),
    "logprobs": FieldRule.TOKENS,
    "provider_specific_fields": PROVIDER,
}

USAGE: Final[Rules] = {
    **dict.fromkeys(("service_tier", "inference_geo", "speed"), _OPAQUE),
    **{
        key: {}
        for key in (
            *("prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "output_tokens_details"),
            *("server_tool_use", "cache_creation", "cache_creation_token_details", "cost_details"),
        )
    },
}

ANSWER: Final[Rules] = {
    **dict.fromkeys(("id", "created", "model", "object", "obfuscation", "service_tier", "system_fingerprint"), _OPAQUE),
    "usage": USAGE,
    "choices": CHOICE,
    "provider_specific_fields": PROVIDER,
}
"""A completion, or a chunk of one."""

_FUNCTION_TOOL: Final[Rules] = {"name": _NAME, "parameters": FieldRule.SCHEMA}

TOOL: Final[Rules] = {
    "type": _OPAQUE,
    "name": _NAME,
    "function": _FUNCTION_TOOL,
    "custom": {
        "name": _NAME,
        "format": {"type": _OPAQUE, "grammar": {"syntax": _OPAQUE}},
    },
    **dict.fromkeys(("parameters", "input_schema"), FieldRule.SCHEMA),
    **dict.fromkeys(("server_url", "server_label", "authorization"), _OPAQUE),
    "headers": FieldRule.APART,
    "require_approval": {key: {"tool_names": _NAME} for key in ("always", "never")},
    **_CACHE,
}
"""The last ones are those of a tool server: where it is and how to get in, which no model reads."""

_VOICE: Final[Rules] = {"id": _OPAQUE}
_CHOSEN: Final[Rules] = {**dict.fromkeys(("type", "mode"), _OPAQUE), "name": _NAME}

REQUEST: Final[Rules] = {
    **dict.fromkeys(
        (
            *("model", "modalities", "reasoning_effort", "service_tier", "verbosity", "prompt_cache_retention"),
            "custom_llm_provider",
        ),
        _OPAQUE,
    ),
    "prompt_cache_options": _CACHING,
    "moderation": {"model": _OPAQUE, "policy": {key: {"mode": _OPAQUE} for key in ("input", "output")}},
    "thinking": dict.fromkeys(("type", "display"), _OPAQUE),
    "tools": TOOL,
    "functions": {"name": _NAME, "parameters": FieldRule.SCHEMA},
    "tool_choice": {
        **_CHOSEN,
        **dict.fromkeys(("function", "custom"), _CHOSEN),
        "allowed_tools": {**_CHOSEN, "tools": TOOL},
    },
    "function_call": _CHOSEN,
    "response_format": {
        "type": _OPAQUE,
        "json_schema": {"name": _NAME, **dict.fromkeys(("schema", "schema_"), FieldRule.SCHEMA)},
        "response_schema": FieldRule.SCHEMA,
    },
    "prompt": FieldRule.PROMPT,
    "prediction": {"type": _OPAQUE, "content": _TEXT},
    "audio": {"format": _OPAQUE, "voice": _VOICE},
    "web_search_options": {"search_context_size": _OPAQUE, "user_location": {"type": _OPAQUE}},
    "logit_bias": FieldRule.APART,  # numbers by tokens
}
"""The fields of a request beside its messages and its metadata. What stands under any other name is free text."""

_PARTS: Final[dict[str, Rules]] = {
    **{kind: {} for kind in ("refusal", "guarded_text")},
    "text": {"media_type": _OPAQUE},
    "image_url": {"image_url": FieldRule.IMAGE},
    "image": {"source": FieldRule.IMAGE, "image_url": FieldRule.IMAGE},
    "video_url": {"video_url": FieldRule.FILE},
    "input_audio": {"input_audio": FieldRule.FILE},
    "file": {"file": FieldRule.FILE, "file_id": FieldRule.FILE},
    # a document, and where its content comes from; a plain text is one of those
    "document": {},
    "base64": {"data": FieldRule.FILE, "media_type": _OPAQUE},
    "url": {"url": FieldRule.FILE},
    "content": {},
    "thinking": THOUGHT,
    "redacted_thinking": THOUGHT,
    "tool_use": {"id": _OPAQUE, "name": _NAME, "input": FieldRule.FREE},
    "tool_result": {"tool_use_id": _OPAQUE},
}

_UNKNOWN: Final[Rules] = {"type": _OPAQUE, "encrypted_content": FieldRule.HIDDEN}

VOCABULARY: Final = Vocabulary(
    types={kind: {"type": _OPAQUE, **_CACHE, **rules} for kind, rules in _PARTS.items()},
    untyped=_UNKNOWN,
    unknown=_UNKNOWN,
    text_fields=frozenset({"content", "text", "refusal"}),
    plain_text="text",
)
