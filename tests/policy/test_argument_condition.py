"""A condition is true, false, or an error: it never passes a call for want of an answer."""

from __future__ import annotations

import pytest

from litellm_bighub.policy.argument_condition import Condition, Undecidable

ARGUMENTS = {"amount": 600, "currency": "EUR", "items": [1, 2, 3], "nested": {"ok": True}}


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
