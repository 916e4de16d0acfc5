"""A rule says what it needs to be judged, which hours it knows and whose sums it adds to; numbers stay as written."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.history.earlier_call import EarlierCall
from litellm_bighub.policy.parts.command_pattern import CommandPattern
from litellm_bighub.policy.parts.part import WHOLE_CALL
from litellm_bighub.policy.parts.path_use import PathPattern, PathUse
from litellm_bighub.policy.parts.shell_command import Command, Word
from litellm_bighub.policy.rule import Hours, PatternIndex, Rule, exact


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0"),
        (5000, "5000"),
        (0.1, "0.1"),
        (1e14, "100000000000000"),
        (999999999999.999, "999999999999.999"),
        (1e-15, "0.000000000000001"),
        (1e15, None),
        (1e-16, None),
        (0.1 + 0.2, None),
        (float("inf"), None),
    ],
)
def test_a_number_is_what_was_written(number, expected):
    assert exact(float(number)) == (None if expected is None else Decimal(expected))


@given(st.integers(0, 10**15 - 1), st.integers(0, 15))
def test_every_number_of_15_digits_is_exact(digits, places):
    written = Decimal(digits).scaleb(-places)
    assert exact(float(written)) == written


@pytest.mark.parametrize(
    ("start", "end", "hour", "expected"),
    [
        pytest.param(8, 18, 8, True, id="the first hour"),
        pytest.param(8, 18, 17, True, id="the last hour"),
        pytest.param(8, 18, 18, False, id="the end is outside"),
        pytest.param(8, 18, 7, False, id="before"),
        pytest.param(22, 6, 23, True, id="over midnight, before it"),
        pytest.param(22, 6, 0, True, id="over midnight, after it"),
        pytest.param(22, 6, 6, False, id="over midnight, the end"),
        pytest.param(22, 6, 21, False, id="over midnight, outside"),
    ],
)
def test_hours_include_their_start_and_not_their_end(start, end, hour, expected):
    assert Hours(start, end).include(datetime(2026, 11, 21, hour, 59, tzinfo=timezone.utc)) is expected


@pytest.mark.parametrize("field", ["min_value", "max_value", "require_approval_above"])
def test_a_rule_with_a_bound_bounds_the_value(field):
    assert Rule("r", "r", **{field: 0.0}).bounds_value
    assert not Rule("r", "r").bounds_value


@pytest.mark.parametrize("field", ["max_per_day", "max_per_hour", "cooldown_seconds"])
def test_a_rule_with_a_limit_limits_use(field):
    assert Rule("r", "r", **{field: 0}).limits_use
    assert not Rule("r", "r").limits_use


@pytest.mark.parametrize(
    "fields",
    [
        {"effect": "block"},
        {"effect": "require_approval"},
        {"max_value": 1.0},
        {"max_per_day": 1},
        {"hours": Hours(8, 18)},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_rule_restrains_by_effect_bound_limit_or_hours(fields):
    assert Rule("r", "r", **fields).restrains
    assert not Rule("r", "r").restrains


def test_a_rule_without_patterns_is_for_every_part_but_those_that_only_restrict():
    plain = Rule(id="r", name="r")
    assert plain.fits(WHOLE_CALL)
    assert not plain.fits(PathUse("/x", "read", restricts_only=True))


def test_a_rule_with_patterns_is_for_parts_that_one_of_them_fits():
    rule = Rule(id="r", name="r", parts=(PathPattern("read", "/x"), PathPattern("write", "/y")))
    assert rule.fits(PathUse("/y", "write"))
    assert not rule.fits(PathUse("/y", "read"))
    assert not rule.fits(WHOLE_CALL)


def test_patterns_are_asked_only_about_parts_that_they_can_fit():
    names = ["ls *", "git status", "git log", "g* x", "a | b"]
    patterns = [CommandPattern.compile(text) for text in names]
    path = PathPattern("read", "/x")
    index = PatternIndex([*patterns, path])

    def asked(name, *, sure=True):
        return [getattr(one, "text", "") for one in index.of(Command((Word(name, sure),)))]

    assert asked("/bin/git") == ["git status", "git log", "g* x", "a | b", "/x"]
    assert asked("cat") == ["g* x", "a | b", "/x"]
    assert asked("x", sure=False) == [*names, "/x"]
    assert list(index.of(PathUse("/x", "read"))) == [*patterns[3:], path]
    assert list(PatternIndex(patterns[:1]).of(Command((Word("ls"),)))) == patterns[:1]


def test_a_rule_adds_to_its_own_sums_unless_it_names_another():
    assert (Rule("a", "r").totals_id, Rule("a", "r", totals_of="b").totals_id) == ("a", "b")


@pytest.mark.parametrize(
    ("history", "after", "not_after"),
    [(";", "no", "yes"), (";<a;1;", "yes", "no"), (";>a;1;", "no", "no"), ("", "maybe", "maybe")],
)
def test_a_rule_asks_for_earlier_calls(history, after, not_after):
    call, context = ToolCall("c", "function", "t"), CallContext(history=history)
    asking = Rule("r", "r", after=EarlierCall(("a",)))
    assert (asking.is_after(call, context, 1.0), asking.is_not_after(call, context, 1.0)) == (after, "yes")
    unless = Rule("r", "r", not_after=EarlierCall(("a",)))
    assert (unless.is_after(call, context, 1.0), unless.is_not_after(call, context, 1.0)) == ("yes", not_after)
    assert [rule.follows for rule in (asking, unless, Rule("r", "r"))] == [True, True, False]
