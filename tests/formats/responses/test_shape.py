"""A response or event of another shape is refused, since it may hold a call."""

from __future__ import annotations

import pytest

from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.responses.shape import check_answer, type_of_event


@pytest.mark.parametrize(
    "answer",
    [
        {"output": []},
        {"output": [{"type": "message"}, {"role": "user", "content": "x"}]},
        {"object": "response", "status": "queued"},
    ],
)
def test_a_response_is_accepted(answer):
    check_answer(answer)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("text", "a str is no response"),
        (None, "a NoneType is no response"),
        ({}, "output is a NoneType"),
        ({"output": {}}, "output is a dict"),
        ({"output": [{}]}, r"output\[0\] has no type"),
        ({"output": [{"type": "message"}, "x"]}, r"output\[1\] has no type"),
    ],
)
def test_what_is_no_response_is_refused(answer, problem):
    with pytest.raises(UnreadableAnswerError, match=problem):
        check_answer(answer)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_text.delta", "delta": "x"},
        {"type": "response.output_item.added", "item": {"type": "message"}},
        {"type": "response.completed", "response": {"output": [{"type": "message"}]}},
        {"type": "response.created", "response": {}},
        {"type": "response.completed"},
        {"type": "response.new", "response": "x"},
    ],
)
def test_an_event_is_accepted(event):
    type_of_event(event)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ("text", "an event is a str without a type"),
        ({"delta": "x"}, "an event is a dict without a type"),
        ({"type": "response.output_item.added"}, "the item of a response.output_item.added has no type"),
        ({"type": "response.output_item.done", "item": {}}, "the item of a response.output_item.done has no type"),
        ({"type": "response.completed", "response": "x"}, "the response of a response.completed is a str"),
        ({"type": "response.new", "response": {"output": "x"}}, "response.output of a response.new is a str"),
        ({"type": "response.created", "response": {"output": [{}]}}, r"response.created\[0\] has no type"),
    ],
)
def test_what_is_no_event_is_refused(event, problem):
    with pytest.raises(UnreadableAnswerError, match=problem):
        type_of_event(event)
