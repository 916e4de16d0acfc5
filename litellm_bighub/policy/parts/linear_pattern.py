"""Expressions that are matched in time that grows with the text, whatever somebody puts into a pattern or a call."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

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
    try:
        fullmatch: Fits = re2.compile(expression, _OPTIONS).fullmatch
    except re2.error as error:
        raise ValueError("the pattern is too large") from error
    return fullmatch


@lru_cache(maxsize=1024)
def somewhere(expression: str) -> Fits:
    """Compile an expression in the syntax of RE2 that has to fit a piece of the text.

    Raises:
        ValueError: it is none, or too large.
    """
    try:
        search: Fits = re2.compile(expression, _OPTIONS).search
    except re2.error as error:
        raise ValueError("it is no pattern of RE2, or too large") from error
    return search


def literal(text: str) -> str:
    """The expression for a text itself."""
    escaped: str = re2.escape(text)
    return escaped
