"""Value and target over HTTP are those that the policy takes out of the arguments, wherever these are known."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from litellm_bighub.control_plane.http.actions import Action
from litellm_bighub.control_plane.store.schema import (
    approvals as approvals_table,
    decided_calls,
    events as events_table,
)
from tests.control_plane.http.asking import both

IBAN = "DE89370400440532013000"
POLICY = """\
version: 1
tools:
  refund_payment: {value: amount, target: order_id}
  pay_items: {value: "sum(items[].price)"}
  nested: {value: payment.amount}
  anything: {value: "max(values(@))"}
rules:
  - {name: refunds, tool: "*", require_approval_above: 500, max_value: 1000}
"""
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        pytest.param({"value": 5}, ("allowed", None), id="unknown arguments"),
        pytest.param({"value": 5, "target": "o", "context": {"order": 1}}, ("allowed", None), id="none of them known"),
        pytest.param({"value": 5, "context": {"arguments": {"amount": 99999}}}, ("blocked", "value"), id="another"),
        pytest.param({"value": 5, "context": {"amount": 99999}}, ("blocked", "value"), id="another in the context"),
        pytest.param({"value": 5, "metadata": {"amount": 99999}}, ("blocked", "value"), id="another in metadata"),
        pytest.param({"value": 5, "amount": 99999}, ("blocked", "value"), id="another beside the context"),
        pytest.param({"value": 5, "arguments": {"amount": 99999}}, ("blocked", "value"), id="beside the context"),
        pytest.param({"value": 5, "context": {"arguments": '{"amount": 99999}'}}, ("blocked", "value"), id="a text"),
        pytest.param(
            {"value": 5, "context": {"arguments": {"amount": 5}, "amount": 99999}}, ("blocked", "value"), id="both"
        ),
        pytest.param({"context": {"arguments": {"amount": 5}}}, ("allowed", None), id="only arguments"),
        pytest.param({"context": {"arguments": {"amount": 700}}}, ("requires_approval", None), id="much"),
        pytest.param({"context": {"arguments": {"amount": 2000}}}, ("blocked", "max_value"), id="too much"),
        pytest.param({"context": {"amount": 2000}}, ("blocked", "max_value"), id="too much in the context"),
        pytest.param({"value": 5.0, "context": {"arguments": {"amount": 5}}}, ("allowed", None), id="the same"),
        pytest.param({"value": 5, "context": {"arguments": {"amount": "5"}}}, ("blocked", "value"), id="no number"),
        pytest.param({"value": 5, "context": {"amount": [5]}}, ("blocked", "value"), id="a list"),
        pytest.param({"value": 5, "context": {"arguments": {}}}, ("blocked", "value"), id="none among arguments"),
        pytest.param({"context": {"arguments": {}}}, ("blocked", "value"), id="none at all"),
        pytest.param({"value": 5, "context": {"amount": None}}, ("blocked", "value"), id="null"),
        pytest.param(
            {"value": 5, "target": "A", "context": {"arguments": {"amount": 5, "order_id": "B"}}},
            ("blocked", "target"),
            id="another target",
        ),
        pytest.param(
            {"value": 5, "target": "A", "context": {"order_id": "B"}}, ("blocked", "target"), id="target in the context"
        ),
        pytest.param(
            {"value": 5, "target": "7", "context": {"arguments": {"amount": 5, "order_id": 7}}},
            ("allowed", None),
            id="the same target",
        ),
        pytest.param(
            {"value": 5, "target": "o", "context": {"arguments": {"amount": 5, "order_id": "[redacted]"}}},
            ("allowed", None),
            id="a hidden target",
        ),
        pytest.param({"action": "pay_items", "value": 5}, ("allowed", None), id="a function, unknown"),
        pytest.param(
            {"action": "pay_items", "value": 5, "context": {"items": [{"price": 6}]}}, ("blocked", "value"), id="a sum"
        ),
        pytest.param(
            {"action": "pay_items", "value": 5, "context": {"items": "x"}}, ("blocked", "measure"), id="no sum"
        ),
        pytest.param(
            {"action": "nested", "value": 5, "context": {"payment": {"amount": 6}}}, ("blocked", "value"), id="nested"
        ),
        pytest.param(
            {"action": "anything", "value": 5, "context": {"arguments": {"x": 6}}}, ("blocked", "value"), id="any field"
        ),
        pytest.param(
            {"action": "other", "value": 5, "context": {"arguments": {"amount": 6}}}, ("allowed", None), id="not named"
        ),
    ],
)
async def test_the_policys_own_extraction_counts(open_plane, question, expected):
    asked = {"action": "refund_payment", **question}
    async with both(open_plane(POLICY)) as (agent, person):
        for path in ("/actions/evaluate", "/actions/submit", "/actions/submit/v2", "/actions/submit/dry-run"):
            answer = await agent.ask("POST", path, json=asked)
            blocked_by = answer["blocked_by"] if answer["result"] == "blocked" else None
            assert (answer["result"], blocked_by) == expected
        [answer] = await agent.ask("POST", "/actions/evaluate/batch", json={"actions": [asked]})
        assert answer["result"] == expected[0]
        assert (await agent.ask("POST", "/rules/validate", json=asked))["result"] == expected[0]
        rule = await person.ask("POST", "/rules", json={"name": "alone", "max_value": 1000})
        alone = await agent.ask("POST", "/rules/validate", json={**asked, "rule_id": rule["rule_id"]})
        assert (alone["result"] == "blocked") == (expected[0] == "blocked")


async def test_what_is_shown_and_recorded_is_what_the_policy_found(open_plane):
    async with both(open_plane(POLICY)) as (agent, person):
        await agent.evaluate(action="refund_payment", context={"arguments": {"amount": 700, "order_id": "A-1"}})
        [waiting] = await person.ask("GET", "/approvals")
        assert (waiting["value"], waiting["target"]) == (700, "A-1")


async def test_an_edit_is_measured_too(open_plane):
    async with both(open_plane(POLICY)) as (agent, person):
        asked = await agent.evaluate(action="refund_payment", value=700, context={"amount": 700})
        edited = {"value": 600, "target": None, "amount": 99999}
        await person.approve(asked["request_id"], 422, edited_arguments=edited)
        await person.approve(asked["request_id"], edited_arguments={**edited, "amount": 600})
        assert (await agent.evaluate(action="refund_payment", value=600, context={"amount": 600}))["allowed"]


@pytest.mark.parametrize(
    "question",
    [
        {"target": IBAN, "value": 173917391739, "context": {"arguments": {"iban": IBAN, "pin": 173917391739}}},
        {"target": f"account {IBAN}", "value": 173917391739, "context": {"iban": IBAN, "pin": "173917391739"}},
        {"target": IBAN, "value": 1, "context": {"iban": IBAN, "value": 1, "pin": 173917391739}},
        {"context": {"arguments": {"iban": IBAN}, "target_account": {"iban": IBAN}}},
    ],
    ids=["known arguments", "unknown ones", "a field named value", "no target"],
)
async def test_a_value_and_a_target_that_tell_what_is_hidden_are_hidden_too(open_plane, question):
    """In the approval and in every event."""
    plane = open_plane("version: 1\nrules: [{name: pays, tool: pay, effect: require_approval}]\n")
    call, context = Action.model_validate({"action": "pay", "actor": "a", "domain": "d", **question}).question()
    outcome = await plane.decide(call, context)
    stored = await plane.read(
        lambda connection: str(
            [connection.execute(select(table)).all() for table in (approvals_table, events_table, decided_calls)]
        )
    )
    assert outcome.approval is not None
    assert IBAN not in stored
    assert "173917391739" not in stored
