"""Rules of a caller's key and team in the control plane: asked, answered, recorded, replayed and told to people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused
from litellm_bighub.control_plane.decisions.policy_suggestion import Answers, suggest
from litellm_bighub.control_plane.decisions.replay import replay
from litellm_bighub.control_plane.store.tables import approvals, events
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.callers.caller_rules import written
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import build

POLICY = """\
version: 1
default: block
tools: {refund: {value: amount}}
rules:
  - {name: refunds, tool: refund, max_value: 1000, max_per_day: 5}
"""
ASKS = {
    "name": "large",
    "tool": "refund",
    "when": "amount > `100`",
    "effect": "require_approval",
    "approvers": "user:ann",
}
BLOCKS = {"name": "never", "tool": "refund", "when": "amount > `900`", "effect": "block"}
AGENT = CallContext(actor="key:bot", user="u-7", key="k" * 64)


def of(*rules, holder="key"):
    return replace(AGENT, caller_rules=written({holder: {"bighub": list(rules)}}))


def refund(amount):
    return ToolCall("c", "function", "refund", {"amount": amount}, value=amount)


async def verdict(plane, amount, context):
    return (await plane.decide(refund(amount), context)).judgement.verdict


async def approve(plane, outcome, **more):
    return await plane.resolve(Resolution(outcome.approval.id, "approve", by="ann", user="ann", **more))


async def test_an_approval_is_for_the_rules_under_which_it_was_asked(open_plane):
    plane = open_plane(POLICY)
    asked = await plane.decide(refund(500), of(ASKS))
    await approve(plane, asked)

    assert asked.approval.rule_id == "key/large"
    assert await verdict(plane, 500, of(ASKS, holder="team")) == "requires_approval"
    assert await verdict(plane, 500, of(ASKS, BLOCKS)) == "requires_approval"
    assert await verdict(plane, 500, of({**ASKS, "approvers": "user:eve"})) == "requires_approval"
    assert await verdict(plane, 500, of(ASKS)) == "allowed"
    assert await verdict(plane, 500, of(ASKS)) == "requires_approval"


async def test_an_edit_is_judged_by_the_rules_of_the_key_that_asked(open_plane):
    plane = open_plane(POLICY)
    asked = await plane.decide(refund(500), of(ASKS, BLOCKS))
    refused = await approve(plane, asked, edited={"amount": 901})
    taken = await approve(plane, asked, edited={"amount": 50})
    used = await plane.decide(refund(500), of(ASKS, BLOCKS))

    assert isinstance(refused, ResolutionRefused)
    assert "key/never" in refused.problem
    assert isinstance(taken, approvals.Approval)
    assert (used.judgement.verdict, used.edited) == ("allowed", {"amount": 50})


async def test_what_a_rule_of_a_key_asks_is_not_allowed_for_a_while(open_plane):
    plane = open_plane(POLICY)
    asked = await plane.decide(refund(500), of({**ASKS, "approvers": []}))
    refused = await approve(plane, asked, allow_minutes=10)

    assert isinstance(refused, ResolutionRefused)
    assert refused.code == "no_allowance"


async def test_limits_of_the_policy_count_beside_rules_of_the_key(open_plane):
    plane = open_plane(POLICY.replace("max_per_day: 5", "max_per_day: 1"))
    assert await verdict(plane, 50, of(ASKS)) == "allowed"
    assert await verdict(plane, 50, of(ASKS)) == "blocked"


async def test_a_replay_judges_by_the_rules_that_the_caller_had(open_plane):
    plane = open_plane(POLICY)
    for context in (of(ASKS), of(BLOCKS), AGENT):
        await plane.decide(refund(500), context)
    recorded = await plane.read(lambda connection: list(events.decisions(connection, since=0.0)))
    new = build(parse_policy("version: 1\ndefault: allow\nrules: []\n", "policy.yaml"))

    assert [one.after for one in replay(new, recorded)] == ["requires_approval", "allowed", "allowed"]
    assert [event["body"]["caller_rules"] for event in recorded] == [of(ASKS).caller_rules, of(BLOCKS).caller_rules, ""]


async def test_nothing_is_suggested_for_what_a_rule_of_a_key_asks(open_plane):
    plane = open_plane(POLICY)
    for _ in range(3):
        await approve(plane, await plane.decide(refund(500), of(ASKS)))
        await plane.decide(refund(500), of(ASKS))
    recorded = await plane.read(lambda connection: list(events.decisions(connection, since=0.0)))
    answers = Answers(frozenset(event["body"]["approval_id"] for event in recorded), frozenset())
    suggestion = suggest(POLICY, "policy.yaml", (), recorded, answers, least=1)

    assert suggestion.diff == ""
    assert suggestion.left_out == {"a rule of a key or team asks, which counts whatever the policy file allows": 1}


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
async def test_rules_that_cannot_be_read_block_with_a_reason(open_plane, mode):
    plane = open_plane(POLICY.replace("default", f"mode: {mode}\ndefault"))
    outcome = await plane.decide(refund(5), of({"name": "x", "effect": "allow"}))

    assert (outcome.judgement.verdict, outcome.judgement.blocked_by) == ("blocked", "caller_rules")
    assert outcome.enforced == (mode == "enforce")
    [event] = await plane.read(lambda connection: list(events.decisions(connection, since=0.0)))
    assert "key: bighub[0]: a rule of a key or team allows nothing" in event["body"]["reason"]
