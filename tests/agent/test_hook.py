"""The audit hook: told before anything runs, of a copy, and not to be ignored."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.decision import Allow, Basis, Block
from litellm_bighub.testing import ScriptedDecider, function_call
from tests.agent.harness import DONE

CALL = function_call("pay", {"amount": 5, "api_key": "sk-secret"}, call_id="c1")


def pay(amount: int, api_key: str) -> int:
    return amount


def agent(driver, hook, **options):
    guard = driver.guard(on_decision=hook, **options)
    guard.tool("pay", pay)
    return guard


def test_the_hook_is_told_of_the_decision_with_its_ids(driver, model):
    model([CALL], DONE)
    told = []
    decider = ScriptedDecider({"pay": Allow("fine", basis=Basis(decision_id="req_7"))})
    payload = driver.run(agent(driver, told.append, decider=decider))
    (event,) = told
    recorded = payload["execution"]["last"]
    assert (event["allowed"], event["request_id"], event["tool"], event["call_id"]) == (True, "req_7", "pay", "c1")
    assert (event["trace_id"], event["event_id"]) == (recorded["trace_id"], recorded["event_id"])
    assert (event["seq"], event["schema_version"]) == (0, 1)
    assert "sk-secret" not in repr(event)


def test_refusals_are_told_too(driver, model):
    model([CALL, function_call("unknown", {}), function_call("pay", "[]")], DONE)
    told = []
    driver.run(agent(driver, told.append, decider=ScriptedDecider({"pay": Block("no")})))
    statuses = [(event["allowed"], event["status"]) for event in told]
    assert statuses == [(False, "blocked"), (False, "blocked"), (False, "tool_error")]


@pytest.mark.lesson("`on_decision` can rewrite the audit")
def test_what_the_hook_does_to_its_copy_changes_nothing(driver, model):
    """Old sin: the hook got the live record and could rewrite the audit."""
    model([CALL], DONE)

    def rewrite(event):
        event["allowed"] = False
        event["arguments"]["amount"] = 999999
        event["decision"]["allowed"] = False
        event.clear()

    last = driver.run(agent(driver, rewrite))["execution"]["last"]
    assert (last["status"], last["output"], last["arguments"]["amount"]) == ("executed", 5, 5)
    assert last["decision"]["allowed"] is True


def test_the_hook_hears_before_the_tool_runs(driver, model):
    model([CALL], DONE)
    order = []
    guard = driver.guard(on_decision=lambda _: order.append("hook"))
    guard.tool("pay", lambda **_: order.append("tool"), parameters_schema={"type": "object"}, strict=False)
    driver.run(guard)
    assert order == ["hook", "tool"]


def test_an_async_hook_is_awaited(driver, model):
    model([CALL], DONE)
    told = []

    async def hook(event):
        told.append(event["tool"])

    driver.run(agent(driver, hook))
    assert told == ["pay"]


@pytest.mark.parametrize("fail_mode", ["open", "closed"])
def test_a_decision_that_cannot_be_recorded_runs_nothing(driver, model, fail_mode):
    model([CALL], DONE)

    def fail(_):
        raise ConnectionError("the log is full")

    last = driver.run(agent(driver, fail, fail_mode=fail_mode))["execution"]["last"]
    assert last["status"] == "blocked"
    assert "recorded" in last["error"]
