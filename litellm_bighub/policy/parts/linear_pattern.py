"""Expressions that are matched in time that grows with the text, whatever somebody puts into a pattern or a call."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import re2

Fits: TypeAlias = Callable[[str], object]
"""Gives something true if the whole text fits."""

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


def whole(expression: str) -> Fits:
    """Compile an expression in the syntax of RE2.

    Raises:
        ValueError: it is none, or too large.
    """
    fullmatch: Fits = _compiled(expression, "the pattern is too large").fullmatch
    return fullmatch


@lru_cache(maxsize=1024)
def somewhere(expression: str) -> Fits:
    """Compile an expression in the syntax of RE2 that has to fit a piece of the text.

    Raises:
        ValueError: it is none, or too large.
    """
    search: Fits = _compiled(expression, "it is no pattern of RE2, or too large").search
    return search


def _compiled(expression: str, problem: str) -> Any:
    try:
        return re2.compile(expression, _OPTIONS)
    except re2.error as error:
        raise ValueError(problem) from error


def literal(text: str) -> str:
    """The expression for a text itself."""
    escaped: str = re2.escape(text)
    return escaped
