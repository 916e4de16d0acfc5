"""Answers in LiteLLM's cache that somebody else has put there: they are decided on too, or not read."""

from __future__ import annotations

import asyncio

import litellm
import pytest

import litellm_bighub
from litellm_bighub import BighubGuardrail, ToolDecisions
from litellm_bighub.domain.decision import Block
from litellm_bighub.testing import ScriptedDecider
from tests.gateway.sdk.sdk_calls import ANSWER, CANARY, each_api, litellms_types, whole_and_streamed

pytestmark = litellms_types


@pytest.fixture
def decider():
    return ScriptedDecider({"wipe": Block("not within policy")})


@pytest.fixture(autouse=True)
def _cache(monkeypatch, upstream):
    monkeypatch.setattr(litellm, "cache", litellm.Cache(type="local"))
    monkeypatch.setattr(litellm, "callbacks", [])
    upstream.script("go", ANSWER)
    yield
    litellm_bighub.uninstall()


async def read(answer):
    return [event async for event in answer] if hasattr(answer, "__aiter__") else answer


async def filled_by_somebody_else(api, upstream, **more):
    """LiteLLM writes in the background; a call that asks nobody has read what it wrote."""
    asked = -1
    while len(upstream.requests) != asked:
        asked = len(upstream.requests)
        answer = await read(await api.plain(**api.arguments(upstream, caching=True, **more)))
        await asyncio.sleep(0.1)
    assert CANARY in repr(answer)


@each_api
async def test_a_plain_call_asks_the_model(upstream, decider, monkeypatch, api):
    await filled_by_somebody_else(api, upstream)
    monkeypatch.setattr(litellm, "callbacks", [BighubGuardrail(guardrail_name="bighub", decider_instance=decider)])

    answer = await api.plain(**api.arguments(upstream, caching=True))

    assert api.calls(answer) == ["lookup"]
    assert CANARY not in repr(answer)


@each_api
@whole_and_streamed
async def test_our_function_reads_it_and_decides(upstream, decider, api, streamed):
    await filled_by_somebody_else(api, upstream, stream=streamed)
    asked = len(upstream.requests)

    answer = await api.awaited(
        **api.arguments(upstream, caching=True, stream=streamed, tool_decisions=ToolDecisions(decider))
    )
    events = await read(answer)

    assert api.calls(api.joined(events) if streamed else events) == ["lookup"]
    assert CANARY not in repr(events)
    assert len(upstream.requests) == asked
