"""A condition is true, false, or an error: it never passes a call for want of an answer."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.call import CallContext
from litellm_bighub.policy.argument_condition import (
    CALLER_NAMES,
    Condition,
    Undecidable,
    compile_expression,
    refuse_slips,
)

ARGUMENTS = {"amount": 600, "currency": "EUR", "items": [1, 2, 3], "nested": {"ok": True}, "line": "EUR\n"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount > `500`", True),
        ("amount <= `500`", False),
        ("currency == 'EUR'", True),
        ("currency != 'EUR'", False),
        ("missing == null", True),
        ("nested.ok", True),
        ("length(items[0:2]) == `2`", True),
        ("contains(items, `2`) && amount > `1`", True),
        ("any(items, &@ > `2`)", True),
        ("any(items, &@ > `3`)", False),
        ("all(items, &@ > `0`)", True),
        ("all(items, &@ > `1`)", False),
        ("any(`[]`, &@)", False),
        ("all(`[]`, &@)", True),
        ("any(items, &all(`[1]`, &@ == `1`))", True),
        ("matches(currency, 'U')", True),
        ("matches(currency, '^U')", False),
        ("matches(currency, '^E[A-Z]+$')", True),
        ("matches(line, '^EUR$')", False),
    ],
)
def test_a_condition_is_true_or_false(text, expected):
    assert Condition.compile(text).holds(ARGUMENTS) is expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("currency > `500`", "TypeError", id="a text in an ordering"),
        pytest.param("missing > `500`", "no number", id="nothing in an ordering"),
        pytest.param("missing", "null", id="no answer"),
        pytest.param("amount", "int", id="a number"),
        pytest.param("length(amount) > `1`", "fails", id="a function of something else"),
        pytest.param("any(items, &@)", "int, not true or false", id="an element without an answer"),
        pytest.param("any(`[true, null]`, &@)", "null", id="an element without an answer behind one that is true"),
        pytest.param("all(`[false, null]`, &@)", "null", id="an element without an answer behind one that is false"),
        pytest.param("any(missing, &@)", "fails", id="no list"),
        pytest.param("all(currency, &@)", "fails", id="a text in place of a list"),
        pytest.param("any(items, &@ > 'a')", "TypeError", id="an ordering inside of any"),
        pytest.param("matches(amount, '6')", "fails", id="a number that is to match"),
        pytest.param("matches(missing, '')", "fails", id="nothing that is to match"),
        pytest.param("items[?@ > 'a'] == `[]`", "TypeError", id="an ordering inside of a filter"),
    ],
)
def test_without_a_clear_answer_it_is_undecidable(text, says):
    with pytest.raises(Undecidable, match=says) as caught:
        Condition.compile(text).holds(ARGUMENTS)
    assert "EUR" not in str(caught.value)
    assert "600" not in str(caught.value)


@pytest.mark.parametrize("text", ["amount >", "", "nofunc(amount)", "items[?nofunc(@)]"])
def test_what_is_no_expression_is_refused_at_once(text):
    with pytest.raises(ValueError, match="not a JMESPath expression"):
        Condition.compile(text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("amount > `500`", ["amount > 500: 600 > 500 is true"]),
        ("amount > '500'", ['amount > "500": 600 > "500" has no answer']),
        (
            "!(nested.ok) || currency == EUR && contains(currency, 'x')",
            [
                "nested.ok is true",
                'currency == EUR: "EUR" == null is false',
                'contains(currency, "x"): contains("EUR", "x") is false',
            ],
        ),
        ("items[0] == `2`", ["… == 2: 1 == 2 is false"]),
        ("length(sort_by(items, &@)) >= `1`", ["length(sort_by(items, …)) >= 1: 3 >= 1 is true"]),
        ("sort_by(items, &@) == `1`", ["sort_by(items, …) == 1: [1, 2, 3] == 1 is false"]),
        ("max_by(items, &@)", ["max_by(items, …): max_by([1, 2, 3], ?) has no answer"]),
        ("join('', `[\"" + "x" * 99 + "\"]`) == 'y'", None),
    ],
)
def test_it_is_read_with_the_values_on_both_sides(text, lines):
    readings = Condition.compile(text).readings(ARGUMENTS)
    if lines is None:
        assert f'"{"x" * 79}… == "y" is false' in readings[0]
    else:
        assert list(readings) == lines


def test_a_condition_is_its_text():
    assert Condition.compile("a == `1`") == Condition.compile("a == `1`")
    assert Condition.compile("a == `1`") != Condition.compile("a == `2`")


def test_half_of_a_surrogate_pair_matches_no_pattern_and_has_no_answer():
    with pytest.raises(Undecidable, match="Unicode"):
        Condition.compile("matches(text, '.')").holds({"text": "\ud800"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("amount > 100", 'token "100" (NUMBER); write `` `100` `` for the number 100'),
        ("-5 < amount", "write `` `-5` ``"),
        ("amount = `1`", "write == for ="),
        ("a and b", "write && for and"),
        ("a or b", "write || for or"),
        ("starts_with(path, /etc)", "single quotes"),
        ("contain(a, 'b')", "did you mean contains?"),
        ("matches(a, b)", "the pattern of matches(text, pattern) is a text in single quotes"),
        ("matches(a, `1`)", "is a text in single quotes"),
        ("any(items, &matches(@, '('))", "no pattern of RE2"),
    ],
)
def test_the_error_says_how_to_write_it(text, says):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        Condition.compile(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('currency == "EUR"', """`"EUR"` is the field EUR; write 'EUR' for a text, or EUR for the field"""),
        ('contains(command, "rm")', """write 'rm' for a text"""),
        ('nested."ok"', "or ok for the field"),
        ("nested.ok == true", "write `` `true` ``"),
    ],
)
def test_names_that_are_meant_as_values_are_refused_where_rules_are_written(text, says):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        refuse_slips(text)
    assert says in str(caught.value)
    assert Condition.compile(text).text == text


@pytest.mark.parametrize(
    "text",
    ["\"my-field\" == 'x'", '"true" == `1`', '{"a": b} == `{}`', "a == `true`", "a == 'true'", "missing == null"],
)
def test_names_that_need_their_quotes_are_taken(text):
    refuse_slips(text)


def test_functions_of_conditions_are_for_conditions_alone():
    compile_expression("to[].address")
    with pytest.raises(ValueError, match="no function any"):
        compile_expression("any(to, &@)")


CALLER = CallContext(**{name: f"the {name}" for name in CALLER_NAMES})
POSING = {"caller": {"team": "admin"}, "team": "admin", "caller('team')": "admin", "name": "team"}


@pytest.mark.parametrize("name", CALLER_NAMES)
def test_a_condition_may_ask_for_the_caller(name):
    condition = Condition.compile(f"amount > `1` && caller('{name}') == 'the {name}'")
    assert condition.caller_names == {name}
    assert condition.holds(ARGUMENTS, CALLER)
    assert not condition.holds(ARGUMENTS)
    assert condition.readings(ARGUMENTS, CALLER)[1].endswith(f'"the {name}" == "the {name}" is true')


def test_no_argument_poses_as_the_caller():
    assert not Condition.compile("caller('team') == 'admin'").holds(POSING, CallContext(team="other"))
    assert not Condition.compile("items[?caller('team') == 'admin'] != `[]`").holds(
        {"items": [POSING]}, CallContext(team="other")
    )
    assert Condition.compile("any(items, &caller('team') == 'b')").holds({"items": [POSING]}, CallContext(team="b"))
    assert Condition.compile("caller.team == 'admin' && items[0:1] == `[1]`").caller_names == frozenset()


@pytest.mark.parametrize("text", ["caller(name)", "caller('age')", "caller()", "caller('team', 'user')", "caller(`1`)"])
def test_a_caller_is_asked_for_by_a_name_that_stands_there(text):
    with pytest.raises(ValueError, match="caller takes one of 'actor', 'domain'"):
        Condition.compile(text)
