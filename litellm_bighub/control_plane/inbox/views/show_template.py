"""Filling an operator's `show:` template with a call's redacted arguments."""

from __future__ import annotations

import json
from string import Formatter
from typing import Final

import jmespath
from jmespath.exceptions import JMESPathError

from litellm_bighub.domain.call import Arguments

_NOTHING: Final = "\u2013"
_LONGEST: Final = 300


def filled(template: str, arguments: Arguments) -> str:
    """The sentence. What the arguments do not hold is a dash, and a long value is cut."""
    return "".join(
        literal + ("" if name is None else _value(name, arguments))
        for literal, name, _, _ in Formatter().parse(template)
    )


def _value(expression: str, arguments: Arguments) -> str:
    try:
        found: object = jmespath.search(expression, arguments)
    except (JMESPathError, TypeError, ArithmeticError):
        return _NOTHING
    if found is None:
        return _NOTHING
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\u2026"
