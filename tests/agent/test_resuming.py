"""Runs that wait for people, streamed and whole, broken off and asked for twice."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from openai import AsyncOpenAI

from litellm_bighub.agent.async_guarded import AsyncGuardedOpenAI
from litellm_bighub.errors import AdapterConfigurationError
from litellm_bighub.testing import text
from tests.agent.harness import ASK, DONE
from tests.agent.refunds import APPROVE, Bighub, Refunds, agent, refund

DENY = {"resolution": "denied"}


def kinds(events):
    return [event["type"] for event in events]


@pytest.mark.parametrize(
    ("answer", "paid", "statuses"),
    [
        pytest.param(APPROVE, [("ord_1", 500)], ["approval_required", "executed"], id="approved"),
        pytest.param(DENY, [], ["approval_required", "blocked"], id="denied"),
    ],
)
def test_a_stream_with_approval_asks_and_goes_on(driver, model, answer, paid, statuses):
    model([refund(500)], DONE)
    refunds, asked = Refunds(), []
    guard = agent(driver, Bighub(), refunds)
    events = driver.events(
        guard, "run_stream_with_approval", **ASK, on_approval_required=lambda told: asked.append(told) or answer
    )
    assert refunds.paid == paid
    assert [event["event"]["status"] for event in events if event["type"] == "execution_event"] == statuses
    assert "".join(event["delta"] for event in events if event["type"] == "llm_delta") == "done"
    assert (kinds(events)[-1], kinds(events).count("final_response")) == ("final_response", 1)
    loop = events[-1]["response"]["approval_loop"]
    assert (loop["resolved"], loop["resumed"], loop["request_id"]) == (True, bool(paid), "req_1")
    assert [told["request_id"] for told in asked] == ["req_1"]


def test_the_stream_shows_that_a_call_waits_before_anybody_is_asked(driver, model):
    model([refund(500)], DONE)
    order = []
    guard = agent(driver, Bighub(), Refunds())

    def ask(_):
        order.append("asked")
        return APPROVE

    arguments = {**ASK, "on_approval_required": ask}
    first = next(
        at
        for at, event in enumerate(driver.events(guard, "run_stream_with_approval", **arguments))
        if event["type"] == "execution_event"
    )
    order.clear()
    model([refund(500)], DONE)
    events = driver.events(guard, "run_stream_with_approval", take=first + 1, **arguments)
    assert (events[-1]["event"]["status"], order) == ("approval_required", [])


def test_a_waiting_run_is_resumed_as_a_stream(driver, model):
    model([refund(500)], [text("waiting")], [text("paid in full")])
    refunds = Refunds()
    driver.run(guard := agent(driver, Bighub(), refunds))
    (state,) = json.loads(json.dumps(guard.pending))
    events = driver.events(guard, "resume_stream", state=state, resolutions={"req_1": APPROVE})
    assert refunds.paid == [("ord_1", 500)]
    assert "".join(event["delta"] for event in events if event["type"] == "llm_delta") == "paid in full"
    assert events[-1]["response"]["approval_loop"]["resumed"] is True
    assert guard.pending == []
    with pytest.raises(AdapterConfigurationError, match="resumed already"):
        driver.events(guard, "resume_stream", state=state)


def test_a_stream_that_nobody_has_read_uses_no_state_up(driver, model):
    model([refund(500)], [text("waiting")], DONE)
    refunds = Refunds()
    driver.run(guard := agent(driver, Bighub(), refunds))
    (state,) = guard.pending
    guard.resume_stream(state)
    driver.call(guard, "resume", state=state, resolutions={"req_1": APPROVE})
    assert refunds.paid == [("ord_1", 500)]


def test_a_run_can_be_looked_for_again_and_again_until_somebody_answers(driver, model):
    model([refund(500)], [text("waiting")])
    bighub, refunds = Bighub(status="pending"), Refunds()
    driver.run(guard := agent(driver, bighub, refunds))
    for _ in range(3):
        (state,) = guard.pending
        driver.call(guard, "resume", state=state)
        assert refunds.paid == []
    bighub.status = "approved"
    driver.call(guard, "resume", state=guard.pending[0])
    assert (refunds.paid, guard.pending) == ([("ord_1", 500)], [])


def test_a_stream_closed_where_a_call_waits_can_be_resumed(driver, model):
    model([refund(500)], DONE)
    refunds = Refunds()
    guard = agent(driver, Bighub(), refunds)
    first = kinds(driver.stream(guard)).index("execution_event")
    model([refund(500)], DONE)
    guard = agent(driver, Bighub(), refunds)
    driver.stream(guard, take=first + 1)
    (state,) = guard.pending
    driver.call(guard, "resume", state=state, resolutions={"req_1": APPROVE})
    assert refunds.paid == [("ord_1", 500)]


async def test_a_run_cancelled_while_a_person_thinks_can_be_resumed(upstream, model):
    model([refund(1, "a"), refund(500, "b"), refund(700, "c")], DONE)
    bighub, refunds, thinking = Bighub(), Refunds(), asyncio.Event()
    told = []
    bighub.actions.ingest_memory = lambda *, events, **_: told.extend(events)

    async def ask(question):
        if question["event"]["arguments"]["order_id"] == "b":
            return APPROVE
        thinking.set()
        return await asyncio.Event().wait()

    async with (
        AsyncOpenAI(base_url=upstream.base_url, api_key="any") as client,
        AsyncGuardedOpenAI(openai_client=client, bighub_client=bighub, memory_ingest_timeout_ms=10_000) as guard,
    ):
        guard.tool("refund", refunds.refund, value_from_args=lambda a: a["amount"])
        run = asyncio.ensure_future(guard.run_with_approval(**ASK, on_approval_required=ask))
        await thinking.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert refunds.paid == [("a", 1)]
        (state,) = guard.pending
        await guard.resume(state, resolutions={state["calls"][2]["pending"]["request_id"]: APPROVE})
        assert refunds.paid == [("a", 1), ("c", 700)]
    cancelled = [event["arguments"]["order_id"] for event in told if event["error"] == "cancelled before it started"]
    assert cancelled == ["b"]


def test_threads_that_resume_one_state_at_the_same_time_run_its_call_once(driver, model):
    model([refund(500)], [text("waiting")], DONE)
    refunds, start = Refunds(), threading.Barrier(4)
    driver.run(guard := agent(driver, Bighub(), refunds))
    (state,) = guard.pending

    def resume(_):
        start.wait(60)
        try:
            return driver.call(guard, "resume", state=state, resolutions={"req_1": APPROVE})["output_text"]
        except AdapterConfigurationError as error:
            return error.args[0]

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(resume, range(4)))
    assert refunds.paid == [("ord_1", 500)]
    assert (said.count("done"), sum("resumed already" in each for each in said)) == (1, 3)


@pytest.mark.parametrize(
    ("told", "paid"),
    [
        pytest.param(
            {"modified_action": {"arguments": {"order_id": "ord_1", "amount": 5.0}}}, [("ord_1", 5.0)], id="read"
        ),
        pytest.param({"edited_arguments": {"order_id": "ord_1", "amount": 6.0}}, [("ord_1", 6.0)], id="arguments"),
        pytest.param({"edited_arguments": {"order_id": 1}}, [], id="does-not-fit"),
        pytest.param({"edited_arguments": {"order_id": "[redacted]", "amount": 6.0}}, [], id="hides-something"),
        pytest.param({"modified_action": "refund less"}, [], id="words"),
        pytest.param({"review_decision": "modified"}, [], id="not-told-how"),
        pytest.param({"status": "modified"}, [], id="status"),
    ],
)
def test_who_approves_something_else_does_not_approve_the_call(driver, model, told, paid):
    """BIGHUB's reviewers may change what is done; the model's own arguments are then refused."""
    model([refund(500)], DONE)
    bighub, refunds = Bighub(), Refunds()
    bighub.approvals = SimpleNamespace(
        resolve=lambda *, request_id, **_: {"status": "approved", "id": request_id, **told}
    )
    driver.call(agent(driver, bighub, refunds), "run_with_approval", **ASK, on_approval_required=lambda _: APPROVE)
    assert refunds.paid == paid


def test_the_expiry_of_an_approval_is_carried_to_event_state_and_question(driver, model):
    model([refund(500)], [text("waiting")])
    bighub, asked = Bighub(), []
    waits = {"allowed": False, "result": "requires_approval", "requires_approval": True, "request_id": "req_1"}
    bighub.actions.submit = lambda **_: {**waits, "expires_at": "1970-01-01T00:30:00Z"}
    guard = agent(driver, bighub, Refunds(), clock=lambda: 1000.0)
    payload = driver.call(guard, "run_with_approval", **ASK, on_approval_required=asked.append)
    assert payload["execution"]["last"]["decision"]["expires_at"] == 1800.0
    assert asked[0]["event"]["decision"]["expires_at"] == 1800.0
    assert guard.pending[0]["calls"][0]["pending"]["expires_at"] == 1800.0


def test_an_approval_of_the_hosted_service_expires_here_too(driver, model):
    model([refund(500)], DONE)
    bighub, refunds = Bighub(), Refunds()
    waits = {"allowed": False, "result": "requires_approval", "requires_approval": True, "request_id": "req_1"}
    bighub.actions.submit = lambda **_: {**waits, "expires_at": 1800}
    guard = agent(driver, bighub, refunds, clock=lambda: 1800.0)
    driver.call(guard, "run_with_approval", **ASK, on_approval_required=lambda _: APPROVE)
    assert (refunds.paid, bighub.resolved) == ([], [])
