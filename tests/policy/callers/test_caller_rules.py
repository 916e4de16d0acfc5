"""Rules of keys and teams: what is read out of metadata, and what makes them unreadable."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.digest import rules_digest
from litellm_bighub.policy.callers.caller_rules import (
    MOST_CHARACTERS,
    MOST_RULES,
    CallerRules,
    UnreadableRules,
    read_rules,
    written,
)

BLOCK = {"name": "no wiping", "tool": "wipe", "effect": "block"}


def of_key(rules):
    return written({"key": {"bighub": rules}})


def problem(rules):
    read = read_rules(of_key(rules))
    assert isinstance(read, UnreadableRules)
    return read.problem


@pytest.mark.parametrize("key", [{}, {"tags": ["x"], "guardrails": []}, None])
@pytest.mark.parametrize("team", [{}, None, {"logging": []}])
def test_metadata_without_rules_are_nothing(key, team):
    assert written({"key": key, "team": team}) == ""


def test_rules_of_key_and_team_are_told_apart():
    read = read_rules(written({"key": {"bighub": [BLOCK]}, "team": {"bighub": [BLOCK], "other": 1}}))

    assert isinstance(read, CallerRules)
    assert [(rule.id, rule.name, rule.holder) for rule in read.rules] == [
        ("key/no wiping", "key/no wiping", "key"),
        ("team/no wiping", "team/no wiping", "team"),
    ]
    assert read.texts["team/no wiping"].tools == ["wipe"]


def test_an_empty_list_holds_no_rule():
    assert read_rules(of_key([])) == CallerRules((), {}, has_parts=False)


@pytest.mark.parametrize(
    "rule",
    [
        BLOCK,
        {"name": "a", "effect": "require_approval", "approvers": ["group:finance"], "approval_ttl_seconds": 60},
        {"name": "a", "effect": "require_approval", "quorum": {"count": 2, "group": "finance"}},
        {"name": "a", "command": {"block": ["rm *"], "require_approval": ["git push *"]}},
        {"name": "a", "command": ["rm *"], "write": "/etc/**", "effect": "block"},
        {"name": "a", "effect": "block", "when": "amount > `5`", "taint": "untrusted", "user": ["u-*"], "team": "t"},
        {"name": "a", "effect": "require_approval", "max_value": 100, "allowed_hours_start": 8},
        {"name": "a", "effect": "block", "status": "paused", "expires_at": "2030-01-01T00:00:00Z", "tags": ["x"]},
    ],
)
def test_what_blocks_or_asks_is_read(rule):
    assert isinstance(read_rules(of_key([rule])), CallerRules)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param("no wiping", "key: bighub: Input should be a valid list", id="no list"),
        pytest.param(None, "key: bighub: Input should be a valid list", id="nothing"),
        pytest.param({"rules": [BLOCK]}, "key: bighub: Input should be a valid list", id="an object"),
        pytest.param([3], "key: bighub[0]: Input should be a valid dictionary", id="no rule"),
        pytest.param([BLOCK, {"effect": "block"}], "key: bighub[1].name: Field required", id="no name"),
        pytest.param([BLOCK, BLOCK], "key: bighub: two rules have the name `no wiping`", id="a name twice"),
        pytest.param([{**BLOCK, "tol": "x"}], "key: bighub[0].tol: Extra inputs are not permitted", id="unknown field"),
        pytest.param(
            [{**BLOCK, "when": "amount >"}], "key: bighub[0].when: not a JMESPath expression", id="a condition"
        ),
        pytest.param(
            [{"name": "a", "tool": "wipe", "effect": "allow"}],
            "key: bighub[0]: a rule of a key or team allows nothing",
            id="allows",
        ),
        pytest.param(
            [{"name": "a", "tool": "wipe"}], "key: bighub[0]: a rule of a key or team allows nothing", id="no effect"
        ),
        pytest.param(
            [{"name": "a", "command": {"block": ["rm *"], "allow": ["ls"]}}],
            "key: bighub[0]: a rule of a key or team allows nothing",
            id="allows a command",
        ),
        pytest.param([BLOCK] * (MOST_RULES + 1), "key: bighub: List should have at most 100 items", id="too many"),
    ],
)
def test_anything_else_cannot_be_read_and_says_where(rules, expected):
    assert problem(rules).startswith(expected)


ASK = {"name": "a", "effect": "require_approval"}


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        *(
            (name, 1, "nothing counts for a rule of a key or team")
            for name in ("max_per_day", "max_per_hour", "max_per_conversation", "cooldown_seconds")
        ),
        *(
            (f"max_total_per_{period}", 1.0, "nothing counts for a rule of a key or team")
            for period in ("hour", "day", "week", "month")
        ),
        ("after", {"tool": "verify"}, "which earlier calls are followed is said in the policy file alone"),
        ("not_after", {"tool": "verify"}, "which earlier calls are followed is said in the policy file alone"),
        ("require_approval_above", 5, "a rule of a key or team asks about every value or none; say `when`"),
        ("priority", 5, "all rules of a key or team count"),
        ("examples", {"require_approval": ["ls"]}, "they stand in the policy file alone"),
    ],
)
def test_what_only_the_policy_file_can_keep_is_refused_by_name(field, value, why):
    assert problem([{**ASK, field: value}]).startswith(f"key: bighub[0]: `{field}` is not possible here: {why}")


@pytest.mark.parametrize("strange", [{1, 2}, float("nan"), object()])
def test_what_is_no_json_cannot_be_read(strange):
    assert problem([{**BLOCK, "metadata": {"x": strange}}]) == "they are no JSON"


def test_nested_too_deeply_cannot_be_read():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert problem(deep) == "they are no JSON"


def test_more_than_can_be_stored_with_each_decision_cannot_be_read():
    assert problem([{**BLOCK, "description": "x" * MOST_CHARACTERS}]) == "they have more than 20000 characters"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "they are no JSON"),
        ("[" * 100_000, "they are no JSON"),
        ("[]", "they are of neither key nor team"),
        ('{"user":[]}', "they are of neither key nor team"),
    ],
)
def test_a_text_that_no_gateway_wrote_cannot_be_read(text, expected):
    assert read_rules(text) == UnreadableRules(expected)


def test_deep_nesting_in_a_rule_cannot_be_read():
    nested = "[" * 900 + "]" * 900
    text = f'{{"key":[{{"name":"a","effect":"block","metadata":{{"x":{nested}}}}}]}}'
    assert isinstance(read_rules(text), CallerRules | UnreadableRules)


def test_a_list_is_read_once():
    text = of_key([BLOCK])
    assert read_rules(text) is read_rules(text)


def test_other_rules_have_another_digest():
    texts = ["", of_key([BLOCK]), written({"team": {"bighub": [BLOCK]}}), of_key([{**BLOCK, "tool": "x"}])]
    assert len({rules_digest(text) for text in texts}) == len(texts)
    assert rules_digest("") == ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_metadata_is_read_as_something_that_allows(held):
    """Whatever stands there: it is unreadable, or each rule blocks or asks."""
    read = read_rules(of_key(held))
    assert isinstance(read, UnreadableRules) or all(rule.effect != "allow" for rule in read.rules)
    assert json.loads(of_key(held)).keys() <= {"key", "problem"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, set()),
        ({"command": {"block": ["rm *"]}}, {"command"}),
        ({"command": ["rm *"], "write": "/etc/**", "effect": "block", "url": None}, {"command", "write"}),
    ],
)
def test_a_rule_names_its_fields_of_patterns(fields, expected):
    read = read_rules(of_key([{"name": "a", **({"effect": "block"} if not fields else {}), **fields}]))
    assert isinstance(read, CallerRules)
    assert read.texts["key/a"].part_fields == expected
