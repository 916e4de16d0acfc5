"""The gauge of held streams counts one as long as a call of it is kept back, whatever it waits for."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import replace

import pytest
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub import BighubGuardrail
from litellm_bighub.deciders.approvals.waiting_decider import AnsweredApproval
from litellm_bighub.domain.decision import Block, RequireApproval
from litellm_bighub.formats.registry import format_named
from litellm_bighub.telemetry.spans import DecisionSpans
from litellm_bighub.telemetry.telemetry import Telemetry
from litellm_bighub.testing import ScriptedDecider
from tests.formats.absent import of_format
from tests.gateway.pipeline.test_gated_stream import Upstream, into

chat = of_format("tests.formats.chat.streams")
pytestmark = pytest.mark.format("chat")
KEY = UserAPIKeyAuth(request_route="/v1/chat/completions")


class Gauge:
    """Instruments that count held streams alone."""

    def __init__(self) -> None:
        self.held_now = 0

    def held(self, change: int) -> None:
        self.held_now += change


class Waits:
    """Somebody who is asked, and takes as long as the test."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def wait(self) -> None:
        self.asked.set()
        await self.may_answer.wait()


class Person(ScriptedDecider):
    def __init__(self, waits: Waits) -> None:
        super().__init__(otherwise=RequireApproval("large", "req_9"))
        self.waits = waits

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        await self.waits.wait()
        return AnsweredApproval("denied", by="ann")


class Router:
    """A router whose model takes its time over the next answer."""

    def __init__(self, waits: Waits) -> None:
        self.waits = waits

    async def acompletion(self, **request):
        await self.waits.wait()
        message = {"role": "assistant", "content": "I will not."}
        return {"id": "next", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


async def held_while(waits: Waits, guardrail: BighubGuardrail) -> tuple[list[int], str]:
    """What the gauge showed before, while and after a stream's call was kept back, and what left."""
    gauge = Gauge()
    request = guardrail.request({"messages": []}, KEY, format_named("chat"))
    request = replace(request, telemetry=Telemetry([gauge], DecisionSpans()))
    upstream = Upstream([chat.role(), *chat.said("hi"), *chat.call(0), chat.end()])
    events = guardrail.pipeline.stream(request, upstream)

    async def consume() -> str:
        return str([event async for event in events])

    seen = [gauge.held_now]
    consumer = asyncio.ensure_future(consume())
    await waits.asked.wait()
    seen.append(gauge.held_now)
    waits.may_answer.set()
    sent = await consumer
    return [*seen, gauge.held_now], sent


async def test_a_stream_that_waits_for_a_person_is_held():
    waits = Waits()
    guardrail = BighubGuardrail(guardrail_name="g", decider_instance=Person(waits), on_approval="wait")
    seen, sent = await held_while(waits, guardrail)
    assert seen == [0, 1, 0]
    assert "was blocked" in sent


async def test_a_stream_that_waits_for_the_next_answer_is_held(monkeypatch):
    waits = Waits()
    monkeypatch.setattr(importlib.import_module("litellm.proxy.proxy_server"), "llm_router", Router(waits))
    decider = ScriptedDecider(otherwise=Block("no"))
    seen, sent = await held_while(
        waits, BighubGuardrail(guardrail_name="g", decider_instance=decider, on_block="continue")
    )
    assert seen == [0, 1, 0]
    assert "I will not." in sent


async def test_a_stream_that_is_left_is_held_no_more():
    waits = Waits()
    guardrail = BighubGuardrail(guardrail_name="g", decider_instance=Person(waits), on_approval="wait")
    gauge = Gauge()
    request = guardrail.request({"messages": []}, KEY, format_named("chat"))
    request = replace(request, telemetry=Telemetry([gauge], DecisionSpans()))
    events = guardrail.pipeline.stream(request, Upstream([*chat.call(0), chat.end()]))
    consumer = asyncio.ensure_future(into([], events))
    await waits.asked.wait()
    assert gauge.held_now == 1
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    await events.aclose()
    assert gauge.held_now == 0
