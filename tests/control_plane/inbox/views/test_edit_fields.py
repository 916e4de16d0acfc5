"""Editing in the shape of each value: what is not touched stays, to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from litellm_bighub.control_plane.inbox.views.edit_fields import edit_fields, edited_arguments
from litellm_bighub.domain.arguments import UnreadableArguments
from tests.control_plane.inbox.views import ARGUMENTS, UNSEEN

SHOWN = {"amount": 700, "note": "two\nlines", "fast": True, "tags": ["a"], "odd": "a\u202eb", "none": None}


def form(arguments):
    """As a browser sends it."""
    return {field.key: field.text.replace("\n", "\r\n") for field in edit_fields(arguments)}


def test_each_value_has_a_field_of_its_shape():
    assert [field.kind for field in edit_fields(SHOWN)] == ["number", "text", "flag", "json", "json", "json"]


@settings(max_examples=30)
@given(ARGUMENTS)
def test_an_untouched_form_changes_nothing(arguments):
    sent = {key: text.encode("utf-8", "replace").decode() for key, text in form(arguments).items()}
    edited = edited_arguments(sent, arguments)
    assert edited == arguments
    assert all(type(edited[name]) is type(value) for name, value in arguments.items())
    assert not UNSEEN & set("".join(sent.values()).replace("\r\n", "\n"))


@pytest.mark.parametrize(
    ("at", "text", "expected"),
    [
        (0, "600", 600),
        (0, " 6.5e1 ", 65.0),
        (1, "other\r\nlines", "other\nlines"),
        (2, "false", False),
        (3, '["a", "b"]', ["a", "b"]),
        (4, '"plain"', "plain"),
        (5, "1", 1),
    ],
)
def test_a_field_is_changed(at, text, expected):
    name = list(SHOWN)[at]
    assert edited_arguments({**form(SHOWN), f"argument:{at}": text}, SHOWN) == {**SHOWN, name: expected}


@pytest.mark.parametrize(
    ("at", "text"), [(0, "six"), (0, ""), (0, "0x10"), (0, "NaN"), (2, "yes"), (3, "["), (3, '1, "amount": 2'), (3, "")]
)
def test_what_is_no_such_value_is_refused(at, text):
    with pytest.raises(UnreadableArguments):
        edited_arguments({f"argument:{at}": text}, SHOWN)


def test_what_was_typed_stays():
    fields = edit_fields(SHOWN, {"argument:0": "six"})
    assert (fields[0].text, fields[1].text) == ("six", "two\nlines")


@pytest.mark.parametrize(
    ("schema", "choices"),
    [
        ({"properties": {"currency": {"enum": ["USD", "EUR"]}}}, ("EUR", "USD")),
        ({"properties": {"currency": {"enum": ["USD"]}}}, ("EUR", "USD")),
        ({"properties": {"currency": {"enum": ["USD", 5]}}}, ()),
        ({"properties": {"currency": {"enum": ["US\u200bD"]}}}, ()),
        ({"properties": {"currency": {"enum": []}}}, ()),
        ({"properties": {"currency": "text"}}, ()),
        ({"properties": ["currency"]}, ()),
        ({"properties": {"amount": {"enum": ["5"]}}}, ()),
        (None, ()),
    ],
)
def test_a_text_is_chosen_where_the_request_lists_what_the_tool_takes(schema, choices):
    amount, currency = edit_fields({"amount": 5, "currency": "EUR"}, schema=schema)
    assert (amount.choices, currency.choices) == ((), choices)
