"""Two completions in one stream: stock clients take it, nothing of a blocked call is in it, and it ends once."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from litellm.types.utils import ModelResponseStream

from litellm_bighub.formats.chat.gate import ChatGate
from litellm_bighub.formats.chat.joined_stream import ChatJoinedStream
from litellm_bighub.formats.chat.whole_completion import completion
from litellm_bighub.formats.stream.gate_protocol import Withhold
from tests.formats.chat import streams as s
from tests.formats.chat.streams import canaries_in
from tests.formats.chat.test_gate_properties import events_of
from tests.formats.driving import Joined

MODERATE = settings(max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
PARTS = st.lists(st.sampled_from(("content", "reasoning_content", "function", "custom")), max_size=4)
USAGE = {"prompt_tokens": 7, "completion_tokens": 7, "total_tokens": 14}
CALL = {"id": "call_n", "type": "function", "function": {"name": "look_up", "arguments": '{"id": 2}'}}
CUSTOM = {"id": "call_m", "type": "custom", "custom": {"name": "sql", "input": "select"}}
LATER = [
    {"content": "I will not."},
    {"content": None, "tool_calls": [CALL]},
    {"content": "Let me see.", "tool_calls": [CUSTOM, CALL], "reasoning_content": "hm"},
    {"content": None, "refusal": "no"},
    {"content": None, "function_call": CALL["function"]},
    {"content": ""},
]


def answer(message):
    reason = "tool_calls" if message.get("tool_calls") else "function_call" if "function_call" in message else "stop"
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return {"id": "c2", "object": "chat.completion", "choices": [choice], "usage": USAGE}


def joining():
    return Joined(ChatGate(), ChatJoinedStream())


def plainly(message):
    return {key: value for key, value in message.items() if value not in (None, "")}


@MODERATE
@given(PARTS, st.randoms(use_true_random=False), st.sampled_from(LATER), st.booleans(), st.integers(0, 2))
def test_whatever_the_model_says_next_clients_take_it(parts, choose, later, counted, alive):
    own = events_of(0, ["function", *parts], choose)
    joined = joining()
    joined.feed(*own, *([s.USAGE] if counted else []))
    for _ in range(alive):
        joined.keep_alive()
    joined.settle(answer(later))

    assert not canaries_in(joined.events)
    before, after = s.joined(own)[0], s.joined(joined.events)[0]
    said, added = before.get("content") or "", later.get("content") or ""
    assert (after.pop("content", None) or "") == said + ("\n\n" if said and added else "") + added
    thought = before.get("reasoning_content", "") + later.get("reasoning_content", "")
    assert after.pop("reasoning_content", "") == thought
    assert [plainly({**call, "index": None}) for call in after.pop("tool_calls", [])] == later.get("tool_calls", [])
    assert after.pop("function_call", None) == later.get("function_call")
    assert after.pop("refusal", None) == later.get("refusal")
    assert after == {"role": "assistant", "finish_reason": answer(later)["choices"][0]["finish_reason"]}
    ends = [event for event in joined.events if event["choices"] and event["choices"][0]["finish_reason"]]
    assert len(ends) == 1
    assert {event["id"] for event in joined.events} == {"c1"}
    assert [event["usage"] for event in joined.events if "usage" in event] == ([USAGE] if counted else [])
    assert joined.events.index(ends[0]) == len(joined.events) - 1 - counted


@MODERATE
@given(PARTS, st.randoms(use_true_random=False))
def test_what_is_replayed_is_what_the_client_would_have_read(parts, choose):
    own = events_of(0, ["function", *parts], choose)
    heard = completion([*own, s.USAGE])
    assert heard is not None
    [choice] = heard["choices"]
    read = s.joined(own)[0]
    assert choice["finish_reason"] == read.pop("finish_reason")
    for call in read["tool_calls"]:
        del call["index"]
    choice["message"].get("tool_calls", []).sort(key=json.dumps)
    read["tool_calls"].sort(key=json.dumps)
    assert plainly(choice["message"]) == plainly(read)


def test_what_comes_with_the_end_is_sent_before_the_next_answer_and_what_comes_behind_it_is_not():
    join = ChatJoinedStream()
    join.follow(answer(LATER[0]))
    released = [*s.said("hi"), s.chunk({"provider_field": "x"}, reason="stop"), s.end("stop"), *s.said("late"), s.USAGE]
    sent = [event for each in released for event in join.passed(each)]
    deltas = [event["choices"][0]["delta"] for event in sent[:-1]]
    assert deltas == [{"content": "hi"}, {"provider_field": "x"}, {"content": "I will not."}, {}]
    assert sent[-1]["usage"] == USAGE


def test_models_stay_models():
    joined = joining()
    joined.feed(*(ModelResponseStream(**event) for event in [s.role(), *s.said("hi"), *s.call(0), s.end()]))
    joined.settle(answer(LATER[2]))
    assert {type(event) for event in joined.events} == {ModelResponseStream}
    told = s.joined(joined.events)[0]
    assert told["content"] == "hi\n\nLet me see."
    assert [call["id"] for call in told["tool_calls"]] == ["call_m", "call_n"]
    assert "name_t0" not in "".join(event.model_dump_json(warnings="error") for event in joined.events)


def test_the_usage_in_the_last_chunk_is_the_next_answers():
    joined = joining()
    joined.feed(s.role(), *s.call(0), {**s.end(), "usage": {"total_tokens": 1}})
    joined.settle(answer(LATER[0]))
    assert [event["usage"] for event in joined.events if "usage" in event] == [USAGE]


def test_the_usage_beside_a_choice_that_has_ended_is_the_next_answers():
    joined = joining()
    joined.feed(s.role(), *s.call(0), s.end(), {**s.chunk({"content": "late"}), "usage": {"total_tokens": 1}})
    joined.settle(answer(LATER[0]))
    assert [event["usage"] for event in joined.events if "usage" in event] == [USAGE]
    assert s.joined(joined.events)[0]["content"] == "I will not."


def test_without_a_next_answer_everything_is_as_the_gate_has_it():
    events = [s.role(), *s.said("hi"), *s.call(0), s.end(), s.USAGE]
    joined = joining()
    joined.feed(*events)
    joined.settle()
    assert joined.events == s.run(events, Withhold("no")).events


def test_what_is_no_chunk_passes_and_what_comes_behind_the_end_is_dropped():
    joined = joining()
    joined.feed("data: [DONE]", s.role(), *s.call(0), s.end(), s.end())
    joined.settle(answer(LATER[0]))
    assert joined.events[0] == "data: [DONE]"
    assert s.joined(joined.events[1:])[0]["content"] == "I will not."


SIGNED = [
    s.chunk({"thinking_blocks": [{"type": "thinking", "thinking": "h"}], "reasoning_content": "h"}),
    s.chunk({"thinking_blocks": [{"type": "thinking", "thinking": "m", "signature": ""}], "reasoning_content": "m"}),
    s.chunk({"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "sig"}]}),
    s.chunk({"thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]}),
    s.chunk({"thinking_blocks": [{"type": "thinking", "thinking": "so", "signature": "sig2"}]}),
]


def test_thoughts_are_replayed_with_their_signatures():
    heard = completion([*SIGNED, *s.call(0), s.end()])
    assert heard is not None
    message = heard["choices"][0]["message"]
    assert message["reasoning_content"] == "hm"
    assert message["thinking_blocks"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "thinking", "thinking": "so", "signature": "sig2"},
    ]


def test_a_legacy_call_is_replayed():
    heard = completion([*s.legacy("t"), s.end("function_call")])
    assert heard is not None
    assert heard["choices"][0]["message"]["function_call"] == {"name": "name_t", "arguments": '{"a": "t"}'}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([*s.call(0)], id="no end"),
        pytest.param([*s.call(0), s.end("length")], id="cut off"),
        pytest.param([s.role(), s.role(1), *s.call(0), s.end(), s.end("stop", 1)], id="two choices"),
        pytest.param([], id="nothing"),
    ],
)
def test_what_cannot_be_answered_is_told_to_nobody(events):
    join = ChatJoinedStream()
    for event in events:
        join.hear(event)
    assert join.heard() is None


@pytest.mark.parametrize(("choices", "expected"), [([], False), ([{}], True), ([{}, {}], False)])
def test_a_stream_ends_with_one_choice(choices, expected):
    assert ChatJoinedStream().accepts({"choices": choices}) == expected


@MODERATE
@given(PARTS, st.floats(0, 1))
def test_a_stream_that_is_cut_has_no_answer(parts, length):
    events = events_of(0, ["function", *parts], random.Random(0))
    assert completion(events[: round((len(events) - 1) * length)]) is None
