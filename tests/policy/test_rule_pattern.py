"""Patterns are matched as fnmatch does, however they are compared."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import example, given
from hypothesis.strategies import text

from litellm_bighub.policy.rule_pattern import ANY, Pattern

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
