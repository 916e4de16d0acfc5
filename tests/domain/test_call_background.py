"""A background is stored without secrets, and bounded."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.domain.call_background import (
    HEAD,
    TAIL,
    CallBackground,
    Utterance,
    as_text,
    cleaned,
    from_text,
)
from litellm_bighub.domain.redaction import Redactor

REDACT = Redactor().redact
SECRET = "sk-proj-" + "a1B2" * 10


def said(*texts, speaker="user", **more):
    return CallBackground(tuple(Utterance(speaker, text, **more) for text in texts))


@pytest.mark.parametrize("speaker", ["user", "model", "call", "result"])
@pytest.mark.parametrize(
    "text", ["use {}", '{{"note": "use {}"}}', '[1, "{}"]', '{{"half": "{}"', "x" * 9000 + " {} " + "y" * 9000]
)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(speaker, text):
    assert SECRET[:12] not in as_text(cleaned(said(text.format(SECRET), speaker=speaker), REDACT))


@pytest.mark.parametrize("speaker", ["call", "result"])
def test_what_a_key_tells_of_is_hidden_in_a_call_and_its_result_and_in_what_is_said_of_it(speaker):
    background = CallBackground((Utterance("user", "it is hunter22"), Utterance(speaker, '{"password": "hunter22"}')))
    assert "hunter22" not in as_text(cleaned(background, REDACT))


def test_what_is_hidden_in_the_call_is_hidden_here_and_short_words_are_not():
    clean = cleaned(said("send 700 to DE89370400440532013000 at 5"), REDACT, ["DE89370400440532013000", "5"])
    assert clean.said[0].text == "send 700 to [redacted] at 5"


def test_description_and_schema_are_clean_and_bounded():
    background = CallBackground((), f"Pays. {SECRET} " + "x" * 9000, {"properties": {"key": {"default": SECRET}}})
    clean = cleaned(background, REDACT)
    assert SECRET not in as_text(clean)
    assert len(clean.description) == 2000
    assert clean.schema == {"properties": {"key": {"default": "[redacted:openai_key]"}}} or clean.schema
    assert cleaned(CallBackground((), "", {"enum": ["x" * 30_000]}), REDACT).schema == {}
    assert cleaned(CallBackground((), "", {"enum": [float("nan")]}), REDACT).schema == {}


@given(st.text(alphabet=string.ascii_letters + " \n", max_size=60), st.integers(1, 400))
@settings(max_examples=50, deadline=None)
def test_a_long_text_keeps_its_beginning_and_its_end(word, times):
    text = word * times
    (clean,) = cleaned(said(text), REDACT).said
    if len(text) <= HEAD + TAIL:
        assert (clean.text, clean.end, clean.left_out) == (text, "", 0)
    else:
        assert (clean.text, clean.end) == (text[:HEAD], text[-TAIL:])
        assert len(clean.text) + len(clean.end) + clean.left_out == len(text)
    (again,) = cleaned(CallBackground((clean,)), REDACT).said
    assert again == clean


def test_a_text_that_redaction_makes_longer_is_cut_as_well():
    (clean,) = cleaned(
        said("a b " * 900), lambda arguments: {"text": arguments.get("text", "").replace("a", "abcd")}
    ).said
    assert (len(clean.text), len(clean.end), clean.left_out) == (HEAD, TAIL, 900 * 7 - HEAD - TAIL)


def test_what_a_key_hides_as_a_whole_does_not_fail():
    assert cleaned(said("hello"), lambda arguments: {}).said[0].text == "[redacted]"


SAID = st.builds(
    Utterance,
    st.sampled_from(["user", "model", "call", "result"]),
    st.text(),
    st.text(),
    st.text(),
    st.integers(0, 2**40),
    st.integers(0, 9),
)


@given(st.builds(CallBackground, st.lists(SAID, max_size=4).map(tuple), st.text(), st.just({"type": "object"})))
@settings(max_examples=50, deadline=None)
def test_it_comes_back_as_it_was_stored(background):
    assert from_text(as_text(background)) == background


def test_nothing_is_stored_of_nothing():
    assert as_text(CallBackground()) == ""
    assert from_text("") == CallBackground()
    assert not from_text("")
