"""A completion or chunk of another shape is refused, since it may hold a call."""

from __future__ import annotations

import pytest

from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.chat.shape import check_answer, check_chunk, check_first, check_rest

REFUSED = "a text stands where a chunk should"


@pytest.mark.parametrize("choices", [[], [{"message": {"content": "x"}}]])
def test_a_completion_is_accepted(choices):
    check_answer({"choices": choices})


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("text", "a str is no chat completion"),
        ({}, "choices is a NoneType"),
        ({"choices": {}}, "choices is a dict"),
        ({"choices": ["x"]}, r"choices\[0\] is a str"),
        ({"choices": [{"message": {}}, {}]}, r"choices\[1\].message is a NoneType"),
    ],
)
def test_what_is_no_completion_is_refused(answer, problem):
    with pytest.raises(UnreadableAnswerError, match=problem):
        check_answer(answer)


@pytest.mark.parametrize("choice", [{"delta": {}}, {"delta": {"content": "x"}}, {"finish_reason": "stop"}])
def test_a_chunk_is_accepted(choice):
    check_chunk({"choices": [choice]}, [choice])


@pytest.mark.parametrize(
    ("chunk", "choices", "problem"),
    [
        ("text", [], "an event is a str"),
        ({}, ["x"], r"choices\[0\] of a chunk is a str"),
        ({}, [{"delta": "x"}], r"choices\[0\].delta of a chunk is a str"),
        ({}, [{"message": {}}], r"choices\[0\].delta of a chunk is a NoneType"),
        ({}, [{"delta": {}}, {"tool_calls": []}], r"choices\[1\].delta of a chunk is a NoneType"),
    ],
)
def test_what_is_no_chunk_is_refused(chunk, choices, problem):
    with pytest.raises(UnreadableAnswerError, match=problem):
        check_chunk(chunk, choices)


@pytest.mark.parametrize(
    "choices",
    [
        [{"delta": {"content": "x"}, "finish_reason": "stop"}],
        [{"delta": {"role": "assistant"}, "finish_reason": None}],
        [{"delta": {}, "finish_reason": "stop"}, {"delta": {}, "finish_reason": None}],
    ],
)
def test_a_stream_begins(choices):
    check_first(choices)


@pytest.mark.parametrize("delta", [None, {}, {"content": None}, {"content": ""}])
def test_a_stream_that_ends_before_it_began_is_refused(delta):
    with pytest.raises(UnreadableAnswerError, match="ends before it has begun"):
        check_first([{"delta": delta, "finish_reason": "stop"}])


@pytest.mark.parametrize(
    "event",
    [
        {"choices": [], "usage": {}},
        {"error": {"message": "x"}},
        "[DONE]",
        "data: [DONE]\n\n",
        b"data: [DONE]\n\n",
        'data: {"error": {"message": "x"}}\n\n',
    ],
)
def test_what_may_stand_beside_chunks(event):
    check_rest(event)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (None, "an event is a NoneType"),
        ({}, "a chunk has no choices"),
        ({"choices": "x"}, "choices of a chunk is a str"),
        ({"choices": [], "message": {"content": "x"}}, "a chunk without choices tells a message"),
        ({"choices": [], "delta": {"content": "x"}}, "a chunk without choices tells a message"),
        ("text", REFUSED),
        (b"\xff", REFUSED),
        ("[" * 100_000, REFUSED),
        ("data: []", REFUSED),
        ('data: {"error": 1, "choices": []}', REFUSED),
    ],
    ids=str,
)
def test_what_may_not_is_refused(event, problem):
    with pytest.raises(UnreadableAnswerError, match=problem):
        check_rest(event)
