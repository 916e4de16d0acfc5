"""One text alone in chat completions and Messages is checked in a shorter way, which must do what the long way does."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from litellm.types.utils import ModelResponse

from litellm_bighub.errors import GuardrailAnswerError, PayloadError
from litellm_bighub.formats.payload.slots import slot_of
from litellm_bighub.formats.registry import known_format, texts_of
from litellm_bighub.gateway.hooks.translation.format_handler import FormatHandler
from litellm_bighub.gateway.hooks.translation.scan_record import SCANS
from tests.gateway.hooks.translation.test_responses_handler import ANSWERS, WORDS, Answers, seen_of

ANSWER = st.sampled_from(list(ANSWERS.values()))
NAMES = ("chat", "messages")
TOLD = st.none() | st.booleans() | st.integers(0, 3) | WORDS | st.just({"deep": "a text"})
COUNTS = st.recursive(
    st.none() | st.integers(0, 3) | st.floats(0, 1) | WORDS,
    lambda each: st.dictionaries(st.sampled_from(["input_tokens", "details", "text"]), each, max_size=2),
)
PARTS = st.lists(st.fixed_dictionaries({"type": st.sampled_from(["text", "new"]), "text": WORDS}), max_size=2)
CALLS = st.just([{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}])
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "tool"]), "content": WORDS | PARTS},
    optional={"type": st.just("message"), "name": TOLD, "tool_calls": st.none() | CALLS, "annotations": st.just([])},
)
METADATA = st.sampled_from(
    [
        {},
        {"note": "a text"},
        {"user_api_key": "k", "requester_metadata": {}},
        {"requester_metadata": {"note": "b"}, "note": "b"},
    ]
)
REQUESTS = st.builds(
    lambda beside, messages: {**beside, "messages": messages},
    st.fixed_dictionaries(
        {"model": st.just("m")},
        optional={
            "temperature": TOLD,
            "A name of the caller's": TOLD,
            "thinking": TOLD | st.sampled_from([{}, {"budget_tokens": 1}, {"type": "enabled"}]),
            "tools": st.none() | st.just([]),
            "stop": TOLD,
            "system": TOLD,
            "tool_choice": st.just("auto"),
            "metadata": METADATA,
            "proxy_server_request": TOLD,
        },
    ),
    st.lists(MESSAGES, max_size=2),
)
COMPLETIONS = st.builds(
    lambda choices, beside: {"id": "1", "choices": choices, **beside},
    st.lists(
        st.fixed_dictionaries(
            {"index": st.just(0), "finish_reason": st.just("stop"), "message": MESSAGES},
            optional={
                "logprobs": st.none() | st.just({"content": [{"token": "a", "logprob": 0.0, "top_logprobs": []}]}),
                "more": TOLD,
            },
        ),
        max_size=2,
    ),
    st.fixed_dictionaries({}, optional={"usage": TOLD | COUNTS, "more": TOLD}),
)
MESSAGE_ANSWERS = st.builds(
    lambda blocks, beside: {"type": "message", "role": "assistant", "content": blocks, **beside},
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["text", "thinking"]), "text": WORDS},
            optional={"citations": st.none() | st.just([{"type": "char_location", "cited_text": "x"}]), "id": TOLD},
        ),
        max_size=2,
    ),
    st.fixed_dictionaries(
        {}, optional={"stop_sequence": TOLD, "container": TOLD, "stop_reason": TOLD, "usage": TOLD | COUNTS}
    ),
)


def ways(name):
    """The handler of a format, and one that knows no short way."""
    long_way = FormatHandler(known_format(name))
    texts = replace(long_way._texts, lone_in_request=lambda *_, **__: None, lone_in_answer=lambda _: None)
    vars(long_way)["_texts"] = texts
    return FormatHandler(known_format(name)), long_way


def as_model(answer):
    if "choices" not in answer:
        return deepcopy(answer)
    said = [choice for choice in answer["choices"] if isinstance(choice["message"]["content"], str)]
    return ModelResponse(**deepcopy({"id": "1", "created": 1, "choices": said, "more": answer.get("more")}))


async def outcome(handler, make, payload, *, is_request):
    guardrail, request = Answers(make), {"litellm_metadata": {}}
    try:
        if is_request:
            request = payload | request
            await handler.process_input_messages(request, guardrail, "the log")
        else:
            await handler.process_output_response(payload, guardrail, request_data=request)
    except (GuardrailAnswerError, PayloadError) as error:
        return str(error), str(payload), guardrail.seen
    return request.get("messages"), str(payload), guardrail.seen, request["litellm_metadata"].get(SCANS)


@pytest.mark.parametrize("name", NAMES)
@given(body=REQUESTS, make=ANSWER)
def test_both_ways_do_the_same_with_a_request(name, body, make):
    short, long = (asyncio.run(outcome(way, make, deepcopy(body), is_request=True)) for way in ways(name))
    assert short == long


@pytest.mark.format("chat", "messages")
@pytest.mark.parametrize("made", [as_model, deepcopy], ids=["model", "dict"])
@given(answer=COMPLETIONS | MESSAGE_ANSWERS, make=ANSWER)
def test_both_ways_do_the_same_with_an_answer(made, answer, make):
    name = "chat" if "choices" in answer else "messages"
    short, long = (asyncio.run(outcome(way, make, made(answer), is_request=False)) for way in ways(name))
    assert short == long


@pytest.mark.parametrize("name", NAMES)
@given(body=REQUESTS)
def test_the_short_way_sees_what_the_walk_sees_in_a_request(name, body):
    """It is taken only where one text is all that there is to see."""
    texts = texts_of(known_format(name))
    lone = texts.lone_in_request(body)
    try:
        found = texts.in_request(body)
    except PayloadError:
        assert lone is None
        return
    if lone is not None:
        assert seen_of([slot_of(*lone)]) == seen_of(found.slots)
        assert [*found.images, *found.files, *found.hidden] == []
    if found.is_said:
        assert texts.calls(body["messages"], "messages") == ()


@pytest.mark.format("chat", "messages")
@given(answer=COMPLETIONS | MESSAGE_ANSWERS)
def test_the_short_way_sees_what_the_walk_sees_in_an_answer(answer):
    texts = texts_of(known_format("chat" if "choices" in answer else "messages"))
    lone = texts.lone_in_answer(answer)
    try:
        found = texts.in_answer(answer)
    except PayloadError:
        assert lone is None
        return
    if lone is not None:
        assert [(owner, text) for owner, _, text, *_ in seen_of([slot_of(*lone)])] == [
            (owner, text) for owner, _, text, *_ in seen_of(found.slots)
        ]
        assert [*found.images, *found.files, *found.hidden] == []
    if found.is_said:
        assert texts.calls(answer[texts.answer_items], texts.answer_items) == ()


@pytest.mark.parametrize("name", NAMES)
def test_the_short_way_is_taken(name):
    texts = texts_of(known_format(name))
    message = {"role": "user", "content": "hi"}
    assert texts.lone_in_request({"model": "m", "temperature": 1, "messages": [message]})[1][0] is message
    block = {"type": "text", "text": "hi", "citations": None}
    answer = {"content": [block], "stop_reason": "end_turn"}
    if name == "chat":
        choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": None}
        answer = {"choices": [choice], "usage": {"total_tokens": 1}}
    assert texts.lone_in_answer(answer)[0] == "hi"
