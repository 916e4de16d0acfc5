"""Agents before the hosted BIGHUB's fake, over a real socket, with a key alone."""

from __future__ import annotations

import asyncio
import json

import pytest
from bighub import AsyncBighubClient, Bighub, BighubClient

from litellm_bighub.deciders.hosted.background_message import GATE_VERSION
from litellm_bighub.testing import BlackHole, Hangup, HostedBighub, allow, block, function_call
from litellm_bighub.testing.hosted_answers import error
from tests.agent.harness import DONE

CALL = function_call("pay", {"amount": 5, "password": "hunter2"}, call_id="c1")


@pytest.fixture
def bighub():
    with HostedBighub() as bighub:
        yield bighub


def agent(driver, bighub, **options):
    guard = driver.guard(
        decider=None,
        bighub_api_key=bighub.api_key,
        bighub_base_url=bighub.url,
        **{"decision_deadline_seconds": 20, "memory_ingest_timeout_ms": 10_000, **options},
    )
    guard.tool("pay", lambda amount, password: amount, parameters_schema=SCHEMA)
    return guard


SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "integer"}, "password": {"type": "string"}},
    "required": ["amount", "password"],
}


def test_a_decided_call(driver, model, bighub):
    model([CALL], DONE)
    guard = agent(driver, bighub, actor="A", domain="D", session_id="s1")
    assert driver.run(guard)["execution"]["last"]["status"] == "executed"
    (asked,) = bighub.requests
    assert (asked.body["action"], asked.body["value"]) == ("pay", 5)
    assert (asked.body["actor"], asked.body["domain"]) == ("A", "D")
    assert asked.body["context"]["session_id"] == "s1"
    assert "hunter2" not in str(asked.body)
    driver.call(guard, "close")
    (remembered,) = bighub.memories
    assert remembered.body["source"] == "openai_adapter"
    (reported,) = bighub.outcomes
    assert (reported.body["status"], reported.body["request_id"]) == ("SUCCESS", "req_allow")
    assert guard.dropped_events == 0
    assert "hunter2" not in str(remembered.body)


@pytest.mark.lesson("a black hole in the place of the policy service holds a call for minutes")
@pytest.mark.parametrize(("fail_mode", "status"), [("closed", "blocked"), ("open", "executed")])
def test_a_policy_service_that_never_answers_is_given_up_at_the_deadline(driver, model, bighub, fail_mode, status):
    """Old sin: 140 s and 9 requests, without an idempotency key on any."""
    model([CALL], DONE)
    bighub.script(BlackHole())
    guard = agent(driver, bighub, fail_mode=fail_mode, decision_deadline_seconds=0.5)
    assert driver.run(guard)["execution"]["last"]["status"] == status
    assert len(bighub.requests) <= 2


@pytest.mark.lesson("repeated questions have no idempotency key")
@pytest.mark.parametrize("failure", [error(503), Hangup()], ids=["503", "hangup"])
def test_a_question_that_is_asked_again_has_the_same_idempotency_key(driver, model, bighub, failure):
    model([CALL], DONE)
    bighub.script(failure, allow())
    assert driver.run(agent(driver, bighub))["execution"]["last"]["status"] == "executed"
    keys = [request.headers["idempotency-key"] for request in bighub.requests]
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.lesson("fail-open runs the tool when the policy service answers 422", row="422")
@pytest.mark.lesson("fail-open runs the tool when the policy service answers 409", row="409")
@pytest.mark.lesson("fail-open runs the tool when the policy service answers 403", row="403")
@pytest.mark.lesson("fail-open runs the tool when the policy service answers 401", row="401")
@pytest.mark.parametrize("status", [401, 403, 409, 422])
def test_a_refusal_opens_nothing(driver, model, bighub, status):
    """Old sin: fail-open ran on 401, 403, 409 and 422."""
    model([CALL], DONE)
    bighub.script(error(status))
    guard = agent(driver, bighub, fail_mode="open")
    assert driver.run(guard)["execution"]["last"]["status"] == "blocked"


def test_each_call_has_an_idempotency_key_of_its_own(driver, model, bighub):
    model([CALL, {**CALL, "call_id": "c2"}], DONE)
    driver.run(agent(driver, bighub))
    assert len({request.headers["idempotency-key"] for request in bighub.requests}) == 2


