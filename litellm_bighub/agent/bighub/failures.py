"""What a client's exception says: that BIGHUB could not be reached, or that it refused."""

from __future__ import annotations

import httpx

from litellm_bighub.errors import DecisionError, DecisionRefused, DecisionUnavailable, DecisionUnreadable

_UNREACHED = frozenset(
    {"BighubTimeoutError", "BighubNetworkError", "TimeoutException", "TransportError", "TimeoutError"}
    | {"ConnectionError", "APIConnectionError"}
)
_NOT_NOW = frozenset({408, 409, 425, 429})
"""Answers all the same: asked again, and in the end refusals."""


def decision_error(error: Exception) -> DecisionError:
    """The error as the tree knows it. What is not plainly a failure of the line is a refusal: a bug opens nothing."""
    status = getattr(error, "status_code", None)
    name = type(error).__name__
    if isinstance(status, int):
        told = f"BIGHUB answered {status}"
        if status >= 500:
            return DecisionUnavailable(told, transient=True)
        return DecisionRefused(told, transient=status in _NOT_NOW)
    if isinstance(error.__cause__, httpx.DecodingError):
        return DecisionUnreadable("BIGHUB's answer is too large, or cannot be decoded")
    if any(each.__name__ in _UNREACHED for each in type(error).__mro__):
        return DecisionUnavailable(f"BIGHUB could not be reached ({name})", transient=True)
    return DecisionRefused(f"asking BIGHUB failed ({name})")
