"""Calls in code with a guardrail among `litellm.callbacks`: which of them can be governed, and which are one call.

LiteLLM answers some calls by making another one in the same task: a Responses request to a model that speaks chat, and
the other way round. Both run the guardrail's hooks; what the inner one released is not decided on a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from litellm.types.utils import CallTypes

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.digest import arguments_digest

GOVERNED: Final = frozenset({CallTypes.aresponses, CallTypes.acompletion, CallTypes.anthropic_messages})
"""Calls whose whole answers a hook is given."""

_STREAM: Final = (
    "delivers its events before a callback could hold one back; "
    "call litellm_bighub.aresponses(stream=True, tool_decisions=…)"
)
_SYNC: Final = "litellm.responses() hands its answer to no callback; call litellm_bighub.responses(tool_decisions=…)"

_released: ContextVar[frozenset[tuple[str, str, str]]] = ContextVar("litellm_bighub_released", default=frozenset())


def why_ungoverned(call_type: CallTypes | None, kwargs: Mapping[str, Any]) -> str:
    """Why no hook could govern this call, and what to call instead; empty where one can."""
    if call_type is not None and (call_type in GOVERNED or call_type is CallTypes.responses) and kwargs.get("stream"):
        return f"litellm.{call_type.value}(stream=True) {_STREAM}"
    return _SYNC if call_type is CallTypes.responses else ""


def begin() -> None:
    """A call begins in this task: what earlier ones released says nothing about it."""
    _released.set(frozenset())


def was_released(call: ToolCall) -> bool:
    """Whether the call that was made last in this task released this very tool call."""
    return _named(call) in _released.get()


def release(call: ToolCall) -> None:
    """Remember it for the call that this one answers."""
    _released.set(_released.get() | {_named(call)})


def _named(call: ToolCall) -> tuple[str, str, str]:
    readable = call.id and call.unreadable is None
    return (call.id, call.name, arguments_digest(call.arguments)) if readable else ("", "", str(id(call)))
