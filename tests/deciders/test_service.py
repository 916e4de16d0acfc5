"""The SDK's generations: whichever method it evaluates with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from litellm_bighub.deciders.service import BighubDecider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow
from litellm_bighub.errors import ConfigurationError

CALL = ToolCall(id="c", type="function", name="pay")


async def test_an_sdk_that_submits_with_metadata():
    """The generation 0.2.x, which the registry no longer has."""
    asked = {}

    async def submit(*, action, value=None, target=None, actor="", domain=None, metadata=None, idempotency_key=None):
        asked.update(action=action, metadata=metadata, key=idempotency_key)
        return {"allowed": True, "result": "allowed"}

    decider = BighubDecider(SimpleNamespace(actions=SimpleNamespace(submit=submit)))
    assert isinstance(await decider.decide(CALL, CallContext()), Allow)
    assert (asked["action"], asked["metadata"]["tool"]) == ("pay", "pay")
    assert asked["key"]


def test_an_sdk_that_cannot_evaluate_stops_the_start():
    with pytest.raises(ConfigurationError):
        BighubDecider(SimpleNamespace(actions=SimpleNamespace()))
