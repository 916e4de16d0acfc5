"""An answer in the form that LiteLLM's loggers expect, with nothing in it but what the caller got.

Of LiteLLM's hidden parameters of an answer it keeps numbers, ids and limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from litellm.types.utils import ModelResponse
from pydantic import BaseModel, ValidationError

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.format import TextFormat
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.registry import format_of_answer, texts_of
from litellm_bighub.gateway.routes.provider_headers import passing_headers

_KEPT: Final = frozenset({"id", "object", "created", "created_at", "model", "usage", "role", "type", "service_tier"})
"""What tells of an answer as a whole, and is no text of it."""

_MESSAGES: Final = frozenset({"message", "text"})
_HIDDEN: Final = "_hidden_params"


def logged_answer(raw: object, delivered: object, wire_format: TextFormat) -> Payload:
    """What stands in a log in the place of LiteLLM's own record of an answer.

    Args:
        raw: LiteLLM's: as the provider sent it, or as LiteLLM translated that.
        delivered: what the caller got; `None` if that is not known.
        wire_format: of what the caller got.

    Returns:
        An answer of the same class as `raw`. Its texts and calls are the caller's; it has none if they are not known or
        cannot be put so.
    """
    if raw is None:
        return None
    if delivered is None:
        return _emptied(raw)
    if raw is delivered:
        return _with_hidden_params(raw, raw)
    if format_of_answer(raw) is wire_format or (isinstance(raw, BaseModel) and type(raw) is type(delivered)):
        told = {**plain(delivered), **_kept(raw), "usage": None}
        if isinstance(raw, ModelResponse):
            told["choices"] = [_with_message(choice) for choice in told.get("choices") or ()]
    elif isinstance(raw, ModelResponse):
        told = {**_kept(raw), "choices": [_choice(delivered, wire_format)], "usage": None}
    else:
        return _emptied(raw)
    usage = fields.get(raw, "usage")
    if not isinstance(raw, BaseModel):
        return {**told, "usage": usage}
    logged = _built(told, raw, delivered)
    if logged is None:
        return _emptied(raw)
    fields.put(logged, "usage", usage)  # LiteLLM counts in a form of its own, which the class need not take
    return _with_hidden_params(logged, raw)


def _built(told: JsonObject, raw: BaseModel, delivered: object) -> Payload:
    """A model of the class of `raw` with these fields; `None` if there cannot be one."""
    try:
        return type(raw)(**told)
    except (ValidationError, TypeError, ValueError):
        if not isinstance(delivered, BaseModel) or type(raw) is not type(delivered):
            return None
    logged = delivered.model_copy(deep=True)  # the class of transcripts takes nothing but their text
    for name, value in _kept(raw).items():
        fields.put(logged, name, value)
    return logged


def plain(answer: object) -> JsonObject:
    """An answer in plain containers."""
    if isinstance(answer, BaseModel):
        return answer.model_dump(warnings=False)
    return dict(cast("Mapping[str, Any]", answer)) if isinstance(answer, Mapping) else {}


def blank(value: object) -> Payload:
    """A value without texts that stands where this one stood."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return ""
        case list() | tuple():
            return []
        case dict():
            return {}
        case _:
            return None


def _kept(answer: object) -> JsonObject:
    return {name: value for name, value in fields.members(answer).items() if name in _KEPT and value is not None}


def _emptied(answer: object) -> Payload:
    if isinstance(answer, BaseModel):
        members = fields.members(answer)
        empty = answer.model_copy()
        for name, value in members.items():
            if name not in _KEPT:
                fields.put(empty, name, blank(value))
        return _with_hidden_params(empty, answer)
    if isinstance(answer, Mapping):
        told = cast("Mapping[str, Any]", answer)
        return {name: value if name in _KEPT else blank(value) for name, value in told.items()}
    return blank(answer)


def _with_hidden_params(answer: Payload, raw: object) -> Payload:
    hidden = getattr(raw, _HIDDEN, None)
    if isinstance(hidden, dict):
        setattr(answer, _HIDDEN, logged_hidden_params(hidden))
    return answer


def _choice(delivered: object, wire_format: TextFormat) -> JsonObject:
    """An answer of another format as the choice of a completion: its texts in one, and its calls."""
    texts = texts_of(wire_format)
    items = fields.get(delivered, texts.answer_items)
    calls = [
        {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in texts.calls(items, texts.answer_items)
    ]
    message: JsonObject = {"role": "assistant", "content": _text(items) or None}
    if calls:
        message["tool_calls"] = calls
    return {"index": 0, "finish_reason": "tool_calls" if calls else "stop", "message": message}


def _with_message(choice: JsonObject) -> JsonObject:
    """The choice of a completion, also if it is one of a text completion, which LiteLLM logs as a chat's."""
    if "message" in choice or "text" not in choice:
        return choice
    message = {"role": "assistant", "content": choice["text"]}
    return {"index": choice.get("index"), "finish_reason": choice.get("finish_reason"), "message": message}


def _text(items: object) -> str:
    """The texts of content blocks, or those of the messages among output items."""
    said: list[str] = []
    for item in cast("list[Payload]", items) if isinstance(items, list) else ():
        if fields.get(item, "type") not in _MESSAGES:
            continue
        parts = fields.get(item, "content")
        for part in parts if isinstance(parts, list) else (item,):
            text = fields.get(part, "text")
            if isinstance(text, str):
                said.append(text)
    return "".join(said)


_LOGGED_PARAMETERS: Final = frozenset(
    {
        *("model_id", "cache_key", "api_base", "response_cost", "litellm_overhead_time_ms", "batch_models"),
        *("batch_successful_requests", "batch_failed_requests", "litellm_model_name", "usage_object", "usage"),
        *("custom_llm_provider", "region_name", "cache_hit", "litellm_call_id", "model", "callback_duration_ms"),
    }
)
_HEADER_FIELDS: Final = frozenset({"additional_headers", "headers"})


def logged_hidden_params(hidden: Mapping[str, Any]) -> JsonObject:
    """What a logger may see of the parameters that LiteLLM keeps beside an answer."""
    told = {name: value for name, value in hidden.items() if name in _LOGGED_PARAMETERS}
    for name in _HEADER_FIELDS & hidden.keys():
        given = hidden[name]
        told[name] = passing_headers(given) if isinstance(given, Mapping) else None
    return told
