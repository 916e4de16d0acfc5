"""Patterns are matched as fnmatch does, however they are compared."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis.strategies import text

from litellm_bighub.policy.rule_pattern import ANY, ANYBODY, ActorPattern, AnyOf, Pattern

NAMES = text("ab*?[]!\n.", max_size=6)


@given(NAMES, NAMES)
@example("a*", "a")
@example("a**", "ab\n")
@example("*", "")
@example("", "")
@example("[a]*", "a")
@example("a*b", "a*b")
def test_a_pattern_fits_what_fnmatch_says(pattern, name):
    assert fnmatchcase(name, pattern) == bool(Pattern(pattern).matches(name))


def test_a_pattern_is_its_text():
    assert Pattern("*") == ANY
    assert hash(Pattern("*")) == hash(ANY)
    assert Pattern("a") != Pattern("b")
    assert Pattern("a") != "a"
    assert repr(Pattern("a*")) == "Pattern('a*')"


@pytest.mark.parametrize(
    ("pattern", "actor", "expected"),
    [
        pytest.param("*", "agent", True, id="anybody, a plain name"),
        pytest.param("*", "key:agent", True, id="anybody, a key"),
        pytest.param("agent", "agent", True, id="a plain name"),
        pytest.param("agent", "key:agent", False, id="a key that is called like an agent"),
        pytest.param("agent", "user:agent", False, id="a user that is called like an agent"),
        pytest.param("key:billing-*", "key:billing-eu", True, id="keys"),
        pytest.param("key:billing-*", "billing-eu", False, id="no plain name is a key"),
        pytest.param("user:u-*", "user:u-77", True, id="users"),
    ],
)
def test_which_actors_a_pattern_fits(pattern, actor, expected):
    assert bool(ActorPattern(pattern).matches(actor)) is expected


@pytest.mark.parametrize(
    ("pattern", "actor", "expected"),
    [
        pytest.param("billing-*", "key:billing-eu", True, id="but for the mark it fits"),
        pytest.param("*billing", "user:x-billing", True, id="it fits with the mark as well"),
        pytest.param("billing-*", "billing-eu", False, id="a plain name is fitted, not resembled"),
        pytest.param("billing-*", "key:support", False, id="another name"),
        pytest.param("key:billing-*", "user:billing-eu", False, id="a pattern with a mark is clear"),
        pytest.param("*", "key:billing-eu", False, id="everybody is clear"),
    ],
)
def test_which_marked_actors_a_pattern_resembles(pattern, actor, expected):
    assert bool(ActorPattern(pattern).resembles(actor)) is expected


def test_only_patterns_for_some_plain_names_are_unmarked():
    assert ActorPattern("agent").is_unmarked
    assert not ActorPattern("user:*").is_unmarked
    assert not ANYBODY.is_unmarked


def test_one_of_several_patterns_has_to_fit():
    pattern = AnyOf(["a", "b*"])
    assert [bool(pattern.matches(name)) for name in ("a", "bc", "c")] == [True, True, False]
    assert pattern == AnyOf(["a", "b*"]) != AnyOf(["a"])
