"""Marks tell things apart by their kind, their names and their caller."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.conversation.fact import FollowedCall, Span
from litellm_bighub.domain.conversation.history import (
    FreshHistory,
    as_returned,
    mark_of_caller,
    marks_of_calls,
    marks_of_place,
    marks_of_use,
    merged,
    own_marks,
    spans_of,
    told,
)

ANN = CallContext(actor="key:a", key="k1", user="ann")
CALLERS = [ANN, CallContext(key="k2", user="ann"), CallContext(key="k1", user="bob"), CallContext(actor="bot")]


def test_a_caller_is_a_key_and_a_user_whatever_they_are_called():
    assert mark_of_caller(CallContext(actor="user:ann", key="k1", user="ann", team="t")) == mark_of_caller(ANN)
    assert mark_of_caller(CallContext(actor="bot")) != mark_of_caller(CallContext(actor="another bot"))


@pytest.mark.parametrize("pair", list(combinations(CALLERS, 2)))
def test_the_same_ids_of_others_are_other_calls_and_the_same_place(pair):
    one, other = pair
    assert marks_of_calls(["c1"], one).isdisjoint(marks_of_calls(["c1"], other))
    assert own_marks("r", "c", one).isdisjoint(own_marks("r", "c", other))
    assert mark_of_caller(one) != mark_of_caller(other)
    assert len(marks_of_place("x", "x") | own_marks("x", "x", one) | marks_of_calls(["x"], one)) == 5


def test_what_has_no_id_has_no_mark():
    assert marks_of_place("", "") == own_marks("", "", ANN) == marks_of_calls([""], ANN) == set()
    assert len(marks_of_place("r", "")) == len(marks_of_place("", "c")) == 1


def test_the_last_time_counts():
    assert merged([{"a": 1.0, "b": 3.0}, {"a": 2.0, "b": 2.0}]) == {"a": 2.0, "b": 3.0}
    assert told(["b", "", "a", "b"]) == "a\nb"
    assert as_returned("a\nb", 4.0) == {"a": 4.0, "b": 4.0}
    assert as_returned("", 4.0) == {}


def test_a_call_counts_for_its_conversation_and_for_its_caller():
    followed = CallContext(key="k1", user="ann", history=";@m;1;<verify;1;")
    assert spans_of(followed) == (Span("m"),)
    assert marks_of_use(followed) == {"m", mark_of_caller(ANN)}
    assert spans_of(ANN) == spans_of(CallContext(history="no facts")) == ()


FOLLOWED = FreshHistory(60.0, (FollowedCall(("verify_*",), ("id",)),), of_caller=True, compared=(("customer",),))


@pytest.mark.parametrize("fresh", [FreshHistory(), FreshHistory(0, ()), FOLLOWED])
def test_how_conversations_are_followed_is_told_as_json(fresh):
    assert FreshHistory.from_dict(json.loads(json.dumps(fresh.as_dict()))) == fresh


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": "60"},
        {"calls": "all"},
        {"calls": ["verify"]},
        {"calls": [{"tools": "verify", "fields": []}]},
        {"calls": [{"tools": [1], "fields": []}]},
        {"compared": ["customer"]},
        {"of_caller": 1},
    ],
)
def test_what_is_told_otherwise_is_not_guessed(wrong):
    with pytest.raises(ValueError, match=r"this "):
        FreshHistory.from_dict({**json.loads(json.dumps(FOLLOWED.as_dict())), **wrong})
