"""What a rule has and what a call brings, by what the call does not match."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.history import LABEL
from litellm_bighub.policy.authoring.rule_mismatch import readings, sides
from litellm_bighub.policy.evaluation import Explanation, explain
from litellm_bighub.policy.policy_text import PolicyText, build

CALL = ToolCall("c", "function", "pay", {"amount": 5, "to": "x"})
HISTORY = ";<verify;0;@m;0;^;0;"
CONTEXT = CallContext(
    "key:bot", "shop", team="sales", key="ab12", key_alias="bot", outputs=f"{LABEL}secret", history=HISTORY
)


def explained(rule, call=CALL):
    tools = {"read": {"output": ["secret", "untrusted"]}}
    text = PolicyText.model_validate({"version": 1, "tools": tools, "rules": [{"name": "r", **rule}]})
    return explain(build(text), call, CONTEXT, now=0)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"tool": "refund"}, ("refund", "pay")),
        ({"type": "shell"}, ("shell", "function")),
        ({"team": "finance"}, ("finance", "sales")),
        ({"key": "other"}, ("other", "bot or ab12")),
        ({"taint": "untrusted", "effect": "block"}, ("untrusted", "secret")),
        ({"after": {"tool": "lock", "same": {"to": "id"}}}, ("lock, id = this call's to", "calls of verify")),
        ({"not_after": "verify"}, ("not verify", "calls of verify")),
        ({"status": "paused"}, None),
        ({"when": "amount > `9`"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_both_sides_are_told_where_there_are_two(rule, expected):
    [seen] = explained(rule).considered
    assert sides(seen, CALL, CONTEXT) == expected


@pytest.mark.parametrize(
    ("when", "found"),
    [("amount > `9`", ("5",)), ("amount > to", ("5", "x")), ("amount == `5`", ())],
)
def test_a_condition_that_does_not_hold_is_told_with_its_values(when, found):
    explanation: Explanation = explained({"when": when})
    told = readings(explanation.considered[0], explanation, CALL, CONTEXT)
    assert len(told) == bool(found)
    assert all(value in told[0] for value in found)
