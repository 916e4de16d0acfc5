"""What the fields of plain requests and of their answers are, by the place where an object stands.

The references are `openai.types` and LiteLLM's own types. Only exceptions are declared: a field that stands in no table
here holds text and is scanned.
"""

from __future__ import annotations

from typing import Final

from litellm_bighub.formats.payload.field_rules import FieldRule, Rules, Vocabulary

_OPAQUE: Final = FieldRule.OPAQUE

VOCABULARY: Final = Vocabulary(types={}, untyped={}, unknown={}, text_fields=frozenset(), opaque_ids=True)

MESSAGE: Final[Rules] = {"role": _OPAQUE, "type": _OPAQUE}
"""LiteLLM shows hooks the prompt of an image as a message, too, and takes it from there."""

_REQUEST: Final[Rules] = {
    **dict.fromkeys(("model", "custom_llm_provider", "response_format", "encoding_format", "service_tier"), _OPAQUE),
}
_ANSWER: Final[Rules] = {
    **dict.fromkeys(("id", "object", "model", "created", "usage", "created_at", "service_tier", "meta"), _OPAQUE),
}

EMBEDDINGS: Final[Rules] = {
    **_REQUEST,
    **dict.fromkeys(("input_type", "truncate", "task_type", "embedding_types"), _OPAQUE),
    "input": FieldRule.PROMPT,
}
EMBEDDINGS_ANSWER: Final[Rules] = {
    **_ANSWER,
    "data": {"object": _OPAQUE, "embedding": FieldRule.HIDDEN},
}

RERANK: Final[Rules] = _REQUEST
RERANK_ANSWER: Final[Rules] = {**_ANSWER, "results": {"document": FieldRule.FREE}}

MODERATIONS: Final[Rules] = {**_REQUEST, "input": FieldRule.PROMPT}
MODERATIONS_ANSWER: Final[Rules] = {
    **_ANSWER,
    "results": dict.fromkeys(("categories", "category_scores", "category_applied_input_types"), _OPAQUE),
}

SPEECH: Final[Rules] = {**_REQUEST, **dict.fromkeys(("voice", "stream_format", "instruct_mode"), _OPAQUE)}

TRANSCRIPTIONS: Final[Rules] = {
    **_REQUEST,
    "file": FieldRule.FILE,
    **dict.fromkeys(("language", "timestamp_granularities", "include", "chunking_strategy", "temperature"), _OPAQUE),
    "known_speaker_references": FieldRule.FILE,
}
TRANSCRIPTIONS_ANSWER: Final[Rules] = {
    **_ANSWER,
    "text": FieldRule.OUTPUT_TEXT,
    **dict.fromkeys(("language", "task", "duration"), _OPAQUE),
    "segments": dict.fromkeys(("id", "type", "tokens"), _OPAQUE),
    "logprobs": FieldRule.TOKENS,
}
"""The tokens of a segment are left out where a text is rewritten, whatever they say: see `transcript.py`."""

_LOOKS: Final = ("size", "quality", "style", "background", "moderation", "output_format", "input_fidelity")

IMAGES: Final[Rules] = {
    **_REQUEST,
    **dict.fromkeys(_LOOKS, _OPAQUE),
    **dict.fromkeys(("image", "mask", "input_reference"), FieldRule.IMAGE),
}
IMAGES_ANSWER: Final[Rules] = {
    **_ANSWER,
    **dict.fromkeys(_LOOKS, _OPAQUE),
    "data": dict.fromkeys(("b64_json", "url"), FieldRule.IMAGE),
}

OCR: Final[Rules] = {
    **_REQUEST,
    "document": {
        "type": _OPAQUE,
        **dict.fromkeys(("document_url", "file"), FieldRule.FILE),
        "image_url": FieldRule.IMAGE,
    },
    **dict.fromkeys(("bbox_annotation_format", "document_annotation_format"), FieldRule.SCHEMA),
}
OCR_ANSWER: Final[Rules] = {
    **_ANSWER,
    "usage_info": _OPAQUE,
    "pages": {"images": {"id": _OPAQUE, "image_base64": FieldRule.IMAGE}},
}

SEARCH: Final[Rules] = {**_REQUEST, **dict.fromkeys(("search_tool_name", "country"), _OPAQUE)}
SEARCH_ANSWER: Final[Rules] = {
    **_ANSWER,
    "data": {"content": {"type": _OPAQUE}, "attributes": FieldRule.FREE},
}
"""Of a search in the web, and in a vector store."""

VIDEOS: Final[Rules] = {**_REQUEST, "size": _OPAQUE, "input_reference": FieldRule.IMAGE}
VIDEOS_ANSWER: Final[Rules] = {**_ANSWER, **dict.fromkeys(("status", "size", "seconds"), _OPAQUE)}
