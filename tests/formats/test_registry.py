"""A format is found by its name, by LiteLLM's name of a request, and by the shape of an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_bighub.formats.registry import (
    DEFAULT,
    FORMATS,
    PLAIN_FORMATS,
    format_named,
    format_of_answer,
    format_of_call,
    format_of_texts,
    plain_format_of,
    texts_of,
)

RESPONSE = {"object": "response", "output": []}
COMPLETION = {"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "hi"}}]}
MESSAGE = {"type": "message", "role": "assistant", "content": []}


@pytest.mark.parametrize("known", FORMATS, ids=repr)
def test_a_format_is_found_by_its_name_and_calls(known):
    assert format_named(known.name) is known
    assert {format_of_call(call_type) for call_type in known.call_types} == {known}


def test_what_is_unknown_is_no_format():
    with pytest.raises(LookupError, match="there is no format soap"):
        format_named("soap")
    assert format_of_call("image_generation") is None


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        pytest.param(RESPONSE, "responses", id="response"),
        pytest.param(COMPLETION, "chat", id="completion"),
        pytest.param(MESSAGE, "messages", id="message"),
        pytest.param([COMPLETION, COMPLETION], "chat", id="a batch"),
        pytest.param([None, COMPLETION], "chat", id="a batch with a hole"),
        pytest.param([], None, id="an empty batch"),
        pytest.param({"data": []}, None, id="something else"),
        pytest.param("text", None, id="a text"),
    ],
)
def test_an_answer_is_recognised_by_its_shape(answer, name):
    found = format_of_answer(answer)

    assert found is (None if name is None else next(known for known in FORMATS if known.name.startswith(name)))


def test_the_default_is_one_of_them():
    assert DEFAULT in FORMATS


@pytest.mark.parametrize("known", FORMATS, ids=repr)
def test_a_formats_texts_are_found_if_it_has_any(known):
    with pytest.raises(LookupError, match=known.name):
        texts_of(replace(known, texts=None))
    assert texts_of(known) is known.texts
    assert {format_of_texts(call_type) for call_type in known.texts.call_types} == {known}


def test_a_request_of_unknown_type_has_no_texts():
    assert format_of_texts("image_generation") is None


@pytest.mark.parametrize("known", PLAIN_FORMATS, ids=repr)
def test_a_plain_request_is_found_by_its_calls(known):
    assert {plain_format_of(call_type) for call_type in texts_of(known).call_types} == {known}
    assert plain_format_of("acompletion") is None
