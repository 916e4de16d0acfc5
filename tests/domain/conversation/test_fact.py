"""Facts about calls hold no argument, are carried along in bounded number, and never say more than is known."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.conversation import fact
from litellm_bighub.domain.conversation.fact import FollowedCall, Span

VERIFY = FollowedCall(("verify_*",), ("customer.id", "region"))


def test_a_call_is_told_by_its_tool_and_by_what_its_arguments_digest_to():
    facts = fact.of_call("verify_identity", {"customer": {"id": "c-1"}, "region": 7}, [VERIFY, FollowedCall(("x",))])
    named = sorted(facts)
    assert named[0] == "verify_identity"
    assert named[1].startswith("verify_identity customer.id,region ")
    assert "c-1" not in named[1]
    assert fact.of_call("lookup", {"customer": {"id": "c-1"}}, [VERIFY]) == {"lookup"}
    assert fact.of_call("two words", {}, [VERIFY]) == {fact.ANY_TOOL}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (42, "42", True),
        (42, 42.0, True),
        (42.5, "42.5", True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ("42", "042", False),
        (["a"], ["b"], False),
        (True, "true", True),
    ],
)
def test_values_are_compared_as_they_are_written(one, other, same):
    values = [fact.value_at({"x": value}, "x") for value in (one, other)]
    assert (values[0] == values[1]) == same


@pytest.mark.parametrize("arguments", [{}, {"customer": {}}, {"customer": "c-1"}, {"customer": {"id": None}}])
def test_a_value_that_is_missing_may_be_any(arguments):
    value = fact.value_at(arguments, "customer.id")
    assert value is None
    assert fact.digest_of([value, "x"]) == fact.ANY_VALUE


def test_facts_are_a_text_and_nothing_else_is():
    facts = {"<verify": 2.0, "@m": 1.0}
    assert fact.from_text(fact.text_of(facts)) == fact.facts_of(fact.text_of(facts)) == facts
    assert fact.facts_of("") is fact.facts_of("[]") is None
    assert fact.from_text(fact.text_of({})) == {}
    for wrong in (
        "[]",
        "x",
        ";verify;1;",
        ";<verify;;",
        ";<verify;nan;",
        ";<verify;1",
        "<verify;1;",
        ";<verify;1;x",
        ";<verify;",
        ";;",
    ):
        with pytest.raises(ValueError, match=r"."):
            fact.from_text(wrong)


def test_a_released_call_whose_result_came_back_is_told_once():
    facts = {"<a": 2.0, ">a": 1.0, "<b": 1.0, ">b": 2.0, ">c": 1.0, "?<a": 1.0, "?>a": 1.0, "^<a": 2.0, "^>a": 2.0}
    facts |= {"<a id x": 1.0, ">a id x": 1.0, ">a id y": 1.0, "^": 0.0, "=x >a": 1.0}
    left = fact.from_text(fact.text_of(facts))
    assert facts.keys() - left.keys() == {">a", "?>a", "^>a", ">a id x"}
    assert left.items() <= facts.items()


def test_where_nobody_knows_a_history_new_facts_do_not_make_one():
    assert (
        fact.with_facts("", {"<a": 1.0})
        == fact.joined("", ";<a;1.0;")
        == fact.joined(";<a;1.0;", "")
        == fact.with_facts("x", {})
        == ""
    )
    assert fact.from_text(fact.with_facts(";<a;3.0;", {"<a": 1.0, ">b": 2.0})) == {"<a": 3.0, ">b": 2.0}
    assert fact.from_text(fact.joined(";<a;3.0;", ";<b;1.0;<a;1.0;")) == {"<a": 3.0, "<b": 1.0}


@pytest.mark.parametrize(
    ("text", "before", "is_there"), [(True, True, True), (True, False, True), (False, True, False)]
)
def test_that_all_calls_of_the_caller_are_there_is_so_of_the_later_history(text, before, is_there):
    later, earlier = ({"^": 0.0, "^<a": 1.0} if all_ else {"<a": 1.0} for all_ in (text, before))
    assert ("^" in fact.from_text(fact.joined(fact.text_of(later), fact.text_of(earlier)))) == is_there


def test_what_is_so_elsewhere_is_possible_here():
    own = fact.of_one_call("c", "d", "verify") + "verify"
    facts = {"<a": 1.0, "?>b": 2.0, "@m": 3.0, own: 4.0, "^<c": 5.0, "a tool": 6.0}
    assert fact.possible(facts) == {"?<a": 1.0, "?>b": 2.0}
    assert fact.of_caller(facts) == {"^": 0.0, "^<a": 1.0}
    assert fact.kept(facts) == {"<a": 1.0, "?>b": 2.0, "@m": 3.0}
    assert fact.of_calls(facts) == {own.removesuffix("verify"): [own]}
    assert [name for name in facts if fact.is_thread(name)] == ["@m"]
    assert not fact.is_fact("a tool")
    assert fact.unsure("verify") == {"?<verify", "?<verify *"}
    assert fact.unsure("<verify") == {"?<\t", "?<\t *"}


def test_a_conversation_goes_on_from_marks_and_times():
    facts = dict.fromkeys((fact.thread("m"), fact.thread("n", 1.5, 2.5), "<a", "@m/x/y", "@m/1"), 0.0)
    assert fact.spans(facts) == (Span("m"), Span("n", 1.5, 2.5))


def test_of_many_values_the_older_are_possible_and_single_calls_are_forgotten():
    assert fact.folded({"<verify id 1": 1.0}) == {"<verify id 1": 1.0}
    many = {f"<verify id {at:03}": float(at) for at in range(fact.MOST_VALUES + 2)}
    single = {f"={at:03} verify": float(at) for at in range(fact.MOST_VALUES + 2)}
    left = fact.folded({**many, **single, "<verify": 9.0, "<verify id *": 0.5, "fetch": 1.0})
    assert left["<verify id *"] == 1.0
    assert left["<verify"] == 9.0
    assert left["fetch"] == 1.0
    assert sum(name.startswith("<verify id 0") for name in left) == fact.MOST_VALUES
    assert sum(name.startswith("=") for name in left) == fact.MOST_VALUES
    assert "=000 verify" not in left
    assert "<verify id 000" not in left


@pytest.mark.parametrize(
    ("shown", "expected"),
    [({"pin": "1234"}, "1234"), ({"pin": "[redacted]"}, None), ({"pin": "[redacted:card]"}, None), ({}, None)],
    ids=["as it is", "redacted", "a card", "missing"],
)
def test_a_redacted_argument_may_be_any_unless_the_question_tells_what_it_is(shown, expected):
    """So nobody is verified by what another secret looks like."""
    assert fact.judged_digest(shown, ["pin"], ";") == fact.digest_of([expected])
    told = fact.of_judged({"pin": "1234"}, shown, [("pin",)])
    assert fact.judged_digest(shown, ["pin"], fact.text_of(told)) == fact.digest_of(["1234"])
    assert bool(told) == (expected is None)
    assert "1234" not in fact.text_of(told)


def test_what_a_question_without_arguments_tells_counts_before_its_other_fields():
    told = fact.text_of(fact.of_judged({}, None, [("target",)]))
    assert fact.judged_digest({"target": "x"}, ["target"], told) == fact.ANY_VALUE
    two = {**fact.of_judged({"a": 1}, None, [("a",)]), **fact.of_judged({"a": 2}, None, [("a",)])}
    assert fact.judged_digest({"a": 1}, ["a"], fact.text_of(two)) == fact.ANY_VALUE
    assert fact.possible(two) == fact.kept(two) == {}
    assert fact.of_caller(two) == {"^": 0.0}


def test_a_history_that_is_too_long_tells_less_and_never_something_else():
    values = {f">verify{tool} id {digest:024}": digest for tool in range(60) for digest in range(50)}
    short = fact.shortened(fact.text_of(values))
    assert len(short) <= fact.MOST_CHARACTERS < len(fact.text_of(values))
    assert fact.from_text(short)[">verify1 id *"] == 39.0
    assert fact.shortened(";<a;1.0;") == ";<a;1.0;"
    assert fact.shortened(fact.text_of({f">verify{tool}": 0.0 for tool in range(9_000)})) == ""
    assert fact.shortened("") == ""
