"""The fake speaks the real protocol to the real SDK."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest
from bighub import AsyncBighubClient, BighubClient
from bighub.exceptions import BighubAPIError, BighubAuthError, BighubNetworkError, BighubRateLimitError

from litellm_bighub.testing import BlackHole, Hangup, HostedBighub, HostedRequest, allow, block, reply, require_approval
from litellm_bighub.testing.hosted_answers import error, garbage


def client(bighub: HostedBighub, **options) -> BighubClient:
    return BighubClient(base_url=bighub.url, api_key=bighub.api_key, max_retries=0, timeout=10, **options)


def test_answers_in_the_order_of_the_script_and_the_last_for_ever():
    with HostedBighub(block("no"), require_approval("req_7"), allow()) as bighub, client(bighub) as sdk:
        results = [sdk.actions.evaluate(action="pay")["result"] for _ in range(4)]
        assert results == ["blocked", "requires_approval", "allowed", "allowed"]


def test_a_function_answers_by_the_request():
    def by_value(request: HostedRequest):
        return block() if request.body["value"] > 10 else allow()

    with HostedBighub(by_value) as bighub, client(bighub) as sdk:
        assert [sdk.actions.evaluate(action="pay", value=value)["allowed"] for value in (5, 50)] == [True, False]


def test_requests_are_kept_with_headers_and_body():
    with HostedBighub() as bighub, client(bighub) as sdk:
        sdk.actions.evaluate(action="pay", value=3.5, idempotency_key="once")
        [request] = bighub.requests
    assert (request.method, request.path) == ("POST", "/actions/evaluate")
    assert request.body == {"action": "pay", "actor": "AI_AGENT", "value": 3.5}
    assert (request.headers["idempotency-key"], request.headers["x-api-key"]) == ("once", bighub.api_key)


def test_another_key_is_not_let_in():
    with HostedBighub() as bighub, BighubClient(base_url=bighub.url, api_key="other", max_retries=0) as sdk:
        with pytest.raises(BighubAuthError):
            sdk.actions.evaluate(action="pay")
        assert bighub.requests == []


def test_errors_have_the_shape_of_the_service():
    with HostedBighub(error(409, {"code": "conflict"}), error(429, retry_after=1.5)) as bighub, client(bighub) as sdk:
        with pytest.raises(BighubAPIError) as conflict:
            sdk.actions.evaluate(action="pay")
        with pytest.raises(BighubRateLimitError) as limited:
            sdk.actions.evaluate(action="pay")
    assert (conflict.value.status_code, conflict.value.code) == (409, "conflict")
    assert limited.value.retry_after_seconds == 1.5


def test_garbage_and_any_body():
    with HostedBighub(garbage(), reply([1]), reply(None)) as bighub, client(bighub) as sdk:
        assert [sdk.actions.evaluate(action="pay") for _ in range(3)] == [{}, [1], None]


def test_a_hangup_is_a_network_error():
    with HostedBighub(Hangup()) as bighub, client(bighub) as sdk, pytest.raises(BighubNetworkError):
        sdk.actions.evaluate(action="pay")


def test_memories_are_counted_and_kept():
    with HostedBighub() as bighub, client(bighub) as sdk:
        answer = sdk.actions.ingest_memory(events=[{"tool": "a"}, {"tool": "b"}], source="test")
        assert answer == {"accepted": 2, "total_stored": 2, "source": "test"}
        assert bighub.memories[0].body["events"][1] == {"tool": "b"}


def test_anything_else_is_not_found():
    with HostedBighub() as bighub:
        response = httpx.get(f"{bighub.url}/nowhere", headers={"X-API-Key": bighub.api_key})
    assert response.status_code == 404


async def test_a_black_hole_counts_who_gave_up():
    with HostedBighub(BlackHole()) as bighub:
        async with AsyncBighubClient(base_url=bighub.url, api_key=bighub.api_key) as sdk:
            task = asyncio.create_task(sdk.actions.evaluate(action="pay"))
            await asyncio.to_thread(bighub.wait_for, requests=1)
            task.cancel()
            await asyncio.to_thread(bighub.wait_for, abandoned=1)


async def test_waiting_in_vain_says_what_there_was():
    with HostedBighub() as bighub, pytest.raises(TimeoutError, match="0 requests arrived"):
        bighub.wait_for(requests=1, timeout=0.01)


async def test_it_ends_while_clients_still_wait():
    before = threading.active_count()
    with HostedBighub(BlackHole(), reply({}, delay=1000)) as bighub:
        sdk = AsyncBighubClient(base_url=bighub.url, api_key=bighub.api_key, max_retries=0, timeout=60)
        tasks = [asyncio.create_task(sdk.actions.evaluate(action="pay")) for _ in range(2)]
        await asyncio.to_thread(bighub.wait_for, requests=2)
        before += 1  # the thread that has waited stays in the loop's pool
    assert bighub.abandoned == 0
    assert threading.active_count() <= before
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, BighubNetworkError | dict) for result in results)
    await sdk.close()


def test_outside_of_its_block_there_is_no_address():
    with pytest.raises(RuntimeError):
        _ = HostedBighub().url


def test_delays_are_no_part_of_the_answer():
    answers = [allow(delay=0.001), block(delay=0.001), require_approval(delay=0.001)]
    assert [answer.delay for answer in answers] == [0.001] * 3
    assert all(b"delay" not in answer.body for answer in answers)
