"""A rule is told to be never reached only where that is sure: none of them ever decides on a call."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.authoring.rule_order import allowing_all, unreached
from litellm_bighub.policy.evaluation import PolicyJudgement, find
from litellm_bighub.policy.policy_text import PolicyText, build


def policy(*rules):
    named = [{"name": str(at), **rule} for at, rule in enumerate(rules)]
    return PolicyText.model_validate({"version": 1, "tools": {"Bash": {"command": "command"}}, "rules": named})


def shadows(*rules):
    return [(rule.name, before.name) for rule, before in unreached(policy(*rules))]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"tool": "x"}),
        ({"effect": "block"}, {"tool": "x"}),
        ({"tool": "a*"}, {"tool": "ab*"}),
        ({"tool": "a*"}, {"tool": "a?c"}),
        ({"tool": "a[bc]"}, {"tool": "ab"}),
        ({"tool": ["x", "y*"]}, {"tool": ["y1", "x"]}),
        ({"tool": "x", "max_value": 5, "allowed_hours_end": 9}, {"tool": "x", "effect": "block"}),
        ({"when": "a == `1`"}, {"when": "a == `1`", "tool": "x"}),
        ({"actor": "key:a"}, {"actor": "key:a", "user": "u"}),
        ({"command": ["rm *", "ls"], "effect": "block"}, {"command": "ls"}),
        ({"command": ["rm *", "ls"], "effect": "block"}, {"command": {"allow": ["ls"], "block": ["rm *"]}}),
        ({"read": "./a"}, {"read": "./a"}),
        ({"tool": "x"}, {"tool": "x", "priority": -1}),
    ],
)
def test_a_rule_behind_one_that_fits_all_that_it_fits_is_never_reached(first, second):
    assert shadows(first, second) == [("1", "0")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"tool": "x"}, {}),
        ({"tool": "ab*"}, {"tool": "a*"}),
        ({"tool": "*b"}, {"tool": "a*b"}),
        ({"tool": "[a]*"}, {"tool": "a*"}),
        ({"tool": "x"}, {"tool": ["x", "y"]}),
        ({"status": "paused"}, {}),
        ({}, {"status": "paused"}),
        ({"expires_at": "2030-01-01T00:00:00Z"}, {}),
        ({"when": "a == `1`"}, {}),
        ({"when": "a == `1`"}, {"when": "a == `2`"}),
        ({"user": "u"}, {}),
        ({"actor": "billing-*"}, {"actor": "billing-*", "effect": "block"}),
        ({}, {"command": {"block": ["rm *"]}}),
        ({"command": "ls"}, {}),
        ({"command": "ls"}, {"command": "ls", "effect": "block"}),
        ({"command": {"block": ["ls"]}}, {"command": "ls"}),
        ({"read": "./a"}, {"write": "./a"}),
        ({"after": "a"}, {"after": "a"}),
        ({"not_after": "a"}, {}),
    ],
)
def test_a_rule_that_a_call_may_reach_is_not_told(first, second):
    assert shadows(first, second) == []


def test_rules_are_looked_at_in_the_order_in_which_they_are_tried():
    assert shadows({"tool": "x"}, {"priority": 1}) == [("0", "1")]


GLOBS = st.sampled_from(["*", "a", "ab", "a*", "*b", "a?", "[ab]", "ab*"])
RULES = st.fixed_dictionaries(
    {"tool": st.one_of(GLOBS, st.lists(GLOBS, min_size=1, max_size=2)), "effect": st.sampled_from(["allow", "block"])},
    optional={
        "actor": st.sampled_from(["*", "x", "key:x", "key:*"]),
        "user": st.sampled_from(["*", "u"]),
        "when": st.sampled_from(["a == `1`", "a > `1`"]),
        "command": st.lists(st.sampled_from(["ls *", "rm *", "ls"]), min_size=1, max_size=2),
        "priority": st.sampled_from([0, 1]),
        "allowed_hours_end": st.just(9),
    },
)
CALLS = st.builds(
    lambda name, arguments: ToolCall("c", "function", name, arguments),
    st.sampled_from(["a", "b", "ab", "abb", "Bash", "xb"]),
    st.sampled_from([{"a": 1}, {"a": 2}, {"a": "x"}, {"command": "ls; rm x"}, {"command": "xargs rm $X"}]),
)
CONTEXTS = st.builds(CallContext, actor=st.sampled_from(["x", "key:x", "AI_AGENT"]), user=st.sampled_from(["", "u"]))


@given(st.lists(RULES, min_size=2, max_size=4), st.lists(st.tuples(CALLS, CONTEXTS), min_size=1, max_size=8))
def test_what_is_told_never_decides(rules, calls):
    text = policy(*rules)
    told = {rule.name for rule, _ in unreached(text)}
    built = build(text)
    for call, context in calls:
        found = find(built, call, context, 1.0)
        deciding = (found.rule,) if isinstance(found, PolicyJudgement) else found
        assert told.isdisjoint(rule.name for rule in deciding if rule is not None)


def test_a_rule_that_allows_every_call_before_others_is_told():
    text = policy({"tool": "x", "effect": "block"}, {"tool": ["y", "*"]}, {"tool": "z"}, {"command": {"block": ["rm"]}})
    assert [(rule.name, behind) for rule, behind in allowing_all(text)] == [("1", 2)]
    assert list(allowing_all(policy({"tool": "x"}, {}))) == []
    assert list(allowing_all(policy({"user": "u"}, {"effect": "block"}, {"tool": "x"}))) == []
