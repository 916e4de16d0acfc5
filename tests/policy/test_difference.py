"""What two policies differ in, rule by rule."""

from __future__ import annotations

import pytest

from litellm_bighub.policy.difference import Difference, compare
from litellm_bighub.policy.policy_text import PolicyText

BEFORE = {"version": 1, "rules": [{"name": "a", "tool": "x"}, {"name": "b"}, {"name": "c"}]}


def differences(**changed) -> list[Difference]:
    return compare(PolicyText.model_validate(BEFORE), PolicyText.model_validate({**BEFORE, **changed}))


def test_the_same_policy_differs_in_nothing():
    assert differences() == []


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [("default", "block", "allow"), ("mode", "enforce", "shadow"), ("audit_keep_days", None, 9)],
)
def test_a_changed_key_of_the_file(field, before, after):
    assert differences(**{field: after}) == [Difference("changed", field, {field: (before, after)})]


def test_tools_are_compared():
    [found] = differences(tools={"refund": {"value": "amount"}})
    assert (found.kind, found.what) == ("changed", "tools")


def test_rules_are_added_and_removed():
    found = differences(rules=[{"name": "a", "tool": "x"}, {"name": "b"}, {"name": "d"}])
    assert found == [Difference("removed", "c", {}), Difference("added", "d", {})]


def test_a_changed_rule_names_its_fields():
    found = differences(rules=[{"name": "a", "tool": "y", "max_value": 5}, {"name": "b"}, {"name": "c"}])
    assert found == [Difference("changed", "a", {"tool": ("x", "y"), "max_value": (None, 5.0)})]


def test_the_order_of_rules_counts():
    found = differences(rules=[{"name": "b"}, {"name": "a", "tool": "x"}, {"name": "c"}])
    assert found == [Difference("moved", "b", {}), Difference("moved", "a", {})]
