"""A whole call: headline, currency, arguments."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from litellm_bighub.control_plane.inbox.views.call_view import call_view
from litellm_bighub.control_plane.inbox.views.text_block import TextBlock
from tests.control_plane.inbox.views import ARGUMENTS, UNSEEN, text_of


def names(view):
    return ["".join(run.text for run in field.name) for field in view.arguments]


def test_the_operators_sentence_and_the_currency_come_first():
    view = call_view({"amount": 5, "currency": "EUR"}, show="Refund {amount} {currency}")
    assert [run.text for run in view.headline] == ["Refund 5 EUR"]
    assert [run.text for run in view.currency] == ["EUR"]


def test_without_them_there_are_none():
    view = call_view({"currency": "a long text that is none"})
    assert (view.headline, view.currency) == ((), ())


def test_the_currency_that_the_policy_reads_comes_before_others():
    view = call_view({"currency": "EUR", "money": {"unit": "USD"}}, currency="USD")
    assert [run.text for run in view.currency] == ["USD"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"a": "x\u200by"},
        {"x\u200b": 1},
        {"a": {"b": ["x\u200by"]}},
        {"a": [{"b": "x\u200b"}, {"b": "y"}]},
        {"html": "<p>x\u200b</p>"},
        {"a": "\n".join(["line"] * 100 + ["\u200b"])},
    ],
    ids=["text", "name", "tree", "table", "html", "folded"],
)
def test_what_deceives_is_told_in_words_wherever_it_stands(arguments):
    assert call_view(arguments).deceits == ("characters that cannot be seen",)


def test_many_ways_to_deceive_are_counted():
    odd = "a\u0430 a\u0435 a\u043e a\u0440 a\u0441 a\u0443 a\u0445 a\u0456"
    assert call_view({"a": odd}).deceits[-1] == "and 2 more"
    assert call_view({"a": "plain"}).deceits == ()


def test_a_mails_headers_come_before_its_text():
    assert names(call_view({"body": "x", "subject": "s", "to": "a"})) == ["to", "subject", "body"]


@pytest.mark.parametrize(
    ("arguments", "shell"),
    [
        ({"command": ["bash", "-lc", "rm -r x && ls"]}, None),
        ({"command": ["rm", "-r", "x y"]}, None),
        ({"action": {"command": ["/bin/sh", "-c", "rm -r x"]}}, None),
        ({"line": "rm -r x"}, "rm -r x"),
        ({"do": {"line": "rm -r x"}}, "rm -r x"),
        ({"words": ["rm", "-r", "x"]}, ["rm", "-r", "x"]),
    ],
)
def test_what_is_a_command_is_read_as_one(arguments, shell):
    block = call_view(arguments, shell=shell).arguments[0].block
    if not isinstance(block, TextBlock):
        block = block.fields[0].block
    assert block.language == "shell"
    assert block.notes[0].startswith("destroys: rm -r x")


def test_words_that_are_no_texts_stay_a_list():
    assert call_view({"command": ["rm", 1]}).arguments[0].block.kind == "tree"


@settings(max_examples=30)
@given(ARGUMENTS)
def test_every_argument_is_there_and_nothing_unseen(arguments):
    view = call_view(arguments, show="{a}", longest=50)
    assert len(view.arguments) == len(arguments)
    shown = "".join(run.text for field in view.arguments for run in field.name)
    assert not UNSEEN & set(shown + "".join(text_of(field.block) for field in view.arguments))
