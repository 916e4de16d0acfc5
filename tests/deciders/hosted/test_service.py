"""The SDK's generations: whichever method it evaluates with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from bighub import AsyncBighubClient

from litellm_bighub.deciders.hosted.service import BighubDecider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow
from litellm_bighub.errors import ConfigurationError, DecisionRefused, DecisionUnavailable
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
