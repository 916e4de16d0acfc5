"""What a client's exception says of the service."""

from __future__ import annotations

import httpx
import pytest

from litellm_bighub.deciders.hosted.failures import decision_error
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable, DecisionUnreadable


def named(name: str, cause: Exception | None = None, **fields: object) -> Exception:
    """An exception of a client, known by its class's name."""
    error: Exception = type(name, (Exception,), {})()
    for field, value in fields.items():
        setattr(error, field, value)
    error.__cause__ = cause
    return error


CASES = [
    pytest.param(named("X", status_code=429, retry_after_seconds=3), DecisionRefused, True, id="429"),
    pytest.param(named("X", status_code=409), DecisionRefused, True, id="409"),
    pytest.param(named("X", status_code=404), DecisionRefused, False, id="404"),
    pytest.param(named("X", status_code=503), DecisionUnavailable, True, id="503"),
    pytest.param(named("X", status_code=302), DecisionUnreadable, False, id="302"),
    pytest.param(named("BighubAuthError"), DecisionRefused, False, id="key"),
    pytest.param(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), DecisionRefused, False, id="surrogate"),
    pytest.param(named("BighubNetworkError", httpx.DecodingError("x")), DecisionUnreadable, False, id="too large"),
    pytest.param(named("BighubNetworkError", httpx.LocalProtocolError("x")), DecisionRefused, False, id="unsent"),
    pytest.param(named("BighubTimeoutError"), DecisionUnavailable, True, id="timeout"),
    pytest.param(named("APIConnectionError"), DecisionUnavailable, True, id="connection"),
]


@pytest.mark.parametrize(("error", "kind", "transient"), CASES)
def test_what_an_exception_says(error, kind, transient):
    found = decision_error(error)

    assert type(found) is kind
    assert found.transient is transient


def test_a_bug_is_no_failure_of_the_service():
    assert decision_error(KeyError("x")) is None


@pytest.mark.parametrize(
    ("asked", "seconds"), [(3, 3.0), (0.5, 0.5), (-1, None), (float("nan"), None), (True, None), ("3", None)]
)
def test_the_wait_that_the_service_asks_for(asked, seconds):
    assert decision_error(named("X", status_code=429, retry_after_seconds=asked)).retry_after == seconds


def test_a_code_is_told_with_its_status():
    assert str(decision_error(named("X", status_code=402, code="plan_limit"))) == "BIGHUB answered 402 (plan_limit)"
