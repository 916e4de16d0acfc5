"""The model is told once of a call that ran with a person's arguments, or with a note of theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.requests.approval_note import approval_note, noted
from litellm_bighub.wording import ENGLISH

CALL = DecidedCall("r", "c1", "function", "pay", "allowed", True, "ada", 1.0, arguments={"a": "ä"}, edited=True)


def test_the_note_names_tool_call_and_arguments():
    assert approval_note(CALL) == ENGLISH.edited.format(tool="pay", call_id="c1", arguments='{"a":"ä"}')


def test_the_note_tells_what_the_person_says():
    noted = replace(CALL, edited=False, told="once")
    assert approval_note(noted) == 'A person approved the tool call "pay". The person says: once'
    assert approval_note(replace(CALL, told="once")) == approval_note(CALL) + " The person says: once"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("done", "done\n\nNOTE", id="a text"),
        pytest.param("", "NOTE", id="an empty text"),
        pytest.param(None, "NOTE", id="nothing"),
        pytest.param([{"type": "image"}], [{"type": "image"}, {"type": "text", "text": "NOTE"}], id="parts"),
    ],
)
def test_a_note_stands_behind_the_content_once(content, expected):
    holder = {"role": "tool", "content": content}
    told = noted(holder, "NOTE")

    assert told == {"role": "tool", "content": expected}
    assert holder == {"role": "tool", "content": content}
    assert noted(told, "NOTE") is told
