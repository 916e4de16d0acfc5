"""What a client's exception says: that BIGHUB could not be reached, or that it refused."""

from __future__ import annotations

from litellm_bighub.errors import DecisionError, DecisionRefused, DecisionUnavailable

_UNREACHED = frozenset(
    {"BighubTimeoutError", "BighubNetworkError", "TimeoutException", "TransportError", "TimeoutError"}
    | {"ConnectionError", "APIConnectionError"}
)
_NOT_NOW = frozenset({408, 425, 429})


def decision_error(error: Exception) -> DecisionError:
    """The error as the tree knows it. What is not plainly a failure of the line is a refusal: a bug opens nothing."""
    status = getattr(error, "status_code", None)
    name = type(error).__name__
    if isinstance(status, int):
        told = f"BIGHUB answered {status}"
        passing = status >= 500 or status in _NOT_NOW
        return DecisionUnavailable(told, transient=True) if passing else DecisionRefused(told)
    if any(each.__name__ in _UNREACHED for each in type(error).__mro__):
        return DecisionUnavailable(f"BIGHUB could not be reached ({name})", transient=True)
    return DecisionRefused(f"asking BIGHUB failed ({name})")
