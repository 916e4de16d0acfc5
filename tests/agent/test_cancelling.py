"""Ending a run early: its tools end, and the record says what happened."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest
from openai import AsyncOpenAI

from litellm_bighub.agent.async_guarded import AsyncGuardedOpenAI
from litellm_bighub.agent.guarded import GuardedOpenAI
from litellm_bighub.errors import AdapterConfigurationError
from litellm_bighub.testing import ScriptedDecider, function_call
from tests.agent.harness import ASK, DONE


class Bighub:
    def __init__(self):
        self.events = []
        self.actions = SimpleNamespace(submit=self._submit, ingest_memory=self._ingest)

    async def _submit(self, **_):
        return {"allowed": True, "result": "allowed"}

    async def _ingest(self, *, events, **_):
        self.events += events


async def test_cancelling_a_run_cancels_its_tools_and_records_what_is_known(upstream, model):
    model([function_call("quick", {}), function_call("slow", {}), function_call("after", {})], DONE)
    started, cancelled, bighub = asyncio.Event(), [], Bighub()

    async def quick() -> str:
        return "ready"

    async def slow() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("slow")
            raise

    async def after() -> None:
        raise AssertionError("never reached")

    async with (
        AsyncOpenAI(base_url=upstream.base_url, api_key="any") as client,
        AsyncGuardedOpenAI(openai_client=client, bighub_client=bighub, memory_ingest_timeout_ms=10_000) as guard,
    ):
        guard.tool("quick", quick)
        guard.tool("slow", slow)
        guard.tool("after", after, alone=True)
        run = asyncio.ensure_future(guard.run(**ASK))
        await started.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert cancelled == ["slow"]
    told = [(event["tool"], event["status"], event["error"]) for event in bighub.events]
    assert told == [
        ("quick", "executed", None),
        ("slow", "tool_error", "cancelled while it ran; whether it had an effect is unknown"),
        ("after", "tool_error", "cancelled before it started"),
    ]


@pytest.mark.lesson("a sync tool stalls the event loop of the async class")
async def test_a_sync_tool_does_not_stall_the_event_loop(upstream, model):
    """Old sin: sync tools stalled the loop of the async class."""
    model([function_call("wait", {})], DONE)
    beat = threading.Event()

    def wait() -> bool:
        return beat.wait(60)

    async with (
        AsyncOpenAI(base_url=upstream.base_url, api_key="any") as client,
        AsyncGuardedOpenAI(openai_client=client, decider=ScriptedDecider()) as guard,
    ):
        guard.tool("wait", wait)
        run = asyncio.ensure_future(guard.run(**ASK))
        asyncio.get_running_loop().call_later(0.01, beat.set)
        payload = await run
    assert payload["execution"]["last"]["output"] is True


async def test_async_tools_are_awaited(upstream, model):
    model([function_call("double", {"n": 4})], DONE)

    async def double(n: int) -> int:
        await asyncio.sleep(0)
        return 2 * n

    async with (
        AsyncOpenAI(base_url=upstream.base_url, api_key="any") as client,
        AsyncGuardedOpenAI(openai_client=client, decider=ScriptedDecider()) as guard,
    ):
        guard.tool("double", double)
        assert (await guard.run(**ASK))["execution"]["last"]["output"] == 8


@pytest.mark.lesson("a coroutine in the sync class is never awaited and counts as a success")
def test_an_async_tool_of_a_sync_agent_is_an_error_at_registration():
    """Old sin: the coroutine was never awaited and reported SUCCESS."""

    async def double(n: int) -> int:
        return 2 * n

    with pytest.raises(AdapterConfigurationError, match="AsyncGuardedOpenAI"):
        GuardedOpenAI(decider=ScriptedDecider()).tool("double", double)


@pytest.mark.lesson("a coroutine in the sync class is never awaited and counts as a success")
def test_what_turns_out_to_be_awaitable_is_awaited(driver, model):
    model([function_call("double", {})], DONE)

    async def later() -> int:
        return 8

    guard = driver.guard()
    guard.tool("double", lambda: later(), parameters_schema={"type": "object", "properties": {}})  # noqa: PLW0108
    assert driver.run(guard)["execution"]["last"]["output"] == 8


async def test_the_sync_agent_works_inside_a_running_event_loop(upstream, model):
    """As in a notebook."""
    model([function_call("double", {})], DONE)
    from openai import OpenAI  # noqa: PLC0415 - the other client of this module is async

    with (
        OpenAI(base_url=upstream.base_url, api_key="any") as client,
        GuardedOpenAI(openai_client=client, decider=ScriptedDecider()) as guard,
    ):
        guard.tool("double", lambda: 8, parameters_schema={"type": "object", "properties": {}})
        assert guard.run(**ASK)["execution"]["last"]["output"] == 8


@pytest.mark.lesson("an id of one user's run goes with another's")
async def test_runs_at_the_same_time_do_not_mix(upstream):
    """Old sin: an id leaked from one user's run into another's."""
    upstream.script(lambda request: request.prompt.startswith("user"), [function_call("double", {"n": 1})])

    async def double(n: int) -> int:
        return 2 * n

    async with (
        AsyncOpenAI(base_url=upstream.base_url, api_key="any") as client,
        AsyncGuardedOpenAI(openai_client=client, decider=ScriptedDecider()) as guard,
    ):
        guard.tool("double", double)
        asked = [[{"role": "user", "content": f"user {n}"}] for n in range(6)]
        payloads = await asyncio.gather(*(guard.run(messages=each, model="m") for each in asked))
    traces = [{event["trace_id"] for event in payload["execution"]["events"]} for payload in payloads]
    assert all(len(trace) == 1 for trace in traces)
    assert len(set.union(*traces)) == 6
    assert all([event["seq"] for event in payload["execution"]["events"]] == [0] for payload in payloads)
