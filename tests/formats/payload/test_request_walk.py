"""The walk over a request whose conversation is a list of messages."""

from __future__ import annotations

import pytest

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload.field_rules import FieldRule, Vocabulary
from litellm_bighub.formats.payload.request_walk import LoneField, LoneMessage, RequestWalk, in_scope, role_of
from litellm_bighub.formats.payload.slots import slot_of

UNKNOWN = {"type": FieldRule.OPAQUE}
WORDS = Vocabulary(types={"text": UNKNOWN}, untyped=UNKNOWN, unknown=UNKNOWN, text_fields=frozenset({"content"}))
REQUEST = {"model": FieldRule.OPAQUE, "tools": {"name": FieldRule.NAME}}


def texts_of(request, *, skip_roles=(), unsent=frozenset()):
    walk = RequestWalk(WORDS, REQUEST, lambda _: {"role": FieldRule.OPAQUE}, skip_roles)
    walk.request(request, None, unsent)
    return walk.finish().texts


def test_the_conversation_what_stands_beside_it_and_notes_are_found():
    request = {
        "model": "m",
        "messages": [{"role": "user", "content": "a"}],
        "hint": {"deep": ["b"]},
        "tools": [{"name": "f", "description": "c"}],
        "metadata": {"note": "d", "count": 1},
        "stream": True,
        "seed": 1,
        "stop": None,
    }
    assert texts_of(request) == ["b", "c", "a", "d", "deep\nf\nnote"]


def test_the_name_of_a_field_is_seen_where_no_api_would_call_one_so():
    assert texts_of({"bob@example.com": 1, "top_p": 1}) == ["bob@example.com"]


def test_messages_of_parts_and_of_nothing():
    parts = [{"type": "text", "text": "b"}]
    messages = [{"role": "user", "content": ""}, {"role": "user", "content": parts}, {"role": "user", "content": "c"}]
    assert texts_of({"messages": messages}) == ["b", "c", "text"]


def test_messages_in_a_tuple_can_be_rewritten():
    request = {"messages": ({"role": "user", "content": "a"},)}
    assert texts_of(request) == ["a"]
    assert isinstance(request["messages"], list)


def test_what_is_laid_over_a_request_is_one():
    assert texts_of({"extra_body": {"model": "m", "messages": [{"content": "a"}], "note": "b"}}) == ["b", "a"]


def test_what_no_provider_gets_is_left_alone():
    request = {"litellm_metadata": {"user": "a"}, "messages": [{"content": "b"}]}
    assert texts_of(request, unsent=frozenset({"litellm_metadata"})) == ["b"]


@pytest.mark.parametrize("choice", ["auto", "none", "required", "any"])
def test_a_choice_is_no_text(choice):
    assert texts_of({"tool_choice": choice, "function_call": choice}) == []


def test_a_choice_that_is_none_is_a_text():
    assert texts_of({"tool_choice": "mail bob"}) == ["mail bob"]


def test_a_class_is_the_callers_own():
    assert texts_of({"response_format": Vocabulary}) == []


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        ("a", ["a"]),
        (["a", {"deep": "b"}], ["a", "b", "deep"]),
        ({"note": {"deep": ["a"]}}, ["a", "note\ndeep"]),
        (None, []),
        (1, []),
        ({}, []),
    ],
)
def test_notes_may_be_of_any_shape(metadata, found):
    assert texts_of({"metadata": metadata}) == found


def test_in_the_proxy_the_callers_notes_stand_apart():
    metadata = {"user_api_key_hash": "h", "note": "a", "requester_metadata": {"note": "a", "count": 1}}
    assert texts_of({"metadata": metadata}) == ["a", "a", "note"]
    assert texts_of({"metadata": {"user_api_key_hash": "h", "note": "a"}}) == []


@pytest.mark.parametrize(
    ("messages", "place"), [("hi", "messages"), ([1], r"messages\[0\]"), ([{"content": "a"}, None], r"messages\[1\]")]
)
def test_a_conversation_that_is_none_is_refused(messages, place):
    with pytest.raises(PayloadError, match=place):
        texts_of({"messages": messages})


def test_roles_out_of_scope():
    request = {"messages": [{"role": "System", "content": "a"}, {"role": "user", "content": "b"}, {"content": "c"}]}
    assert texts_of(request, skip_roles=("system",)) == ["b", "c"]
    assert in_scope(request["messages"][0], ())
    assert role_of({"role": 1}) == ""


MESSAGE = {"role": "user", "content": "a"}


@pytest.mark.parametrize(
    ("request_", "is_alone"),
    [
        ({"messages": [MESSAGE]}, True),
        ({"messages": [MESSAGE], "model": "m", "seed": 1, "stream": True, "stop": "", "hidden": "x"}, True),
        ({"messages": [MESSAGE], "metadata": {"requester_metadata": {}, "note": "b"}}, True),
        ({"messages": [MESSAGE], "metadata": {"requester_metadata": {"note": "b"}}}, False),
        ({"messages": [MESSAGE], "metadata": {"note": "b"}}, False),
        ({"messages": [MESSAGE], "metadata": "b"}, False),
        ({"messages": [MESSAGE], "stop": "b"}, False),
        ({"messages": [MESSAGE, MESSAGE]}, False),
        ({"messages": (MESSAGE,)}, False),
        ({"messages": [{"role": "user", "content": ""}]}, False),
        ({"messages": [{"content": "a"}]}, False),
        ({"messages": [{**MESSAGE, "name": "b"}]}, False),
        ({}, False),
    ],
)
def test_a_text_that_is_alone(request_, is_alone):
    lone = LoneMessage(REQUEST).find(request_, unsent=frozenset({"hidden", "metadata"}))
    slot = None if lone is None else slot_of(*lone)
    assert (None if slot is None else (slot.text, slot.path)) == (("a", "messages[0].content") if is_alone else None)


@pytest.mark.parametrize(
    ("owner", "found"),
    [({"a": 1, "model": "m", "none": None}, 1), ({"a": 1, "new": "b"}, None), ({"model": "m"}, None), ("a", None)],
)
def test_a_field_that_is_alone(owner, found):
    assert LoneField("a", REQUEST, frozenset()).of(owner) == found


@pytest.mark.parametrize(
    ("messages", "is_said"),
    [([MESSAGE, MESSAGE], True), ([MESSAGE, {**MESSAGE, "tool_calls": []}], False), ([{"content": "a"}], False)],
)
def test_a_conversation_of_texts_alone_is_known(messages, is_said):
    walk = RequestWalk(WORDS, REQUEST, lambda _: {"role": FieldRule.OPAQUE})
    walk.request({"messages": messages}, None, frozenset())
    assert walk.finish().is_said is is_said


def test_beside_the_only_field_numbers_may_stand_and_no_texts():
    rules = {"id": FieldRule.OPAQUE, "usage": {"details": {}}}
    counted = {"tokens": 1, "details": {"cached": 2.5, "none": None}}
    assert LoneField("said", rules, frozenset({"text"})).of({"said": "a", "id": "x", "usage": counted}) == "a"
    for beside in (
        {"usage": {"note": "b"}},
        {"usage": {"details": {"note": "b"}}},
        {"id": {"note": "b"}},
        {"usage": [1]},
        {"usage": {"text": 1}},
    ):
        assert LoneField("said", rules, frozenset({"text"})).of({"said": "a", **beside}) is None


def test_a_message_that_says_nothing_has_no_text():
    walk = RequestWalk(WORDS, REQUEST, lambda _: {"role": FieldRule.OPAQUE})
    walk.message({"role": "user", "content": ""}, None)
    assert walk.finish().texts == []
