"""Errors without the words of whoever answered.

A provider's error may quote the model: Groq tells a call that it could not parse, LiteLLM a whole answer that it could
not read. So nothing of an error passes but the names out of a list; a sentence of ours says the rest.
"""

from __future__ import annotations

import json
from typing import Any, Final, cast

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.payload.copies import text, with_fields
from litellm_bighub.formats.payload.fields import get, is_object, members
from litellm_bighub.wording import ENGLISH, Wording

NAMES: Final = frozenset(
    {
        # types of errors, of OpenAI and Anthropic
        *("api_error", "authentication_error", "billing_error", "invalid_request_error", "not_found_error"),
        *("overloaded_error", "permission_error", "rate_limit_error", "request_too_large", "timeout_error"),
        *("server_error", "service_unavailable", "internal_server_error", "error", "tokens", "requests"),
        *("insufficient_quota", "throttling_error", "upstream_error", "engine_overloaded"),
        # codes of OpenAI, Groq and servers that speak as they do
        *("account_deactivated", "billing_hard_limit_reached", "bad_request", "content_filter"),
        *("content_policy_violation", "context_length_exceeded", "data_residency_mismatch", "engine_overloaded_error"),
        *("integer_above_max_value", "integer_below_min_value", "invalid_api_key", "invalid_base64", "invalid_image"),
        *("invalid_image_format", "invalid_image_mode", "invalid_image_url", "invalid_json", "invalid_organization"),
        *("invalid_prompt", "invalid_type", "invalid_value", "image_content_policy_violation", "image_file_too_large"),
        *("image_parse_error", "image_too_large", "image_too_small", "unsupported_image_media_type"),
        *("empty_image_file", "failed_to_download_image", "image_file_not_found", "json_validate_failed"),
        *("max_tokens_exceeded", "method_not_allowed", "missing_required_parameter", "model_decommissioned"),
        *("model_not_available", "model_not_found", "model_overloaded", "not_found", "permission_denied"),
        *("previous_response_not_found", "rate_limit_exceeded", "response_not_found", "slow_down"),
        *("string_above_max_length", "string_below_min_length", "tool_use_failed", "unknown_parameter"),
        *("unknown_url", "unsupported_country_region_territory", "unsupported_parameter", "unsupported_value"),
        *("vector_store_timeout", "array_above_max_length", "array_below_min_length", "ip_not_authorized"),
        *("internal_error", "request_timeout", "timeout", "unauthorized", "unprocessable_entity"),
    }
)
"""The names of errors that may pass."""

_REASONS: Final = frozenset({"max_output_tokens", "content_filter", "max_tool_calls", "max_tokens", "steps"})


def known_name(value: object) -> str | None:
    """A type or code of an error as it may pass: a name out of the list, or a status."""
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        return None
    return value if value in NAMES or (value.isdecimal() and value.isascii() and len(value) == 3) else None


def harmless_error(error: object, wording: Wording = ENGLISH) -> Payload:
    """An error as it may pass, in the form in which it came: a text, a dict or a model."""
    if not is_object(error):
        return wording.provider_failed
    given = members(error)
    passing: JsonObject = {key: known_name(given[key]) for key in ("type", "code") if key in given}
    if "param" in given:
        passing["param"] = None
    passing["message"] = wording.provider_failed
    if isinstance(error, dict):
        return passing
    return type(cast("Any", error)).model_construct(**passing)


def harmless(event: Payload, wording: Wording = ENGLISH) -> Payload:
    """A stream's event, or a whole answer, whose errors hold nobody's words; the same object if it tells of none."""
    if isinstance(event, str | bytes):
        return _harmless_frame(event, wording)
    changed: JsonObject = {}
    if text(event, "type") == "error":
        return _harmless_event(event, wording)
    if get(event, "error"):
        changed["error"] = harmless_error(get(event, "error"), wording)
    details: object = get(event, "incomplete_details")
    if details and (not is_object(details) or not _is_plain(members(details))):
        changed["incomplete_details"] = _reason(details)
    response: object = get(event, "response")
    if is_object(response) and (inner := harmless(response, wording)) is not response:
        changed["response"] = inner
    return with_fields(event, **changed) if changed else event


def harmless_in_place(answer: Payload, wording: Wording = ENGLISH) -> None:
    """Put a whole answer's errors right, where they stand."""
    passing = harmless(answer, wording)
    if passing is answer or not is_object(answer):
        return
    for key in ("error", "incomplete_details"):
        if get(answer, key) is not None:
            if isinstance(answer, dict):
                answer[key] = get(passing, key)
            else:
                setattr(answer, key, get(passing, key))


def _harmless_event(event: Payload, wording: Wording) -> Payload:
    """An event that is an error itself, as in Responses, or holds one, as in Messages."""
    given = members(event)
    nested = given.get("error")
    kept: JsonObject = {"type": "error"}
    number = given.get("sequence_number")
    if isinstance(number, int):
        kept["sequence_number"] = number
    if nested is not None:
        kept["error"] = harmless_error(nested, wording)
    if nested is None or "message" in given:
        kept |= {"code": known_name(given.get("code")), "message": wording.provider_failed, "param": None}
    return kept if isinstance(event, dict) else type(event).model_construct(**kept)


def _harmless_frame(frame: str | bytes, wording: Wording) -> str | bytes:
    """A frame that LiteLLM wrote itself, as it does with errors of chat streams."""
    said = frame.decode(errors="replace") if isinstance(frame, bytes) else frame
    if "error" not in said and "\\u" not in said:
        return frame
    try:
        event: object = json.loads(said.strip().removeprefix("data:").strip())
    except (ValueError, RecursionError):
        return frame
    if not isinstance(event, dict) or not event.get("error"):  # pyright: ignore[reportUnknownMemberType]
        return frame
    error = harmless_error(cast("JsonObject", event)["error"], wording)
    written = f"data: {json.dumps({'error': error})}\n\n"
    return written.encode() if isinstance(frame, bytes) else written


def _is_plain(details: Payload) -> bool:
    return all(key == "reason" and (value is None or value in _REASONS) for key, value in details.items())


def _reason(details: object) -> Payload:
    reason = text(details, "reason")
    passing = {"reason": reason if reason in _REASONS else "unknown"}
    if isinstance(details, dict) or not is_object(details):
        return passing
    return type(cast("Any", details)).model_construct(**passing)
