"""Agents that are shared by threads, used by one event loop after the other, or forgotten without being closed."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from openai import AsyncOpenAI, OpenAI

from litellm_bighub.agent.async_guarded import AsyncGuardedOpenAI
from litellm_bighub.agent.guarded import GuardedOpenAI
from litellm_bighub.testing import HostedBighub, function_call
from tests.agent.harness import ASK, DONE

POLICY = "version: 1\nrules:\n  - {name: doubling, tool: double, max_per_day: 1000}\n"


def double(n: int) -> int:
    return 2 * n


@pytest.fixture
def bighub():
    with HostedBighub() as bighub:
        yield bighub


@pytest.fixture(params=["hosted", "embedded"])
def policy(request, bighub, tmp_path):
    """Who decides."""
    path = tmp_path / "bighub_policy.yaml"
    path.write_text(POLICY)
    hosted = {"bighub_api_key": bighub.api_key, "bighub_base_url": bighub.url}
    made = hosted if request.param == "hosted" else {"decider": "embedded", "policy": path}
    return {"decision_deadline_seconds": 30, "memory_ingest_timeout_ms": 10_000, **made}


def test_threads_share_an_agent(upstream, policy):
    upstream.script(lambda request: request.prompt.startswith("user"), [function_call("double", {"n": 4})])
    with (
        OpenAI(base_url=upstream.base_url, api_key="any") as client,
        GuardedOpenAI(openai_client=client, **policy) as guard,
        ThreadPoolExecutor(6) as pool,
    ):
        guard.tool("double", double)
        start = threading.Barrier(6)

        def run(number):
            start.wait(60)
            return guard.run(messages=[{"role": "user", "content": f"user {number}"}], model="m")["execution"]["events"]

        told = list(pool.map(run, range(6)))
    assert [[(event["seq"], event["output"], event["error"]) for event in events] for events in told] == [
        [(0, 8, None)]
    ] * 6
    assert len({events[0]["trace_id"] for events in told}) == 6
    assert guard.dropped_events == 0


def test_one_event_loop_after_the_other_may_use_an_agent(upstream, policy):
    """As in a script that calls `asyncio.run` for each question."""
    upstream.script(
        lambda _: True, [function_call("double", {"n": 4})], DONE, [function_call("double", {"n": 5})], DONE
    )

    class Client:
        """Connected anew in each loop, as the official client asks for."""

        def __init__(self):
            self.responses = self

        async def create(self, **arguments):
            async with AsyncOpenAI(base_url=upstream.base_url, api_key="any") as client:
                return await client.responses.create(**arguments)

    guard = AsyncGuardedOpenAI(openai_client=Client(), **policy)
    guard.tool("double", double)

    async def run():
        last = (await guard.run(**ASK))["execution"]["last"]
        return last["error"] or last["output"]

    async def run_and_close():
        async with guard:
            return await run()

    assert [asyncio.run(run()), asyncio.run(run_and_close())] == [8, 10]


def test_an_agent_that_nobody_closed_ends_its_thread_and_delivers_what_it_can(upstream, bighub):
    upstream.script(lambda _: True, [function_call("double", {"n": 4})], DONE)
    before = set(threading.enumerate())
    with OpenAI(base_url=upstream.base_url, api_key="any") as client:
        guard = GuardedOpenAI(
            openai_client=client,
            bighub_api_key=bighub.api_key,
            bighub_base_url=bighub.url,
            memory_ingest_timeout_ms=10_000,
        )
        guard.tool("double", double)
        guard.run(**ASK)
        (thread,) = (each for each in set(threading.enumerate()) - before if each.name == "guarded-openai")
        gone = weakref.ref(guard)
        del guard
        gc.collect()
    assert gone() is None
    thread.join(60)
    assert not thread.is_alive()
    assert len(bighub.memories) == 1


def test_a_stream_that_nobody_reads_to_its_end_keeps_no_agent_alive(upstream, bighub):
    upstream.script(lambda _: True, [function_call("double", {"n": 4})], DONE)
    with OpenAI(base_url=upstream.base_url, api_key="any") as client:
        guard = GuardedOpenAI(openai_client=client, bighub_api_key=bighub.api_key, bighub_base_url=bighub.url)
        guard.tool("double", double)
        events = guard.run_stream(**ASK)
        next(events)
        gone = weakref.ref(guard)
        del guard, events
        gc.collect()
        assert gone() is None
