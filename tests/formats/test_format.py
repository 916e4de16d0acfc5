"""A record says of itself what it is, and needs to say only what is special about it."""

from __future__ import annotations

from litellm_bighub.formats.registry import FORMATS
from litellm_bighub.formats.requests.turns import Turns
from tests.formats.toy.format import TOY


def test_a_record_shows_its_name():
    assert repr(FORMATS[0]) == f"<Format {FORMATS[0].name}>"


def test_unless_it_says_otherwise_callers_read_answers_themselves():
    assert TOY.wants_refusals({"text": {"format": {"type": "json_schema"}}}) is False


def test_unless_it_says_otherwise_no_answers_are_known_again_in_a_replay():
    assert TOY.turns({"messages": []}) == Turns()
