"""Calls in code whose answers LiteLLM hands to no hook. A guardrail among `litellm.callbacks` can only refuse them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from functools import wraps
from importlib.metadata import version
from typing import Any, Final

import litellm
from litellm.exceptions import BadRequestError
from litellm.types.utils import CallTypes
from packaging.version import Version

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.errors import UngovernedCallError, UngovernedCallExit
from litellm_bighub.formats.registry import FORMATS, PLAIN_FORMATS, texts_of
from litellm_bighub.gateway.hooks.native_guardrail import NativeGuardrail
from litellm_bighub.gateway.setup.proxy_process import is_proxy

UNGOVERNED_RESPONSES: Final = frozenset(
    {
        *("get_responses", "aget_responses", "cancel_responses", "acancel_responses"),
        *("compact_responses", "acompact_responses", "_aresponses_websocket"),
    }
)
"""Call types whose answers are responses, as LiteLLM names them."""

PLAIN: Final = frozenset(call_type for known in PLAIN_FORMATS for call_type in texts_of(known).call_types)
"""Call types of plain requests, asynchronous or not."""

UNCHECKED: Final = UNGOVERNED_RESPONSES | {"completion"} | PLAIN
"""Call types whose requests or answers can hold texts of the formats whose texts are found."""

UNGOVERNED: Final = UNGOVERNED_RESPONSES | {
    *("completion", "generate_content", "agenerate_content", "generate_content_stream", "agenerate_content_stream"),
    *("interactions.create", "interactions.acreate", "interactions.get", "interactions.aget"),
    *("llm_passthrough_route", "allm_passthrough_route", "_arealtime"),
}
"""Call types whose answers can hold tool calls."""

_OURS: Final = {known.in_code.function: known.in_code.governed for known in FORMATS}
"""Our function in the place of each of LiteLLM's whose whole answers a hook is given."""

GOVERNED: Final = frozenset(_OURS)
"""LiteLLM's names of those calls."""

_REFUSES: Final = "__litellm_bighub_refuses__"
_ARGUMENTS: Final = "stream=True, tool_decisions=…"
_SYNC: Final = "litellm.responses() hands its answer to no callback; call litellm_bighub.responses(tool_decisions=…)"
_ROUTERS_ARE_KNOWN_BY_BOTH: Final = Version("1.106.2")
_TELL_OF_ROUTERS: Final = (
    ("metadata", "litellm_metadata")
    if Version(version("litellm")) >= _ROUTERS_ARE_KNOWN_BY_BOTH
    else ("metadata",)  # elsewhere older releases do not look for a router, and retry its Responses calls themselves
)


def refuse_ungoverned(
    guardrail: NativeGuardrail, details: JsonMapping, ungoverned: Collection[str], argument: str = "tool_decisions=…"
) -> None:
    """Refuse a call of one of these types. Nothing has been sent yet.

    Args:
        guardrail: LiteLLM goes on telling it of calls after it was taken out of `litellm.callbacks`; it passes those.
        details: LiteLLM's own record of the call.
        ungoverned: the types.
        argument: what to call our function with.

    Raises:
        UngovernedCallExit: says what to do instead.
    """
    call_type = _type_of(details)
    if call_type not in ungoverned or (details.get("litellm_params") or {}).get("acompletion"):
        return
    if not is_proxy() and any(callback is guardrail for callback in litellm.callbacks):
        ours = call_type == "completion"
        instead = f"call litellm_bighub.completion({argument})" if ours else "send it through the proxy"
        raise UngovernedCallExit(f"LiteLLM hands the answer of {call_type} to no callback; {instead}")


def refuse_moderation() -> None:
    """Have the synchronous `litellm.moderation`, of which LiteLLM tells no callback, refuse while texts are checked.

    It stands in two modules. Who has imported the function itself before goes on with LiteLLM's.
    """
    sent = litellm.moderation
    if getattr(sent, _REFUSES, False):
        return

    @wraps(sent)
    def moderation(*arguments: Payload, **options: Payload) -> Payload:
        refusing = next(filter(_checks_texts, litellm.callbacks), None)
        if isinstance(refusing, NativeGuardrail) and not is_proxy():
            problem = f"{refusing.guardrail_name} checks no texts of litellm.moderation outside of the proxy"
            raise RefusedCallError(f"{problem}; send it through the proxy")
        return sent(*arguments, **options)

    setattr(moderation, _REFUSES, True)
    for module in (litellm, litellm.main):
        setattr(module, sent.__name__, moderation)


def _checks_texts(callback: object) -> bool:
    return isinstance(callback, NativeGuardrail) and callback.checks_texts and callback.default_on


def _type_of(details: JsonMapping) -> str:
    """LiteLLM's name of the call; what its `litellm.interactions` does has the same as what its vector stores do."""
    call_type = str(details.get("call_type"))
    if call_type in {"create", "acreate", "get", "aget"}:
        url = (details.get("additional_args") or {}).get("api_base")
        return f"interactions.{call_type}" if "/interactions" in str(url) else call_type
    return call_type


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
        Exception: the error, where LiteLLM only reads what the hook answers. Synchronous calls run the hook in every
            attempt, and OCR is never asked again.
    """
    if call_type in {CallTypes.responses, CallTypes.aocr}:
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
