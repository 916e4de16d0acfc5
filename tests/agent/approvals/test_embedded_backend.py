"""Agents before the embedded control plane: in their own process, and over a socket with the published SDK."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.http.sdk_extras.agent_memory import window
from litellm_bighub.control_plane.http.sdk_extras.outcome_analytics import reported
from litellm_bighub.control_plane.http.sdk_extras.outcomes import unreported
from litellm_bighub.control_plane.people.roles import AGENT, SCOPES
from litellm_bighub.control_plane.store.tables import approvals, outcomes
from litellm_bighub.domain.call_background import from_text
from litellm_bighub.errors import AdapterConfigurationError, ConfigurationError
from litellm_bighub.testing import ScriptedDecider, function_call, text
from tests.agent.harness import ASK, DONE, outputs
from tests.control_plane.serving import serving

APPROVE = {"resolution": "approved", "comment": "fine", "by": "ann"}
POLICY = """\
version: 1
tools: {refund: {value: amount}}
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


@pytest.mark.lesson("under one approved id the tool runs any number of times")
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


@pytest.mark.parametrize("answer", ["approve", "deny"])
def test_the_model_hears_what_a_person_tells_it_in_the_inbox(embedded, driver, model, plane, loop, answer):
    """Also after the run has waited a second time, for another call of the same turn."""
    upstream = model([refund(700, "c1"), refund(800, "c2")], [text("waiting")], DONE)
    driver.run(first := embedded(Refunds()))
    ids = [call["pending"]["request_id"] for call in first.pending[0]["calls"]]
    said = partial(Resolution, answer=answer, by="ann", comment="inner")
    loop.call(plane.resolve, said(ids[0], told="on weekdays only"))
    driver.call(again := embedded(Refunds()), "resume", state=json.loads(json.dumps(first.pending[0])))
    loop.call(plane.resolve, said(ids[1]))
    driver.call(embedded(Refunds()), "resume", state=json.loads(json.dumps(again.pending[0])))
    heard = [item["output"] for item in outputs(upstream.requests[-1])]
    assert ["The person says: on weekdays only" in each for each in heard] == [True, False]
    assert "inner" not in str(heard)


@pytest.mark.parametrize("store", [False, True], ids=["replayed", "kept by the provider"])
@pytest.mark.parametrize("extent", ["last_turn", "none"])
def test_people_read_why_the_call_is_made(embedded, driver, model, plane, loop, store, extent):
    model([refund(5, "c1")], [text("Now the rest."), refund(700, "c2")], DONE)
    guard = embedded(Refunds(), approval_context=extent)
    driver.call(guard, "run", **ASK, extra_create_args={"store": store})
    (pending,) = (call["pending"] for call in guard.pending[0]["calls"])
    approval = loop.call(plane.read, partial(approvals.get, approval_id=pending["request_id"]))
    background = from_text(approval.background)
    if extent == "none":
        assert not background
        return
    said = [(one.speaker, one.tool) for one in background.said]
    assert said == [("user", ""), ("call", "refund"), ("result", "refund"), ("model", "")]
    assert background.said[-1].text == "Now the rest."
    assert set(background.schema["properties"]) == {"order_id", "amount"}


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
    rows = loop.call(plane.read, lambda c: window(c, since=0, filters={}))
    assert sorted((row["tool"], row["status"]) for row in rows) == [("refund", "blocked"), ("refund", "executed")]


def test_outcomes_of_what_ran_are_kept_beside_their_decisions(embedded, driver, model, plane, loop):
    """A call that was blocked has none, and the decision of one that ran no longer waits for its report."""

    class Failing(Refunds):
        def refund(self, order_id: str, amount: float) -> float:
            if amount == 6:
                raise ConnectionError("the bank is closed, token=abcdef0123456789")
            return super().refund(order_id, amount)

    model([refund(5, "c1"), refund(6, "c2"), refund(5000, "c3"), refund(700, "c4")], DONE)
    guard = embedded(Failing())
    events = driver.run(guard)["execution"]["events"]
    driver.call(guard, "close")
    assert guard.dropped_events == 0
    ids = {event["call_id"]: event["request_id"] for event in events}
    kept = {call: loop.call(plane.read, partial(outcomes.find, column="request_id", value=ids[call])) for call in ids}
    assert {call: [row["status"] for row in rows] for call, rows in kept.items()} == {
        "c1": ["SUCCESS"],
        "c2": ["FAILURE"],
        "c3": [],
        "c4": [],
    }
    assert kept["c2"][0]["body"]["details"]["call_id"] == "c2"
    assert "the bank is closed" in kept["c2"][0]["body"]["description"]
    assert "abcdef0123456789" not in str(kept)
    assert loop.call(plane.read, partial(unreported, before=2e9, limit=10)) == []


