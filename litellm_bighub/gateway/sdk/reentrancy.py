"""Calls in code that a function of ours governs: guardrails among `litellm.callbacks` leave them to it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope


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
