"""Calls in code that a function of ours governs: guardrails among `litellm.callbacks` leave them to it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple


class _Elsewhere(NamedTuple):
    """What a function of ours sees to."""

    calls: bool = False
    texts: bool = False


_NOWHERE: Final = _Elsewhere()
_elsewhere: ContextVar[_Elsewhere] = ContextVar("litellm_bighub_elsewhere", default=_NOWHERE)


@contextmanager
def governed_elsewhere(*, calls: bool = True, texts: bool = True) -> Generator[None]:
    """Within it, what LiteLLM sends and answers is governed by whoever opened it, and by no callback.

    Args:
        calls: its tool calls are.
        texts: its texts are.
    """
    token = _elsewhere.set(_Elsewhere(calls, texts))
    try:
        yield
    finally:
        _elsewhere.reset(token)


def is_governed_elsewhere() -> bool:
    """Whether a function of ours decides on the tool calls of the call that LiteLLM makes here."""
    return _elsewhere.get().calls


def is_checked_elsewhere() -> bool:
    """Whether a function of ours checks the texts of the call that LiteLLM makes here."""
    return _elsewhere.get().texts