def test_reports_can_be_switched_off(embedded, driver, model, plane, loop):
    model([refund(5)], DONE)
    guard = embedded(Refunds(), outcome_reporting=False)
    driver.run(guard)
    driver.call(guard, "close")
    assert loop.call(plane.read, reported) == []


def test_a_run_may_wait_for_its_reports(embedded, driver, model, plane, loop):
    """Nothing is flushed or closed here."""
    model([refund(5)], DONE)
    driver.run(embedded(Refunds(), outcome_reporting_required=True))
    assert [report.status for report in loop.call(plane.read, reported)] == ["SUCCESS"]


def test_the_expiry_of_an_approval_is_known_to_its_event_and_state(embedded, driver, model, plane, loop):
    model([refund(700)], DONE)
    driver.run(guard := embedded(Refunds()))
    (pending,) = (call["pending"] for call in guard.pending[0]["calls"])
    approval = loop.call(plane.read, partial(approvals.get, approval_id=pending["request_id"]))
    assert pending["expires_at"] == pytest.approx(approval.expires_at, abs=1e-3)
    assert guard.pending[0]["events"][0]["decision"]["expires_at"] == pending["expires_at"]


def test_what_a_person_put_in_place_of_the_arguments_is_what_runs(driver, model, policy, plane, loop):
    """In one process; who asks over HTTP has told its arguments without their secrets, so nobody may edit those."""
    model([refund(700)], [text("waiting")], DONE)
    refunds = Refunds()
    guard = driver.guard(decider="embedded", policy=policy)
    guard.tool("refund", refunds.refund, value_from_args=lambda a: a["amount"])
    driver.run(guard)
    request_id = guard.pending[0]["calls"][0]["pending"]["request_id"]
    edited = {"order_id": "ord_1", "amount": 600.0}
    too_much = Resolution(request_id, "approve", by="ann", edited={**edited, "amount": 1001.0})
    assert loop.call(plane.resolve, too_much).code == "blocked"
    loop.call(plane.resolve, Resolution(request_id, "approve", by="ann", edited=edited))
    payload = driver.call(guard, "resume", state=guard.pending[0])
    assert refunds.paid == [600.0]
    assert payload["execution"]["last"]["arguments"] == edited


def test_an_amount_that_code_alone_measures_is_not_that_of_an_edit(driver, model, policy, loop, request):
    """People answer in another process, which knows only what the policy says of tools."""
    policy.write_text(POLICY.replace("tools: {refund: {value: amount}}\n", ""))
    plane = request.getfixturevalue("plane")  # reads the policy when it is opened
    model([refund(700)], [text("waiting")])
    guard = driver.guard(decider="embedded", policy=policy)
    guard.tool("refund", Refunds().refund, value_from_args=lambda a: a["amount"])
    driver.run(guard)
    request_id = guard.pending[0]["calls"][0]["pending"]["request_id"]
    edit = Resolution(request_id, "approve", by="ann", edited={"order_id": "ord_1", "amount": 100_000.0})
    assert "the call has none" in loop.call(plane.resolve, edit).problem


def test_a_dry_run_needs_a_decider_that_has_one(driver):
    guard = driver.guard(decider=ScriptedDecider())
    guard.tool("refund", Refunds().refund)
    with pytest.raises(AdapterConfigurationError, match="dry run"):
        driver.call(guard, "check_tool", tool_name="refund", arguments={"order_id": "o", "amount": 1.0})


def test_a_policy_that_is_none_stops_the_start(driver, tmp_path):
    with pytest.raises(ConfigurationError):
        driver.guard(decider="embedded", policy=tmp_path / "missing.yaml")