@pytest.mark.lesson("a policy service that does not answer is asked nine times")
@pytest.mark.parametrize("kind", [BighubClient, Bighub, AsyncBighubClient])
def test_the_retries_of_a_client_that_was_handed_in_do_not_multiply_with_ours(driver, model, bighub, kind):
    """Old sin: 9 questions for one call."""
    model([CALL], DONE)
    bighub.script(error(503))
    client = kind(base_url=bighub.url, api_key=bighub.api_key)
    options = {"evaluate_retries": 1, "decision_deadline_seconds": 20, "outcome_reporting": False}
    guard = driver.guard(decider=None, bighub_client=client, **options)
    guard.tool("pay", lambda amount, password: amount, parameters_schema=SCHEMA)
    assert driver.run(guard)["execution"]["last"]["status"] == "blocked"
    assert len(bighub.requests) == 2


@pytest.mark.lesson("an id of one user's run goes with another's")
def test_nothing_of_one_run_is_told_with_the_next(driver, model, bighub):
    """Old sin: the `trajectory_id` of one user's run went with the run of another."""
    bighub.script(allow(trajectory_id="traj_of_ann", request_id="req_of_ann"), allow())
    guard = agent(driver, bighub)
    for _ in range(2):
        model([CALL], DONE)
        driver.run(guard)
    first, second = bighub.requests
    for told in ("traj_of_ann", "req_of_ann", first.body["context"]["gateway"]["trace_id"]):
        assert told not in json.dumps(second.body)


def test_a_client_of_which_a_method_was_replaced_is_asked_by_that(driver, model, bighub):
    model([CALL], DONE)
    client, asked = BighubClient(base_url=bighub.url, api_key=bighub.api_key), []
    client.actions.submit = lambda **question: asked.append(question) or {"allowed": True, "result": "allowed"}
    guard = driver.guard(decider=None, bighub_client=client, memory_enabled=False, outcome_reporting=False)
    guard.tool("pay", lambda amount, password: amount, parameters_schema=SCHEMA)
    assert driver.run(guard)["execution"]["last"]["status"] == "executed"
    assert (len(asked), bighub.requests) == (1, [])


@pytest.mark.parametrize("mode", ["submit", "submit_v2", "submit_payload"])
def test_every_decision_mode_is_answered_by_what_the_published_sdk_offers(driver, model, bighub, mode):
    model([CALL], DONE)
    bighub.script(allow(), block())
    guard = agent(driver, bighub, decision_mode=mode)
    assert driver.run(guard)["execution"]["last"]["status"] == "executed"
    (asked,) = bighub.requests
    assert (asked.path, asked.body["action"], asked.body["value"]) == ("/actions/evaluate", "pay", 5)
    assert asked.body["context"]["arguments"]["amount"] == 5
    model([CALL], DONE)
    assert driver.run(guard)["execution"]["last"]["status"] == "blocked"


def test_a_dry_run_says_that_it_is_one_and_tells_nobody_else(driver, bighub):
    told = []
    guard = agent(driver, bighub, on_decision=told.append)
    bighub.script(block("too much", dry_run=True))
    arguments = {"amount": 5, "password": "x"}
    assert driver.call(guard, "check_tool", tool_name="pay", arguments=arguments)["result"] == "blocked"
    driver.call(guard, "close")
    assert [request.body["dry_run"] for request in bighub.requests] == [True]
    assert (told, bighub.memories, bighub.outcomes, guard.pending) == ([], [], [], [])


class DeafControlPlane:
    """A client of an embedded control plane that asks a person about every call, and never hears why it was made."""

    def __init__(self) -> None:
        self.actions = self.approvals = self._transport = self
        self.told = 0

    async def evaluate(self, *, action, **_):
        asks = {"allowed": False, "result": "requires_approval", "requires_approval": True}
        return {"request_id": "apr_1", "gate_version": GATE_VERSION, "status": "pending_approval", **asks}

    async def request(self, *, method, path, json_body):
        self.told += 1
        await asyncio.Event().wait()


def test_a_call_that_needs_a_person_waits_for_one_also_if_nobody_hears_why_it_was_made(driver, model):
    """Its telling takes longer than decisions may: under fail-open, the call must not run."""
    model([CALL], DONE)
    ran, plane = [], DeafControlPlane()
    guard = driver.guard(decider=None, bighub_client=plane, fail_mode="open", decision_deadline_seconds=0.1)
    guard.tool("pay", lambda amount, password: ran.append(amount), parameters_schema=SCHEMA)
    assert driver.run(guard)["execution"]["last"]["status"] == "approval_required"
    assert (ran, plane.told) == ([], 1)
