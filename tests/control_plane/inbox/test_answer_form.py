"""An answer is to the arguments that were shown, and no edit is dropped unnoticed."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.inbox.answer_form import FormRefused, read_form
from litellm_bighub.control_plane.inbox.cards import Typed, card
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.store.tables.approvals import Approval

ARGUMENTS = {"amount": 700, "note": "two\nlines"}
APPROVAL = Approval(
    "apr_1", "dec_1", "pending", "d", "v", "rule", "why", "actor", "domain", "refund", "function", "", 700.0, ARGUMENTS,
    {"surface": "/v1/responses"}, four_eyes=False, ttl=900, created_at=0.0, expires_at=900.0,
)  # fmt: skip

ANN = Person("p1", "ann", frozenset())


def form(**changed):
    """As a browser sends it, with changes."""
    shown = card(APPROVAL, {}, ANN, 0.0)
    fields = {field.key: field.text.replace("\n", "\r\n") for field in shown.fields}
    return {"shown": shown.shown, "arguments": shown.as_json.replace("\n", "\r\n"), **fields, **changed}


def changed(name, text):
    return form(**{name: text})


def test_an_untouched_form_is_an_answer_to_what_was_shown():
    assert read_form(form(), APPROVAL, edits=False) is None
    assert read_form(form(), APPROVAL, edits=True) == ARGUMENTS


@pytest.mark.parametrize(
    "fields",
    [changed("argument:0", "600"), form(arguments='{"amount": 600, "note": "two\\nlines"}')],
    ids=["fields", "json"],
)
def test_an_edit_counts_with_its_button_alone(fields):
    assert read_form(fields, APPROVAL, edits=True) == {**ARGUMENTS, "amount": 600}
    with pytest.raises(FormRefused, match="edit_unused"):
        read_form(fields, APPROVAL, edits=False)


@pytest.mark.parametrize(
    ("fields", "edits", "note"),
    [
        (changed("shown", "another"), False, "refused_changed"),
        (changed("argument:0", "six"), True, "unreadable"),
        (changed("argument:0", "six"), False, "edit_unused"),
        (form(arguments="{"), True, "unreadable"),
        (form(**{"argument:0": "1", "arguments": "{}"}), True, "edited_twice"),
        ({"arguments": ""}, True, "unreadable"),
        ({}, True, "unreadable"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(fields, edits, note):
    with pytest.raises(FormRefused, match=note):
        read_form(fields, APPROVAL, edits=edits)


def test_a_form_without_arguments_answers_what_is_there():
    assert read_form({}, APPROVAL, edits=False) is None


def test_a_card_holds_what_was_typed_in_it_and_in_no_other():
    typed = Typed("apr_1", "edit", {"argument:0": "six", "comment": "c"})
    assert (card(APPROVAL, {}, ANN, 0.0, typed).fields[0].text, card(APPROVAL, {}, ANN, 0.0, typed).typed.comment) == (
        "six",
        "c",
    )
    assert card(APPROVAL, {}, ANN, 0.0, Typed("apr_2", "edit", {"argument:0": "six"})).fields[0].text == "700"
