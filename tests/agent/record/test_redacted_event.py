"""What BIGHUB is told of a run, and that telling it never keeps a run waiting."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import anyio
import pytest

from litellm_bighub.agent.record.deliveries import Deliveries, EventBatch
from litellm_bighub.testing import function_call
from tests.agent.harness import DONE

LONG = {"memory_ingest_timeout_ms": 10_000}


class Bighub:
    """An SDK-like client with memory and outcomes."""

    def __init__(self, *, outcomes=True):
        self.told, self.reported = [], []
        self.actions = SimpleNamespace(submit=self._submit, ingest_memory=self._ingest)
        if outcomes:
            self.outcomes = SimpleNamespace(report=self._report)

    def _submit(self, **_):
        return {"allowed": True, "result": "allowed", "request_id": "req_1"}

    def _ingest(self, **told):
        self.told.append(told)

    def _report(self, **outcome):
        self.reported.append(outcome)


def agent(driver, bighub, **options):
    guard = driver.guard(decider=None, bighub_client=bighub, **{**LONG, **options})
    guard.tool("login", login)
    return guard


def login(user: str, password: str) -> dict:
    if user == "nobody":
        raise PermissionError("unknown user")
    return {"user": user, "token": password * 2}


def test_events_arrive_with_their_ids_and_without_secrets(driver, model):
    model([function_call("login", {"user": "ann", "password": "hunter2"}, call_id="c1")], DONE)
    bighub = Bighub()
    guard = agent(driver, bighub, actor="A", domain="D", memory_source="mine", memory_source_version="mine@1")
    payload = driver.run(guard)
    driver.call(guard, "close")
    ((told),) = bighub.told
    assert (told["source"], told["source_version"], told["actor"], told["domain"]) == ("mine", "mine@1", "A", "D")
    assert told["model"] == "gpt-4.1"
    (event,) = told["events"]
    last = payload["execution"]["last"]
    assert told["trace_id"] == event["trace_id"] == last["trace_id"]
    assert (event["event_id"], event["seq"], event["schema_version"]) == (last["event_id"], 0, 1)
    assert event["source_version"] == "mine@1"
    assert (event["tool"], event["call_id"], event["status"]) == ("login", "c1", "executed")
    assert "hunter2" not in repr(told)
    assert last["arguments"]["password"] == "hunter2"
    assert guard.dropped_events == 0


def test_outcomes_of_what_ran_are_reported(driver, model):
    model([function_call("login", {"user": u, "password": "x"}) for u in ("ann", "nobody")], DONE)
    bighub = Bighub()
    guard = agent(driver, bighub)
    driver.run(guard)
    driver.call(guard, "close")
    told = {each["status"]: each for each in bighub.reported}  # all at the same time, so in any order
    assert (len(bighub.reported), told.keys()) == (2, {"SUCCESS", "FAILURE"})
    assert {each["request_id"] for each in bighub.reported} == {"req_1"}
    assert told["FAILURE"]["description"] == "PermissionError: unknown user"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param({"recommendation": "proceed"}, {"recommendation_followed": True}, id="followed"),
        pytest.param({"recommendation": "proceed_with_caution"}, {"recommendation_followed": True}, id="with-caution"),
        pytest.param({"learning_snapshot": {"a": 1}}, {"decision_snapshot": {"a": 1}}, id="snapshot"),
        pytest.param({"decision_packet": {"metadata": {"a": 1}}}, {"decision_snapshot": {"a": 1}}, id="packet"),
        pytest.param({"decision_packet": "none"}, {}, id="no-packet"),
    ],
)
@pytest.mark.parametrize("user", ["ann", "nobody"])
def test_an_outcome_says_what_was_done_and_what_was_recommended(driver, model, said, told, user):
    model([function_call("login", {"user": user, "password": "x"})], DONE)
    bighub = Bighub()
    bighub.actions.submit = lambda **_: {"allowed": True, "result": "allowed", "request_id": "req_1", **said}
    guard = agent(driver, bighub, actor="A")
    driver.run(guard)
    driver.call(guard, "close")
    (outcome,) = bighub.reported
    assert (outcome["production_action"], outcome["reported_by"]) == ("login", "A")
    names = ("recommendation_followed", "decision_snapshot")
    assert {name: outcome[name] for name in names if name in outcome} == told
    assert outcome.get("correction_needed") == (True if user == "nobody" else None)


def test_a_client_of_an_older_generation_is_told_as_far_as_it_goes(driver, model):
    model([function_call("login", {"user": "ann", "password": "x"})], DONE)
    bighub = Bighub(outcomes=False)
    guard = agent(driver, bighub)
    driver.run(guard)
    driver.call(guard, "close")
    assert len(bighub.told) == 1
    assert guard.dropped_events == 0


@pytest.mark.parametrize("switch", ["memory_enabled", "outcome_reporting"])
def test_each_can_be_switched_off(driver, model, switch):
    model([function_call("login", {"user": "ann", "password": "x"})], DONE)
    bighub = Bighub()
    guard = agent(driver, bighub, **{switch: False})
    driver.run(guard)
    driver.call(guard, "close")
    assert (bool(bighub.told), bool(bighub.reported)) == (switch != "memory_enabled", switch != "outcome_reporting")


@pytest.mark.lesson("a memory that hangs holds the run beyond its limit")
def test_a_run_ends_while_its_memory_hangs(driver, model):
    """Old sin: a limit of 300 ms blocked 3 s, and a black hole 46 s."""
    model([function_call("login", {"user": "ann", "password": "x"})], DONE)
    bighub, entered, release = Bighub(), threading.Event(), threading.Event()

    def hang(**_):
        entered.set()
        release.wait(90)

    bighub.actions.ingest_memory = hang
    guard = agent(driver, bighub, memory_ingest_timeout_ms=50)
    try:
        assert driver.run(guard)["output_text"] == "done"
        assert entered.wait(60)
        assert not release.is_set()
        driver.call(guard, "close")
        assert guard.dropped_events == 1
    finally:
        release.set()


def test_a_memory_that_raises_changes_nothing(driver, model):
    model([function_call("login", {"user": "ann", "password": "x"})], DONE)
    bighub = Bighub()

    def fail(**_):
        raise ConnectionError("gone")

    bighub.actions.ingest_memory = fail
    guard = agent(driver, bighub)
    assert driver.run(guard)["output_text"] == "done"
    driver.call(guard, "close")
    assert guard.dropped_events == 1


def batch(name):
    return EventBatch([{"event_id": name}], name, "m")


async def test_a_full_queue_drops_the_newest_and_counts():
    delivered, gate = [], anyio.Event()

    async def deliver(each):
        await gate.wait()
        delivered.append(each.trace_id)

    async with anyio.create_task_group() as group:
        deliveries = Deliveries(deliver, spawn=group.start_soon, limit_seconds=10, capacity=2)
        deliveries.put(batch("a"))
        await anyio.wait_all_tasks_blocked()
        for name in ("b", "c", "d", "e"):
            deliveries.put(batch(name))
        gate.set()
    assert delivered == ["a", "b", "c"]
    assert deliveries.dropped == 2


async def test_one_delivery_that_fails_leaves_the_next_alone():
    delivered = []

    async def deliver(each):
        if each.trace_id == "a":
            raise ValueError(each.trace_id)
        delivered.append(each.trace_id)

    async with anyio.create_task_group() as group:
        deliveries = Deliveries(deliver, spawn=group.start_soon, limit_seconds=10)
        deliveries.put(batch("a"))
        deliveries.put(batch("b"))
    assert (delivered, deliveries.dropped) == (["b"], 1)
