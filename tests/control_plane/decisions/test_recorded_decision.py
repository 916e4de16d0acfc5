"""The record of a decision tells what was asked, what was said and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.decisions.embedded_decider import decision
from litellm_bighub.control_plane.decisions.recorded_decision import decision_hash, validation_hash
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events, metadata
from litellm_bighub.control_plane.store.tables.events import page
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Block
from litellm_bighub.policy.tool_table import ToolTable

POLICY = """\
version: 1
default: allow
tools: {refund: {value: amount, target: order}}
rules:
  - {name: refunds, tool: refund, effect: require_approval, max_value: 1000}
  - {name: mails, tool: mail, max_per_day: 1}
"""
AGENT = CallContext(
    actor="agent", domain="payments", user="u-77", team="t-1", key="k1", trace_id="tr", surface="proxy", model="m"
)


def refund(amount=700):
    return ToolCall("c1", "function", "refund", {"amount": amount, "password": "s3cret"}, value=amount, target="A-17")


async def told(plane, event_type=DECISION):
    return await plane.read(lambda connection: page(connection, events.c.type == event_type))


async def test_a_decision_is_recorded_with_call_caller_and_reason(open_plane, clock):
    plane = open_plane(POLICY)
    decided = await plane.decide(refund(), AGENT)

    [event] = await told(plane)
    columns = {name: event[name] for name in ("time", "subject", "actor", "domain", "tool", "verdict", "rule_id")}
    assert columns == {
        "time": clock.now,
        "subject": decided.decision_id,
        "actor": "agent",
        "domain": "payments",
        "tool": "refund",
        "verdict": "requires_approval",
        "rule_id": "refunds",
    }
    body = event["body"]
    assert (body["call_id"], body["type"], body["value"], body["target"]) == ("c1", "function", 700, "A-17")
    assert body["arguments"] == {"amount": 700, "password": "[redacted]"}
    assert body["arguments_digest"] == refund().digest
    assert (body["reason"], body["approval_id"]) == (decided.judgement.reason, decided.approval.id)
    who = ("user", "team", "key", "trace_id", "surface", "model")
    assert [body[name] for name in who] == ["u-77", "t-1", "k1", "tr", "proxy", "m"]
    assert body["latency_ms"] >= 0


@pytest.mark.parametrize(
    ("call", "verdict", "severity"),
    [
        pytest.param(ToolCall("c", "function", "other"), "allowed", "info", id="allowed"),
        pytest.param(refund(1001), "blocked", "warning", id="blocked"),
        pytest.param(refund(), "requires_approval", "info", id="a person is asked"),
    ],
)
async def test_a_block_is_a_warning(open_plane, call, verdict, severity):
    plane = open_plane(POLICY)
    await plane.decide(call, AGENT)

    [event] = await told(plane)
    assert (event["verdict"], event["severity"]) == (verdict, severity)


async def test_the_policys_version_is_recorded_before_its_first_decision(open_plane):
    plane = open_plane(POLICY)
    decided = await plane.decide(refund(), AGENT)

    [activated] = await told(plane, "policy.activated")
    [event] = await told(plane)
    assert activated["subject"] == decided.judgement.policy_version == event["body"]["policy_version"]
    assert activated["seq"] < event["seq"]


async def test_using_an_approval_up_is_recorded_with_the_decision(open_plane):
    plane = open_plane(POLICY)
    asked = await plane.decide(refund(), AGENT)
    await plane.resolve(Resolution(asked.approval.id, "approve", "ann"))
    used = await plane.decide(refund(), AGENT)

    assert (used.judgement.verdict, used.judgement.reason) == ("allowed", "approved by ann")
    [consumed] = await told(plane, "approval.consumed")
    assert (consumed["subject"], consumed["body"]) == (
        asked.approval.id,
        {"decision_id": used.decision_id, "edited": False},
    )


async def test_a_hash_proves_what_was_decided(open_plane):
    plane = open_plane(POLICY)
    decided = await plane.decide(refund(), AGENT)
    [event] = await told(plane)
    version = decided.judgement.policy_version

    proof = validation_hash(decided)
    assert proof == event["body"]["validation_hash"]
    assert proof == decision_hash(decided.decision_id, "requires_approval", version, decided.time)
    assert proof != decision_hash(decided.decision_id, "allowed", version, decided.time)


@pytest.mark.parametrize(
    ("seconds", "after", "change", "verdict"),
    [
        pytest.param(900, 899, {}, "blocked", id="it holds"),
        pytest.param(900, 900, {}, "requires_approval", id="until its time is over"),
        pytest.param(60, 61, {}, "requires_approval", id="as long as the policy says"),
        pytest.param(0, 0, {}, "requires_approval", id="or never"),
        pytest.param(900, 1, {"conversation": "conv_1"}, "blocked", id="the same conversation"),
        pytest.param(900, 1, {"conversation": "conv_2"}, "requires_approval", id="another conversation"),
        pytest.param(900, 1, {"conversation": ""}, "blocked", id="an unknown conversation"),
        pytest.param(900, 1, {"trace_id": "another", "response_id": "r"}, "blocked", id="another request"),
        pytest.param(900, 1, {"actor": "other"}, "requires_approval", id="another actor"),
        pytest.param(900, 1, {"key": "k2"}, "requires_approval", id="another key"),
    ],
)
async def test_a_denial_holds_for_the_same_call(open_plane, clock, seconds, after, change, verdict):
    plane = open_plane(POLICY + f"denial_holds_seconds: {seconds}\n")
    context = replace(AGENT, conversation="conv_1")
    asked = await plane.decide(refund(), context)
    await plane.resolve(Resolution(asked.approval.id, "deny", "ann", told="use a voucher"))
    clock.now += after

    again = await plane.decide(refund(), replace(context, **change))
    assert again.judgement.verdict == verdict
    assert (await plane.decide(refund(701), context)).judgement.verdict == "requires_approval"
    if verdict == "blocked":
        decided = decision(again)
        assert (again.judgement.blocked_by, again.judgement.reason) == ("denied", "denied by ann")
        assert isinstance(decided, Block)
        assert (decided.cause, decided.told) == ("denied", "use a voucher")
        [resolved] = await told(plane, "approval.resolved")
        assert resolved["body"]["told"] == "use a voucher"


async def test_an_approval_of_the_same_call_counts_more_than_a_denial(open_plane, clock):
    plane = open_plane(POLICY + "denial_holds_seconds: 60\n")
    first = await plane.decide(refund(), AGENT)
    await plane.resolve(Resolution(first.approval.id, "deny", "ann"))
    clock.now += 61
    second = await plane.decide(refund(), AGENT)
    await plane.resolve(Resolution(second.approval.id, "approve", "ann"))
    assert (await plane.decide(refund(), AGENT)).judgement.verdict == "allowed"


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        ({"iban": "DE02120300000000202051"}, "iban"),
        ({"to": {"card": {"number": "DE02120300000000202051"}}}, "to.card.number"),
        ({"name": "ann", "iban": "DE02120300000000202051"}, "join(' ', [name, iban])"),
    ],
)
@pytest.mark.parametrize("effect", ["require_approval", "allow", "block"])
async def test_what_redaction_hides_is_stored_nowhere(open_plane, arguments, target, effect):
    """Neither decision, approval nor event holds it, so no page, answer, webhook or export can show it."""
    rules = f"rules: [{{name: pay, tool: pay, effect: {effect}}}]"
    plane = open_plane(f"""version: 1\ntools: {{pay: {{target: "{target}"}}}}\n{rules}\n""")
    tools = ToolTable((await plane.snapshot()).policy.tools)
    call = tools.find("pay").measure(ToolCall("c", "function", "pay", arguments))
    assert "DE02" in call.target
    decided = await plane.decide(call, AGENT)
    if decided.approval is not None:
        assert decided.approval.target == "[redacted]"

    def everything(connection):
        return [str(row) for table in metadata.sorted_tables for row in connection.execute(table.select())]

    stored = await plane.read(everything)
    assert decided.decision_id in "".join(stored)
    assert [row for row in stored if "DE02" in row] == []
