"""The SDK's generations: whichever method it evaluates with."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest
from bighub import AsyncBighubClient

from litellm_bighub.deciders.hosted.service import BighubDecider, decision_error
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow
from litellm_bighub.errors import ConfigurationError, DecisionRefused, DecisionUnavailable, DecisionUnreadable
from litellm_bighub.testing import BlackHole, HostedBighub

CALL = ToolCall(id="c", type="function", name="pay")


async def test_an_sdk_that_submits_with_metadata():
    """The generation 0.2.x, which the registry no longer has."""
    asked = {}

    async def submit(*, action, value=None, target=None, actor="", domain=None, metadata=None, idempotency_key=None):
        asked.update(action=action, metadata=metadata, key=idempotency_key)
        return {"allowed": True, "result": "allowed"}

    decider = BighubDecider(SimpleNamespace(actions=SimpleNamespace(submit=submit), approvals=SimpleNamespace()))
    assert isinstance(await decider.decide(CALL, CallContext()), Allow)
    assert (asked["action"], asked["metadata"]["tool"]) == ("pay", "pay")
    assert asked["key"]


def test_an_sdk_that_cannot_evaluate_stops_the_start():
    with pytest.raises(ConfigurationError):
        BighubDecider(SimpleNamespace(actions=SimpleNamespace()))


async def test_the_clients_own_timeout_counts_as_unreachable():
    with HostedBighub(BlackHole()) as bighub:
        sdk = AsyncBighubClient(base_url=bighub.url, api_key=bighub.api_key, max_retries=0, timeout=0.05)
        decider = BighubDecider(sdk)
        with pytest.raises(DecisionUnavailable, match="in time") as raised:
            await decider.decide(CALL, CallContext())
        assert raised.value.transient
        await decider.aclose()


async def test_a_question_that_is_no_http_is_refused_and_opens_nothing():
    """The SDK accepts this address, and fails on every request; under fail-open that would open for ever."""
    decider = BighubDecider(AsyncBighubClient(base_url="ftp://localhost", api_key="bhk_1", max_retries=0))
    with pytest.raises(DecisionRefused, match="cannot be sent"):
        await decider.decide(CALL, CallContext())
    await decider.aclose()


async def test_a_context_that_json_cannot_carry_is_refused():
    with HostedBighub() as bighub:
        decider = BighubDecider(AsyncBighubClient(base_url=bighub.url, api_key=bighub.api_key, max_retries=0))
        with pytest.raises(DecisionRefused, match="JSON cannot carry"):
            await decider.decide(CALL, CallContext(model="\ud800"))
        await decider.aclose()


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
