"""Calls in code with a guardrail among `litellm.callbacks`: which of them can be governed, and which are one call.

LiteLLM answers some calls by making another one in the same task: a Responses request to a model that speaks chat, and
the other way round. Both run the guardrail's hooks; what the inner one released is not decided on a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from importlib.metadata import version
from typing import Any, Final

import litellm
from litellm.exceptions import BadRequestError
from litellm.types.utils import CallTypes
from packaging.version import Version

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import UngovernedCallError
from litellm_bighub.formats.registry import FORMATS
from litellm_bighub.gateway.pipeline.request_scope import CallName, enter, request_scope

_OURS: Final = {known.in_code.function: known.in_code.governed for known in FORMATS}
"""Our function in the place of each of LiteLLM's whose whole answers a hook is given."""

GOVERNED: Final = frozenset(_OURS)
"""LiteLLM's names of those calls."""

_ARGUMENTS: Final = "stream=True, tool_decisions=…"
_SYNC: Final = "litellm.responses() hands its answer to no callback; call litellm_bighub.responses(tool_decisions=…)"

_ROUTERS_ARE_KNOWN_BY_BOTH: Final = Version("1.106.2")
_TELL_OF_ROUTERS: Final = (
    ("metadata", "litellm_metadata")
    if Version(version("litellm")) >= _ROUTERS_ARE_KNOWN_BY_BOTH
    else ("metadata",)  # elsewhere older releases do not look for a router, and retry its Responses calls themselves
)


class RefusedCallError(UngovernedCallError, BadRequestError):
    """As an error of LiteLLM's it is passed on as it is, and nobody tries the call again."""

    def __init__(self, message: str) -> None:
        BadRequestError.__init__(self, message, model="", llm_provider="")


def why_ungoverned(call_type: CallTypes | None, kwargs: JsonMapping) -> str:
    """Why no hook could govern this call, and what to call instead; empty where one can."""
    if call_type is None or (call_type not in GOVERNED and call_type is not CallTypes.responses):
        return ""
    instead = _OURS.get(call_type, "aresponses")
    if kwargs.get("stream"):
        problem = "delivers its events before a callback could hold one back"
        return f"litellm.{call_type.value}(stream=True) {problem}; call litellm_bighub.{instead}({_ARGUMENTS})"
    if call_type is CallTypes.responses:
        return _SYNC
    if _retries(kwargs):
        problem = "hands what a retry answers to no callback"
        return f"litellm.{call_type.value} with retries {problem}; call litellm_bighub.{instead}(tool_decisions=…)"
    return ""


def refused(error: Exception, call_type: CallTypes | None) -> JsonObject:
    """What a hook answers LiteLLM in place of a call's arguments, so that it fails with this error.

    An error that left the hook would not end a call with retries: LiteLLM would ask again, past its hooks. It finds the
    retries among the arguments that it got from the hook, and writes to those before it asks.

    Raises:
        Exception: the error, for synchronous calls: those run the hook in every attempt, and only read what it answers.
    """
    if call_type is CallTypes.responses:
        raise error
    return _Refused(error)


class _Refused(JsonObject):
    """Arguments for no call and no retry."""

    def __init__(self, error: Exception) -> None:
        super().__init__(num_retries=0)
        self._error = error

    def __setitem__(self, key: str, value: object) -> None:
        raise self._error


def _retries(kwargs: JsonMapping) -> bool:
    """Whether LiteLLM would ask again after an error, past its own hooks. Routers retry through them."""
    buckets = map(kwargs.get, _TELL_OF_ROUTERS)
    if any(isinstance(bucket, Mapping) and "model_group" in bucket for bucket in buckets):
        return False
    by_number = kwargs.get("num_retries")
    if by_number is None:
        by_number = litellm.num_retries
    return bool(by_number or kwargs.get("retry_policy") or kwargs.get("context_window_fallback_dict"))


def bypass_cache(kwargs: MutableMapping[str, Any]) -> None:
    """Have LiteLLM ask the model: it hands what it finds in its cache to no hook.

    Anybody may have filled that, and what a person approved once would come out of it again and again.
    """
    if litellm.cache is not None:
        kwargs["cache"] = {**(kwargs.get("cache") or {}), "no-cache": True}


def begin_call() -> None:
    """A call begins in this task: what earlier ones released says nothing about it."""
    enter(request_scope()._replace(released=frozenset()))


def was_released(call: ToolCall) -> bool:
    """Whether the call that was made last in this task released this very tool call."""
    return _named(call) in request_scope().released


def release(call: ToolCall) -> None:
    """Remember it for the call that this one answers."""
    scope = request_scope()
    enter(scope._replace(released=scope.released | {_named(call)}))


def _named(call: ToolCall) -> CallName:
    readable = call.id and call.unreadable is None
    return (call.id, call.name, call.digest) if readable else ("", "", str(id(call)))
