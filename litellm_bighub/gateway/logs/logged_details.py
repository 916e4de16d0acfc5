"""What LiteLLM's loggers are handed of a governed request, made of the record of what its caller got.

LiteLLM calls this before any logger. On an error in it, LiteLLM would log the raw texts: so it has none, it empties.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Final

from litellm.constants import LITELLM_LOGGING_NO_UPSTREAM_LLM_CALL

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.gateway.logs.delivered_answer import RECORD, DeliveredAnswer, found_record, metadata_of
from litellm_bighub.gateway.logs.logged_answer import blank, logged_answer, logged_hidden_params, plain
from litellm_bighub.gateway.routes.provider_headers import passing_headers

logger = logging.getLogger(__name__)

_STREAMED: Final = ("async_complete_streaming_response", "complete_streaming_response")
_PAYLOAD: Final = "standard_logging_object"
_SENT: Final = frozenset(
    {
        *("model", "messages", "input", "prompt", "query", "optional_params", "litellm_params", "additional_args"),
        *("raw_request_typed_dict", "user", "metadata", "extra_body", "standard_callback_dynamic_params", "api_key"),
        *("custom_llm_provider", "call_type", "litellm_call_id", "litellm_trace_id", "stream", "stream_options"),
        *("model_id", "prompt_integration", "embedding_model", "agent_id", "vector_store_id", "batch_id", "client"),
        *("applied_guardrails", "log_event_type", "served_output_texts", "agentic_loop_params", "base_model"),
        *("custom_pricing", "client_info", "additional_drop_params"),
    }
)
"""What LiteLLM logs of the request as it was sent, and what it writes itself."""

_COUNTED: Final = frozenset(
    {
        *("usage", "combined_usage_object", "response_cost_failure_debug_information", "zero_cost_diagnostic"),
        *("failed_attempts_usage", "failed_attempts_billed_on_success", "continued_response_id"),
        *("continued_partial_usage", "cost_breakdown"),
    }
)
_ANSWERED: Final = frozenset({"response_headers", _PAYLOAD, RECORD, *_STREAMED})
_REFUSED_ANSWER: Final = frozenset({"response", "original_response", "httpx_response", *_STREAMED})
_QUOTES: Final = frozenset(
    {"mcp_tool_call_metadata", "vector_store_request_metadata", "error_str", "error_information"}
)
"""Fields of LiteLLM's standard payload, and of its metadata, that quote answers."""

_TEXTS: Final = _QUOTES | {
    *("messages", "input", "prompt", "query", "response", "optional_params", "model_parameters", "hidden_params"),
    *("additional_args", "raw_request_typed_dict", "extra_body", "served_output_texts"),
}


def logged_details(details: JsonObject, result: Payload) -> tuple[JsonObject, Payload]:
    """Put what the caller got in the place of what LiteLLM would log, in the same details.

    Args:
        details: what LiteLLM logs from.
        result: the answer as LiteLLM has it.

    Returns:
        The details and the answer for loggers.
    """
    record = found_record(details)
    if record is None:
        return details, result
    if record.logged is not None and record.logged[0] is result and record.logged[1] is details.get(_PAYLOAD):
        return details, result
    try:
        logged = _filled(details, result, _delivered(record), record)
    except Exception as error:  # noqa: BLE001 - on any error of ours LiteLLM would log the raw texts
        logger.warning("an answer cannot be logged (%s): its log is emptied", type(error).__name__)
        _empty(details)
        logged = None
    record.logged = (logged, details.get(_PAYLOAD))
    return details, logged


def hide_refused(details: JsonMapping, *, request: bool) -> None:
    """Leave no text in what LiteLLM logs of a request that was refused in the gateway, before it is logged.

    Args:
        details: what LiteLLM is about to log a failure from, or any other call, which is left alone.
        request: whether to leave out what the request says, too, and not only an answer that was refused.
    """
    if not details.get(LITELLM_LOGGING_NO_UPSTREAM_LLM_CALL) or not isinstance(details, dict):
        return
    _hide_answer(details)
    if request:
        sent = details.get("litellm_params")
        _empty(details)
        details["user"] = blank(details.get("user"))
        hide_body(sent if isinstance(sent, dict) else details)


