"""A request with what LiteLLM lays over it after its hooks have run: `extra_body`, and the targets of fallbacks.

The merge is as shallow as LiteLLM's and openai's: a field of `extra_body` replaces the whole field of the request. What
carries the conversation is moved to where LiteLLM reads it, so that what is looked at is what the model gets. All other
fields stay in `extra_body`: LiteLLM drops or refuses some of them elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Final, cast

from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.errors import PayloadError

CONVERSATIONS: Final = frozenset(
    {
        *("input", "inputs", "messages", "message", "contents", "tool_results"),
        *("chat_history", "message_history", "conversation_history"),
    }
)
"""Fields that hold a conversation in the API of one provider or another."""

_NOT_IN_TARGETS: Final = CONVERSATIONS | {
    *("instructions", "system", "prompt", "prompt_variables", "tools", "functions", "text", "metadata", "user"),
    *("extra_body", "extra_headers", "extra_query", "headers", "previous_response_id", "conversation"),
}
"""Names that no deployment has, so that a target is not taken for a table of deployments."""

_FALLBACKS: Final = (
    *("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"),
    *("context_window_fallback_dict", "router_settings_override"),
)
MERGED: Final = CONVERSATIONS | {"extra_body", *_FALLBACKS}
"""The fields that `merge`, `check_conversation` and `check_fallbacks` look at."""

_CONNECTION: Final = re.compile(r"model|api_\w+|base_url|organization|custom_llm_provider|(aws|azure|vertex)_\w+")
"""Texts by which LiteLLM finds a deployment; its proxy takes hardly any of them from a request."""

_MAX_DEPTH: Final = 16


def merge(request: MutableMapping[str, Any], own: str, *, moves: bool) -> None:
    """Merge what LiteLLM would merge later, in place. What `extra_body` holds is not changed, only replaced.

    Args:
        request: the caller's.
        own: the field that holds the conversation in the request's format.
        moves: whether LiteLLM lays `extra_body` over requests of this format.

    Raises:
        PayloadError: a field that nobody could look at, or decide by, where it stands; names it.
    """
    check_fallbacks(request)
    extra = request.get("extra_body")
    if not extra:
        return
    if not isinstance(extra, Mapping):
        raise PayloadError("extra_body", f"is a {type(extra).__name__}, not an object")
    given = cast("JsonMapping", extra)
    moved = {own, "stream"} & given.keys() if moves else frozenset()
    for key in sorted(CONVERSATIONS & given.keys() - moved):
        raise PayloadError(f"extra_body.{key}", f"is not where this request holds its conversation, which is {own}")
    if given.get("model", request.get("model")) != request.get("model"):
        raise PayloadError("extra_body.model", "is another model than the request's")
    if "previous_response_id" in given:
        raise PayloadError("extra_body.previous_response_id", "belongs beside extra_body, not into it")
    if not moved and given.get("stream", request.get("stream")) != request.get("stream"):
        raise PayloadError("extra_body.stream", "belongs beside extra_body, not into it")
    if not isinstance(given.get("stream"), bool | None):
        raise PayloadError("extra_body.stream", "is neither true nor false")
    if not moved:
        return
    request.update({key: given[key] for key in moved})
    kept = {key: value for key, value in given.items() if key not in moved}
    if kept:
        request["extra_body"] = kept
    else:
        del request["extra_body"]


def check_conversation(request: JsonMapping, own: str) -> None:
    """Check that a request holds its conversation in one field alone.

    Raises:
        PayloadError: another field would reach the provider, too; names it.
    """
    others = [key for key in request if key in CONVERSATIONS and key != own and request[key] is not None]
    if others:
        raise PayloadError(min(others), f"is not where this request holds its conversation, which is {own}")


def check_fallbacks(request: JsonMapping) -> None:
    """Check that the fallbacks which a request names change its model and numbers, and nothing that anybody wrote.

    Raises:
        PayloadError: a target brings something else; names it.
    """
    for key in _FALLBACKS:
        if request.get(key):
            for path, problem in _changed(request[key], key, 0):
                raise PayloadError(path, problem)


def _changed(value: object, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MAX_DEPTH:
        yield path, f"is nested more than {_MAX_DEPTH} levels deep"
    elif isinstance(value, list | tuple):
        for index, target in enumerate(cast("list[object]", value)):
            yield from _changed(target, f"{path}[{index}]", depth + 1)
    elif isinstance(value, Mapping):
        target = cast("Mapping[str, object]", value)
        for key, field in target.items():
            yield from _changed_field(target, key, field, f"{path}.{key}", depth)


def _changed_field(
    target: Mapping[str, object], key: str, field: object, path: str, depth: int
) -> Iterator[tuple[str, str]]:
    if key in _FALLBACKS:
        yield from _changed(field, path, depth + 1)
    elif key in _NOT_IN_TARGETS or ("model" in target and not _is_harmless(key, field)):
        yield path, "would reach the model after everybody has looked at the request"
    elif "model" not in target:  # a table of deployments and what stands in for them
        yield from _changed(field, path, depth + 1)


def _is_harmless(key: str, field: object) -> bool:
    is_connection = isinstance(field, str) and _CONNECTION.fullmatch(key) is not None
    return is_connection or field is None or isinstance(field, int | float)
