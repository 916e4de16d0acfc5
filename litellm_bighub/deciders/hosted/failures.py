"""What a BIGHUB client's exception says: that the service could not be reached, or what it answered.

Clients of all generations give the same failures the same names, so names and statuses tell them apart.
"""

from __future__ import annotations

import math

import httpx

from litellm_bighub.errors import DecisionError, DecisionRefused, DecisionUnavailable, DecisionUnreadable

_TIMEOUTS = frozenset({"BighubTimeoutError", "TimeoutException", "TimeoutError"})
_UNREACHED = frozenset({"BighubNetworkError", "TransportError", "ConnectionError", "APIConnectionError"})


def decision_error(error: Exception) -> DecisionError | None:
    """The failure as our tree of errors has it; `None` for what is no failure of the service, a bug for one."""
    status = getattr(error, "status_code", None)
    names = {each.__name__ for each in type(error).__mro__}
    if isinstance(status, int):
        return _status(error, status)
    if "BighubAuthError" in names:
        return DecisionRefused("BIGHUB does not accept the API key (401 or 403)")
    if isinstance(error, UnicodeEncodeError):
        return DecisionRefused("the question holds text that JSON cannot carry")
    if (unsent := _protocol_failure(error)) is not None:
        return unsent
    if names & _TIMEOUTS:
        return DecisionUnavailable("BIGHUB did not answer in time", transient=True)
    if names & _UNREACHED:
        return DecisionUnavailable("BIGHUB could not be reached", transient=True)
    return None


def _protocol_failure(error: Exception) -> DecisionError | None:
    """What HTTP itself cannot carry. The SDK has one error for everything below HTTP; the reason is its cause."""
    match error if isinstance(error, httpx.HTTPError) else error.__cause__:
        case httpx.DecodingError():
            return DecisionUnreadable("BIGHUB's answer is too large, or cannot be decoded")
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return DecisionRefused("the question to BIGHUB cannot be sent as HTTP")
        case _:
            return None


def _status(error: Exception, status: int) -> DecisionError:
    """What a status other than 2xx means.

    408, 409, 425 and 429 say "not now": they are retried, and in the end they are refusals like every other 4xx. The
    service was there and gave an answer, so that whoever makes it busy opens nothing under `fail_mode: open`.
    """
    code = getattr(error, "code", None)
    text = f"BIGHUB answered {status}" + (f" ({code[:60]})" if isinstance(code, str) else "")
    match status:
        case 429:
            return DecisionRefused(text, transient=True, retry_after=_retry_after(error))
        case 408 | 409 | 425:
            return DecisionRefused(text, transient=True)
        case _ if 500 <= status <= 599:
            return DecisionUnavailable(text, transient=True)
        case _ if 400 <= status <= 499:
            return DecisionRefused(text)
        case _:
            return DecisionUnreadable(text)


def _retry_after(error: Exception) -> float | None:
    seconds: object = getattr(error, "retry_after_seconds", None)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    return float(seconds) if math.isfinite(seconds) and seconds >= 0 else None