def hide_refused_answer(request: JsonMapping) -> None:
    """Leave no text of an answer that was just refused in what LiteLLM remembers of its request."""
    details = getattr(request.get("litellm_logging_obj"), "model_call_details", None)
    if isinstance(details, dict):
        _hide_answer(details)


@contextmanager
def hiding_refused_answer(request: JsonMapping) -> Generator[None]:
    """Hide an answer from loggers if it is refused within: some releases log it as a failure that nothing marks."""
    try:
        yield
    except Exception:
        hide_refused_answer(request)
        raise


def _hide_answer(details: JsonObject) -> None:
    parameters = details.get("optional_params")
    for place in (details, parameters) if isinstance(parameters, dict) else (details,):
        for name in _REFUSED_ANSWER & place.keys():
            place[name] = blank(place[name])


def hide_body(request: JsonMapping) -> None:
    """Leave no text of what LiteLLM remembers of a request as it came: spend logs of failures are made of it."""
    received = request.get("proxy_server_request")
    body = received.get("body") if isinstance(received, dict) else None
    if isinstance(received, dict) and isinstance(body, dict):
        received["body"] = {name: value if name == "model" else blank(value) for name, value in body.items()}


def _delivered(record: DeliveredAnswer) -> object:
    try:
        return record.answer()
    except Exception as error:  # noqa: BLE001 - a stream that cannot be read is one of which nothing is known
        logger.warning("the events of a stream cannot be logged (%s)", type(error).__name__)
        return None


def _filled(details: JsonObject, result: Payload, delivered: object, record: DeliveredAnswer) -> Payload:
    logged = logged_answer(result, delivered, record.wire_format)
    whole = logged
    for name in _STREAMED:
        if details.get(name) is not None:
            whole = details[name] = logged_answer(details[name], delivered, record.wire_format)
    payload = details.get(_PAYLOAD)
    if isinstance(payload, dict):
        details[_PAYLOAD] = _payload(payload, whole)
    for name, value in list(details.items()):
        if name not in _SENT and name not in _COUNTED and name not in _ANSWERED and not _is_sent(details, name):
            details[name] = value if isinstance(value, date | timedelta) else blank(value)
    if isinstance(details.get("response_headers"), dict):
        details["response_headers"] = passing_headers(details["response_headers"])
    for metadata in metadata_of(details):
        if isinstance(metadata.get("hidden_params"), dict):
            metadata["hidden_params"] = logged_hidden_params(metadata["hidden_params"])
    return logged


def _payload(payload: JsonObject, answer: object) -> JsonObject:
    told = {name: blank(value) if name in _QUOTES else value for name, value in payload.items()}
    told["response"] = plain(answer)
    for name in ("metadata", "hidden_params"):
        given = payload.get(name)
        if isinstance(given, dict):
            told[name] = logged_hidden_params(given) if name == "hidden_params" else _without_quotes(given)
    return told


def _without_quotes(metadata: JsonMapping) -> JsonObject:
    return {key: None if key in _QUOTES else value for key, value in metadata.items()}


def _empty(details: JsonObject) -> None:
    """Leave no text but what LiteLLM writes itself, by which it counts and charges."""
    payload = details.get(_PAYLOAD)
    for name, value in list(details.items()):
        if name in _TEXTS or not (name in _SENT or name in _COUNTED or name == RECORD):
            details[name] = value if isinstance(value, date | timedelta) else blank(value)
    if isinstance(payload, dict):
        told = {name: blank(value) if name in _TEXTS else value for name, value in payload.items()}
        if isinstance(told.get("metadata"), dict):
            told["metadata"] = _without_quotes(told["metadata"])
        details[_PAYLOAD] = told
    for metadata in metadata_of(details):
        if "hidden_params" in metadata:
            metadata["hidden_params"] = blank(metadata["hidden_params"])


def _is_sent(details: JsonObject, name: str) -> bool:
    """Whether it is a parameter of the request as it was sent: LiteLLM lists those among the details too."""
    parameters = details.get("optional_params")
    return isinstance(parameters, dict) and name in parameters
