"""Agents before the embedded control plane: in their own process, and over a socket with the published SDK."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial

import anyio.from_thread
import pytest

from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.resolving import Resolution
from litellm_bighub.control_plane.store import memory
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.keys import AGENT, SCOPES
from litellm_bighub.errors import AdapterConfigurationError, ConfigurationError
from litellm_bighub.testing import function_call, text
from tests.agent.harness import ASK, Deciding, outputs
from tests.control_plane.serving import serving

DONE = [text("done")]
APPROVE = {"resolution": "approved", "comment": "fine", "by": "ann"}
POLICY = """\
version: 1
rules:
  - {name: refunds, tool: refund, require_approval_above: 500, max_value: 1000}
"""


class Refunds:
    def __init__(self):
        self.paid = []

    def refund(self, order_id: str, amount: float) -> float:
        self.paid.append(amount)
        return amount


def refund(amount, call_id=None):
    return function_call("refund", {"order_id": "ord_1", "amount": amount}, call_id=call_id)


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "bighub_policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def loop():
    with anyio.from_thread.start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def plane(policy):
    """Another process's view of the same database."""
    plane = ControlPlane.open(sqlite_url(policy.parent / "bighub.db"), policy)
    yield plane
    plane.close()


@pytest.fixture(params=["inside", "over-a-socket"])
def embedded(request, driver, policy, plane, loop):
    """Makes agents that this control plane decides for."""
    with _options(request.param, policy, plane, loop) as options:

        def make(refunds, **more):
            guard = driver.guard(memory_ingest_timeout_ms=10_000, **{**options, **more})
            guard.tool("refund", refunds.refund, value_from_args=lambda a: a["amount"])
            return guard

        yield make


@contextmanager
def _options(kind, policy, plane, loop):
    if kind == "inside":
        yield {"decider": "embedded", "policy": policy}
        return
    agents = loop.call(partial(make_key, by="test"), plane, "agent", AGENT)[1]
    persons = loop.call(partial(make_key, by="test"), plane, "ann", frozenset(SCOPES) - AGENT)[1]
    with loop.wrap_async_context_manager(serving(create_app(plane))) as url:
        yield {
            "decider": "bighub",
            "bighub_base_url": url,
            "bighub_api_key": agents,
            "bighub_approver_api_key": persons,
            "decision_deadline_seconds": 20,
        }


@pytest.mark.parametrize(
    ("amount", "status"),
    [(5, "executed"), (5000, "blocked"), (700, "approval_required")],
    ids=["allow", "block", "ask"],
)
def test_the_policy_decides(embedded, driver, model, amount, status):
    model([refund(amount)], DONE)
    refunds = Refunds()
    payload = driver.run(embedded(refunds))
    assert payload["execution"]["last"]["status"] == status
    assert refunds.paid == ([amount] if status == "executed" else [])


def test_an_approval_lets_exactly_one_call_run(embedded, driver, model):
    """Approved once, and asked for again when the model makes the same call again."""
    upstream = model([refund(700, "c1")], [refund(700, "c2")], DONE)
    refunds, answers = Refunds(), [APPROVE, {"resolution": "denied", "by": "ann"}]
    payload = driver.call(embedded(refunds), "run_with_approval", **ASK, on_approval_required=lambda _: answers.pop(0))
    assert refunds.paid == [700]
    assert answers == []
    statuses = [event["status"] for event in payload["execution"]["events"]]
    assert statuses == ["approval_required", "executed", "approval_required", "blocked"]
    assert json.loads(outputs(upstream.requests[1])[0]["output"]) == {"status": "executed", "output": 700}


def test_a_run_goes_on_after_the_inbox_answered(embedded, driver, model, plane, loop):
    model([refund(700)], [text("waiting")], DONE)
    refunds = Refunds()
    driver.run(first := embedded(Refunds()))
    (state,) = json.loads(json.dumps(first.pending))
    request_id = state["calls"][0]["pending"]["request_id"]
    loop.call(plane.resolve, Resolution(request_id, "approve", by="ann"))
    payload = driver.call(embedded(refunds), "resume", state=state)
    assert payload["output_text"] == "done"
    assert refunds.paid == [700]


def test_a_run_without_an_answer_goes_on_waiting(embedded, driver, model):
    model([refund(700)], [text("waiting")])
    refunds = Refunds()
    driver.run(guard := embedded(refunds))
    driver.call(guard, "resume", state=guard.pending[0])
    assert refunds.paid == []
    assert len(guard.pending) == 1


def test_a_dry_run_records_nothing(embedded, driver, plane, loop):
    guard = embedded(Refunds())
    asked = [
        driver.call(guard, "check_tool", tool_name="refund", arguments={"order_id": "o", "amount": amount})
        for amount in (5, 700, 5000)
    ]
    assert [answer["result"] for answer in asked] == ["allowed", "requires_approval", "blocked"]
    assert [answer["allowed"] for answer in asked] == [True, False, False]
    assert loop.call(plane.read, _decisions) == 0


def _decisions(connection):
    return connection.exec_driver_sql("SELECT count(*) FROM events WHERE type = 'decision_event.created'").scalar_one()


def test_memory_keeps_what_happened(embedded, driver, model, plane, loop):
    model([refund(5), refund(5000)], DONE)
    guard = embedded(Refunds())
    driver.run(guard)
    driver.call(guard, "close")
    assert guard.dropped_events == 0
    rows = loop.call(plane.read, lambda c: memory.window(c, since=0, filters={}))
    assert sorted((row["tool"], row["status"]) for row in rows) == [("refund", "blocked"), ("refund", "executed")]


def test_a_dry_run_needs_a_decider_that_has_one(driver):
    guard = driver.guard(decider=Deciding())
    guard.tool("refund", Refunds().refund)
    with pytest.raises(AdapterConfigurationError, match="dry run"):
        driver.call(guard, "check_tool", tool_name="refund", arguments={"order_id": "o", "amount": 1.0})


def test_a_policy_that_is_none_stops_the_start(driver, tmp_path):
    with pytest.raises(ConfigurationError):
        driver.guard(decider="embedded", policy=tmp_path / "missing.yaml")
