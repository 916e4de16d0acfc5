"""Recorded decisions against another policy."""

from __future__ import annotations

from dataclasses import fields

import pytest

from litellm_bighub.control_plane.decisions.replay import replay, summary
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import RuleText, build


def recorded(seq: int = 1, *, verdict: str = "allowed", tool: str = "refund", approval_id: str = "", **body):
    return {
        "seq": seq,
        "time": 1_795_264_200.0 + seq,
        "subject": f"dec_{seq}",
        "actor": "agent",
        "domain": "payments",
        "tool": tool,
        "verdict": verdict,
        "rule_id": "old",
        "body": {
            "call_id": "c",
            "type": "function",
            "arguments": {},
            "value": None,
            "target": "",
            "approval_id": approval_id,
            **body,
        },
    }


def policy(*rules: str, tools: str = "{}"):
    lines = [f"version: 1\ntrusted_end_user: true\ntools: {tools}\nrules:", *(f"  - {rule}" for rule in rules)]
    return build(parse_policy("\n".join(lines) + ("" if rules else " []"), "policy.yaml"))


@pytest.mark.parametrize("name", sorted({each.name for each in fields(CallContext)} & RuleText.model_fields.keys()))
@pytest.mark.parametrize(("pattern", "after"), [("theirs", "allowed"), ("another", "blocked")])
async def test_rules_see_of_the_caller_what_they_saw_then(open_plane, name, pattern, after):
    """Each field that a rule can name, out of a real record."""
    plane = open_plane("version: 1\ndefault: allow\nrules: []\n")
    told = {each.name: "theirs" for each in fields(CallContext) if each.name != "caller_rules"}
    await plane.decide(ToolCall("c", "function", "refund"), CallContext(**told))
    new = policy(f"{{name: new, {name}: {pattern}}}")

    [one] = await plane.read(lambda connection: replay(new, events.decisions(connection, since=0.0)))
    assert one.after == after


def test_another_verdict_is_named_with_both_rules():
    [one] = replay(policy("{name: new, effect: require_approval}"), [recorded()])
    assert (one.before, one.before_rule, one.after, one.after_rule) == ("allowed", "old", "requires_approval", "new")
    assert one.differs


def test_without_a_rule_the_default_decides():
    [one] = replay(policy(), [recorded()])
    assert (one.after, one.after_rule) == ("blocked", "")


def test_an_approved_call_had_asked_for_a_person():
    [one] = replay(policy("{name: new, effect: require_approval}"), [recorded(approval_id="apr_1")])
    assert (one.before, one.after, one.differs) == ("requires_approval", "requires_approval", False)


def test_counters_begin_at_zero_and_count_in_order():
    replayed = replay(policy("{name: new, max_per_day: 2}"), [recorded(1), recorded(2), recorded(3)])
    assert [one.after for one in replayed] == ["allowed", "allowed", "blocked"]
    assert summary(replayed) == {"allowed -> allowed": 2, "allowed -> blocked": 1}


@pytest.mark.parametrize(("most", "expected"), [(500, "blocked"), (900, "allowed")])
def test_the_new_policy_says_where_the_value_stands(most, expected):
    bounded = policy(f"{{name: new, max_value: {most}}}", tools="{refund: {value: amount}}")
    assert replay(bounded, [recorded(arguments={"amount": 700})])[0].after == expected


@pytest.mark.parametrize(("kind", "expected"), [("shell", "blocked"), ("of_another_release", "allowed")])
def test_a_call_keeps_its_type_as_far_as_it_is_known(kind, expected):
    rules = policy("{name: no shell, type: shell, effect: block}", "{name: rest}")
    assert replay(rules, [recorded(type=kind)])[0].after == expected


def test_a_condition_that_cannot_be_decided_blocks():
    [one] = replay(policy("{name: new, when: 'amount > `1`'}"), [recorded(arguments={"amount": "[redacted]"})])
    assert (one.after, one.after_rule) == ("blocked", "new")
