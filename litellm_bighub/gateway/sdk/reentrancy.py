"""Calls in code that are governed already, so that the hooks of a guardrail leave them alone.

A governed function of ours governs the call that it has LiteLLM make. And LiteLLM answers some calls by making another
one in the same task: a Responses request to a model that speaks chat, and the other way round. Both run the hooks; what
the inner call released is not decided on a second time.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.gateway.pipeline.request_scope import CallName, enter, request_scope


@contextmanager
def governed_in_code(*, calls: bool = True, texts: bool = True) -> Generator[None]:
    """Within it, what LiteLLM sends and answers is governed by whoever opened it, and by no callback.

    Args:
        calls: its tool calls are.
        texts: its texts are.
    """
    before = request_scope()
    enter(before._replace(calls_in_code=calls, texts_in_code=texts))
    try:
        yield
    finally:
        enter(request_scope()._replace(calls_in_code=before.calls_in_code, texts_in_code=before.texts_in_code))


def is_governed_in_code() -> bool:
    """Whether a function of ours decides on the tool calls of the call that LiteLLM makes here."""
    return request_scope().calls_in_code


def is_checked_in_code() -> bool:
    """Whether a function of ours checks the texts of the call that LiteLLM makes here."""
    return request_scope().texts_in_code


def begin_call() -> None:
    """A call begins in this task: what earlier ones released says nothing about it."""
    enter(request_scope()._replace(released=frozenset()))


def was_released(call: ToolCall) -> bool:
    """Whether the call that was made last in this task released this very tool call."""
    return _call_name(call) in request_scope().released


def release(call: ToolCall) -> None:
    """Remember it for the call that this one answers."""
    scope = request_scope()
    enter(scope._replace(released=scope.released | {_call_name(call)}))


def _call_name(call: ToolCall) -> CallName:
    readable = call.id and call.unreadable is None
    return (call.id, call.name, call.digest) if readable else ("", "", str(id(call)))
