"""A message or event of another shape is refused, since it may hold a call."""

from __future__ import annotations

import pytest

from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.messages.shape import check_answer, check_event


@pytest.mark.parametrize("content", [[], [{"type": "text", "text": "x"}, {"type": "new"}]])
def test_a_message_is_accepted(content):
    check_answer({"type": "message", "content": content})


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("text", "a str is no message"),
        ({"type": "error"}, "its type is not message"),
        ({"type": "message"}, "content is a NoneType"),
        ({"type": "message", "content": "x"}, "content is a str"),
        ({"type": "message", "content": [{"type": "text"}, {}]}, r"content\[1\] has no type"),
    ],
)
def test_what_is_no_message_is_refused(answer, problem):
    with pytest.raises(UnreadableAnswerError, match=problem):
        check_answer(answer)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ping"},
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "content_block": {"type": "text"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta"}},
        {"type": "new"},
    ],
)
def test_an_event_is_accepted(event):
    check_event(event)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (None, "an event is a NoneType without a type"),
        ({}, "an event is a dict without a type"),
        ({"type": "message"}, "an event is a whole message"),
        ({"type": "message_start"}, "a message_start has no message"),
        ({"type": "content_block_start", "content_block": {}}, "the block of a content_block_start has no type"),
        ({"type": "content_block_delta", "delta": "x"}, "the delta of a content_block_delta has no type"),
    ],
)
def test_what_is_no_event_is_refused(event, problem):
    with pytest.raises(UnreadableAnswerError, match=problem):
        check_event(event)
