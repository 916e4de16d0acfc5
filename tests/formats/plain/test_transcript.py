"""What stands beside a rewritten transcript says no more than the transcript."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload.slots import Found, rewrite
from litellm_bighub.formats.plain.transcript import add_subtitles, settle

SECRET = "4111 1111"
VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\ncall {}\n\n00:01.000 --> 00:02.000\n{} now\n"
SRT = "1\n00:00:00,000 --> 00:00:01,000\ncall {}\n\n2\n00:00:01,000 --> 00:00:02,000\n{} now\n"


def settled(**answer: Any) -> dict[str, Any]:
    settle(answer, Found())
    return answer


def segment(text: str) -> dict[str, Any]:
    return {"text": text, "tokens": [1, 2]}


def test_pieces_that_say_what_the_text_says_stay():
    answer = settled(text="Hello, you.", segments=[segment(" Hello,"), segment(" you.")], words=words("Hello you"))

    assert [each["text"] for each in answer["segments"]] == [" Hello,", " you."]
    assert [each["word"] for each in answer["words"]] == ["Hello", "you"]


def words(text: str) -> list[dict[str, Any]]:
    return [{"word": word, "start": 0.0} for word in text.split()]


@given(st.lists(st.text("abc 1", min_size=1), min_size=1))
def test_pieces_of_a_rewritten_text_are_left_out(pieces):
    told = "".join(pieces)
    answer = settled(text=f"{told} [hidden]", segments=[segment(each) for each in pieces], words=words(f"x {told}"))

    assert answer["segments"] == []
    assert answer["words"] == []


def test_the_numbers_of_tokens_are_left_out_with_it():
    (kept,) = settled(text="[hidden]", segments=[segment("[hidden]")])["segments"]

    assert kept["tokens"] == []


def test_an_answer_without_a_text_keeps_no_pieces():
    assert settled(segments=[{"text": "x"}], words="odd") == {"segments": [], "words": "odd"}


def masked(text: str) -> str:
    return text.replace(SECRET, "[hidden]")


def checked(text: str) -> str:
    answer = {"text": text}
    found = Found()
    add_subtitles(answer, found)
    (slot,) = found.slots
    rewrite([slot], [masked(slot.text)])
    answer["text"] = masked(text)
    settle(answer, found)
    return answer["text"]


@pytest.mark.parametrize("form", [VTT, SRT], ids=["vtt", "srt"])
def test_a_secret_in_one_subtitle_is_masked_there(form):
    assert checked(form.format(SECRET, "it")) == form.format("[hidden]", "it")


@pytest.mark.parametrize("form", [VTT, SRT], ids=["vtt", "srt"])
def test_a_secret_over_two_subtitles_fails_the_answer(form):
    with pytest.raises(PayloadError, match="more than one subtitle"):
        checked(form.format(*SECRET.split()))


@pytest.mark.parametrize("text", ["no subtitles", None])
def test_other_texts_are_shown_once(text):
    found = Found()
    add_subtitles({"text": text}, found)
    assert found.slots == []
