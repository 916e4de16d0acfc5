"""Rules of a caller's key and team hold, whoever decides and whatever becomes of the decider."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.deciders.caller_rules import held_to_rules
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Basis, Block, RequireApproval, verdict
from litellm_bighub.domain.digest import rules_digest
from litellm_bighub.errors import DecisionUnavailable
from litellm_bighub.policy.callers.caller_rules import written
from litellm_bighub.testing import ScriptedDecider
from tests.deciders.fakes import Kept

WIPE = ToolCall("c", "function", "wipe", {"id": "7"})
BLOCKS = {"name": "no wiping", "tool": "wipe", "effect": "block"}
ASKS = {"name": "wiping", "tool": "wipe", "effect": "require_approval"}
OTHER = {"name": "other", "tool": "other", "effect": "block"}
BROKEN = {"name": "x", "effect": "allow"}


def of(*rules):
    return CallContext(actor="bot", caller_rules=written({"key": {"bighub": list(rules)}}) if rules else "")


async def decided(answer, *rules, **options):
    sink = Kept()
    decisions = ToolDecisions(ScriptedDecider(otherwise=answer), sinks=[sink], **options)
    [decision] = await decisions.decide([WIPE], of(*rules))
    return decision, sink.events[-1]


@pytest.mark.parametrize("answer", [Allow("fine"), RequireApproval("who knows", "apr_1")], ids=["allows", "asks"])
@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (BLOCKS, "the rule blocks this call (key/no wiping)"),
        (ASKS, "the rule asks for a person (key/wiping); the decider cannot ask anybody for a rule of a key or team"),
        (
            BROKEN,
            "the rules of the key or team cannot be read: key: bighub[0]: a rule of a key or team allows nothing:",
        ),
    ],
    ids=["blocks", "asks", "unreadable"],
)
async def test_a_decider_that_knows_nothing_of_them_is_held_to_them(answer, rule, reason):
    decision, event = await decided(answer, rule)

    assert isinstance(decision, Block)
    assert decision.reason.startswith(reason)
    assert (event.verdict, event.reason) == ("blocked", decision.reason)
    assert event.caller_rules == decision.basis.caller_rules == rules_digest(of(rule).caller_rules)
    assert event.rule == ("" if rule is BROKEN else f"key/{rule['name']}")


@pytest.mark.parametrize("rules", [(), (OTHER,)])
@pytest.mark.parametrize("answer", [Allow("fine"), RequireApproval("who knows", "apr_1"), Block("no")])
async def test_what_they_say_nothing_of_stays_as_it_is(answer, rules):
    decision, event = await decided(answer, *rules)
    assert decision == answer
    assert event.caller_rules == rules_digest(of(*rules).caller_rules)


async def test_a_decider_that_judged_by_them_is_believed():
    """It can ask: a person has approved."""
    approved = Allow("approved by ann", basis=Basis(caller_rules=rules_digest(of(ASKS).caller_rules)))
    assert (await decided(approved, ASKS))[0] == approved
    assert isinstance((await decided(approved, ASKS, OTHER))[0], Block)  # those were others


async def test_they_hold_where_fail_mode_opens():
    decision, _ = await decided(DecisionUnavailable("down"), BLOCKS, fail_mode="open")
    assert isinstance(decision, Block)
    decision, event = await decided(DecisionUnavailable("down"), OTHER, fail_mode="open")
    assert isinstance(decision, Allow)
    assert event.degraded


async def test_parts_that_nobody_describes_fit():
    command = ToolCall("c", "function", "Bash", {"command": "ls"})
    rule = {"name": "no rm", "tool": "Bash", "command": ["rm *"], "effect": "block"}
    assert isinstance(held_to_rules(Allow(), command, of(rule), 0.0), Block)
    assert held_to_rules(Allow(), WIPE, of(rule), 0.0) == Allow()


@given(
    st.sampled_from([Allow("fine"), RequireApproval("ask", "apr_1"), Block("no")]),
    st.lists(st.sampled_from([BLOCKS, ASKS, OTHER, BROKEN]), max_size=3),
)
def test_no_rules_make_a_decision_milder(decision, rules):
    strictness = ["allowed", "requires_approval", "blocked"]
    held = held_to_rules(decision, WIPE, of(*rules), 0.0)
    assert strictness.index(verdict(held)) >= strictness.index(verdict(decision))
