from __future__ import annotations

import copy
import json

import pytest
from inline_snapshot import snapshot
from litellm.types.utils import ModelResponseStream

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.errors import GateError, PayloadError, UnreadableAnswerError
from litellm_bighub.formats.answers.unreadable_calls import NO_NAME, TORN, UNFINISHED
from litellm_bighub.formats.stream.gate_protocol import Ask, CallKey, Hold, Pass, Release, StreamGate
from tests.formats.chat import streams as s
from tests.formats.driving import WITHHELD

MODELS = [
    pytest.param(lambda event: event, id="dict"),
    pytest.param(s.model, id="openai"),
    pytest.param(lambda event: ModelResponseStream(**copy.deepcopy(event)), id="litellm"),
]


def test_the_gate_keeps_the_common_protocol():
    gate: StreamGate = s.driven().gate
    assert gate.finish() == Release()


@pytest.mark.parametrize("model", MODELS)
def test_text_flows_at_once_and_untouched(model):
    events = [
        s.role(),
        *s.said("hm", key="reasoning_content"),
        *s.said("a", "b"),
        *s.said("no", key="refusal"),
        s.end("stop"),
        s.USAGE,
    ]
    gate = s.driven().gate
    for event in map(model, events):
        step = gate.feed(event)
        assert isinstance(step, Release)
        assert [released is event for released in step.events] == [True]
    assert gate.finish() == Release()


@pytest.mark.lesson("a stream of chat delivers arguments before their decision")
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["function", "custom"])
def test_a_call_leaves_untouched_after_its_pass_and_not_before(kind, model):
    events = [model(event) for event in (s.role(), *s.said("hi"), *s.call(0, kind=kind), s.end(), s.USAGE)]
    driven = s.driven()
    driven.feed(*events)
    assert driven.events == events[:2]
    [asked] = driven.asked.values()
    expected = {"input": "do t0"} if kind == "custom" else {"a": "t0"}
    assert asked == ToolCall("call_t0", kind, "name_t0", expected, path="choices[0].message.tool_calls[0]")
    driven.answer(Pass())
    assert all(released is event for released, event in zip(driven.events, events, strict=True))


@pytest.mark.parametrize("model", MODELS)
def test_a_withheld_call_becomes_content(model):
    events = [model(event) for event in (s.role(), *s.said("Wait."), *s.call(0, "secret"), s.end(), s.USAGE)]
    driven = s.run(events, WITHHELD)
    assert s.joined(driven.events) == {
        0: {"role": "assistant", "content": "Wait.\n\nnot now", "finish_reason": "stop"},
    }
    assert "secret" not in repr(driven.events)
    assert all(type(event) is type(events[0]) for event in driven.events)


def test_how_a_withheld_call_looks():
    driven = s.run([s.role(), *s.call(0, "secret"), s.end(), s.USAGE], WITHHELD)
    assert [event["choices"] for event in driven.events] == snapshot(
        [
            [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None, "logprobs": None}],
            [{"index": 0, "delta": {"content": "not now"}, "finish_reason": None, "logprobs": None}],
            [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}],
            [],
        ]
    )


def test_calls_that_are_left_get_dense_indices():
    events = [*s.call(0), *s.call(1), *s.call(2), s.end()]
    driven = s.run(events, WITHHELD, Pass(), Pass())
    message = s.joined(driven.events)[0]
    assert message["content"] == "not now"
    assert message["finish_reason"] == "tool_calls"
    assert [(call["index"], call["id"]) for call in message["tool_calls"]] == [(0, "call_t1"), (1, "call_t2")]
    assert "t0" not in json.dumps(driven.events)


def test_calls_of_one_choice_are_asked_for_together():
    driven = s.driven()
    driven.feed(*s.call(0), *s.call(1))
    assert driven.asked == {}
    step = driven.gate.feed(s.end())
    assert isinstance(step, Ask)
    assert [asked.call.id for asked in step.calls] == ["call_t0", "call_t1"]
    first, second = sorted(driven.gate.unanswered)
    assert driven.answer(WITHHELD, second) == []
    assert driven.answer(Pass(), first) != []


def test_pieces_of_several_calls_in_one_delta():
    pieces = zip(s.call_pieces(0), s.call_pieces(1), strict=True)
    driven = s.run([*(s.chunk({"tool_calls": list(both)}) for both in pieces), s.end()], Pass(), WITHHELD)
    assert [call.arguments for call in driven.asked.values()] == [{"a": "t0"}, {"a": "t1"}]
    [call] = s.joined(driven.events)[0]["tool_calls"]
    assert call["function"] == {"name": "name_t0", "arguments": '{"a": "t0"}'}


def test_a_whole_answer_in_one_chunk():
    whole = {"index": 0, "id": "c", "type": "function", "function": {"name": "n", "arguments": "{}"}}
    driven = s.driven()
    driven.feed(s.chunk({"role": "assistant", "content": "hi", "tool_calls": [whole]}, reason="tool_calls"))
    assert [call.name for call in driven.asked.values()] == ["n"]
    assert driven.events == []
    driven.answer(WITHHELD)
    assert s.joined(driven.events) == {
        0: {"role": "assistant", "content": "hi\n\nnot now", "finish_reason": "stop"},
    }


def test_choices_go_their_own_ways():
    driven = s.driven()
    driven.feed(*s.call(0, "a", index=0), s.role(1), *s.call(0, "b", index=1), *s.said("hi", index=2))
    assert driven.events == [s.chunk(), s.role(1), *s.said("hi", index=2)]
    driven.feed(s.end(index=1))
    assert [call.path for call in driven.asked.values()] == ["choices[1].message.tool_calls[0]"]
    assert driven.answer(Pass()) == [*s.call(0, "b", index=1), s.end(index=1)]
    driven.feed(s.end("stop", index=2), s.end(index=0), s.USAGE)
    assert driven.events[-1] == s.end("stop", index=2)
    released = driven.answer(WITHHELD)
    assert released[-1] == s.USAGE
    joined = s.joined(driven.events)
    assert joined[0] == {"content": "not now", "finish_reason": "stop"}
    assert (joined[1]["tool_calls"][0]["id"], joined[2]["content"]) == ("call_b", "hi")


def test_choices_in_one_chunk_are_parted():
    [begun, *_] = s.call_pieces(0)
    mixed = s.enclosed(
        [
            {"index": 0, "delta": {"tool_calls": [begun]}, "finish_reason": None},
            {"index": 1, "delta": {"content": "hi"}, "finish_reason": None},
        ],
        usage={"total_tokens": 1},
    )
    driven = s.driven()
    driven.feed(s.role(0), s.role(1))
    [flown] = driven.feed(mixed)
    assert flown["choices"] == mixed["choices"][1:]
    assert "usage" not in flown
    driven.feed(s.enclosed([{"index": at, "delta": {}, "finish_reason": "stop"} for at in (0, 1)]))
    released = driven.answer(Pass())
    assert released[1] == {**mixed, "choices": mixed["choices"][:1]}
    assert [choice["index"] for event in released for choice in event["choices"]] == [1, 0, 0]


def test_a_legacy_function_call():
    events = [s.role(), *s.legacy(), s.end("function_call")]
    driven = s.run(events)
    assert driven.events == events
    assert list(driven.asked.values()) == [
        ToolCall("", "function", "name_t", {"a": "t"}, path="choices[0].message.function_call")
    ]
    withheld = s.run(events, WITHHELD)
    assert s.joined(withheld.events) == {0: {"role": "assistant", "content": "not now", "finish_reason": "stop"}}


EDITS = [
    pytest.param(s.call(0), {"a": "new"}, '{"a":"new"}', id="function"),
    pytest.param(s.call(0, kind="custom"), {"input": "new"}, "new", id="custom"),
    pytest.param(s.legacy("t0"), {"a": "new"}, '{"a":"new"}', id="legacy"),
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("pieces", "edited", "expected"), EDITS)
def test_edited_arguments_replace_the_models(pieces, edited, expected, model):
    driven = s.run([model(event) for event in (*pieces, s.end(), s.USAGE)], Pass(edited))
    message = s.joined(driven.events)[0]
    [call] = message.get("tool_calls") or [{"function": message.get("function_call")}]
    payload = call.get("custom") or call["function"]
    assert (payload["name"], payload.get("arguments") or payload.get("input")) == ("name_t0", expected)


def changed(place: int, **fields: object) -> list[s.Event]:
    pieces = s.call_pieces(0)
    pieces[place] = {**pieces[place], **fields}
    return pieces


UNREADABLE = [
    pytest.param(changed(0, function={"arguments": ""}), NO_NAME, id="no-name"),
    pytest.param(changed(1, type="custom"), TORN, id="two-types"),
    pytest.param(changed(1, function={"name": "other", "arguments": "{"}), TORN, id="two-names"),
    pytest.param(changed(1, function=None, custom={"input": "x"}), TORN, id="two-payloads"),
    pytest.param(changed(1, function={"arguments": {"a": 1}}), TORN, id="parsed"),
    pytest.param([{"index": 0, "id": "c", "type": "custom", "custom": {"name": "n", "input": None}}], None, id="empty"),
    pytest.param([{"index": 0, "id": "c", "type": "robot"}], NO_NAME, id="unknown"),
    pytest.param(s.call_pieces(0)[:-1], "arguments are not valid JSON (character 6)", id="broken"),
]


@pytest.mark.parametrize(("pieces", "reason"), UNREADABLE)
def test_what_cannot_be_read_is_unreadable(pieces, reason):
    driven = s.driven()
    driven.feed(*(s.chunk({"tool_calls": [piece]}) for piece in pieces), s.end())
    [call] = driven.asked.values()
    assert (call.unreadable, reason is None or call.arguments == {}) == (reason, True)
    driven.answer(WITHHELD)
    assert s.joined(driven.events)[0] == {"content": "not now", "finish_reason": "stop"}


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_choice_that_was_cut_off_has_unfinished_calls(reason):
    driven = s.run([*s.call(0, kind="custom"), s.end(reason)], WITHHELD)
    assert [call.unreadable for call in driven.asked.values()] == [UNFINISHED]
    assert driven.events[-1] == s.end(reason)


def test_calls_after_the_end_are_dropped():
    driven = s.run([*s.call(0), s.end(), *s.call(0, "late"), *s.call(1, "late"), *s.legacy("late"), *s.said("x")])
    assert "late" not in json.dumps(driven.events)
    assert driven.dropped == ["tool_calls"] * 6 + ["function_call"] * 3
    assert driven.events[-1] == s.said("x")[0]


def test_a_late_call_beside_text_is_taken_out():
    late = s.chunk({"content": "x", "tool_calls": s.call_pieces(0, "late")})
    driven = s.run([s.role(), s.end("stop"), late])
    assert driven.events == [s.role(), s.end("stop"), s.chunk({"content": "x"})]
    assert driven.dropped == ["tool_calls"]


def test_an_end_that_is_told_twice_fits_what_is_left():
    driven = s.run([s.role(), *s.call(0), s.end(), s.end()], WITHHELD)
    assert [event["choices"][0]["finish_reason"] for event in driven.events] == [None, None, "stop", "stop"]


def test_finish_withholds_what_is_open_and_says_so():
    driven = s.driven()
    driven.feed(*s.call(0), *s.legacy(), *s.said("hi"))
    released = driven.finish()
    assert driven.dropped == ["tool_calls", "function_call"]
    assert [event["choices"][0]["delta"] for event in released] == snapshot(
        [
            {
                "content": """\


A tool call was withheld: the stream ended before it was decided on.

A tool call was withheld: the stream ended before it was decided on.\
"""
            }
        ]
    )


def test_finish_withholds_what_was_never_answered():
    driven = s.driven()
    driven.feed(*s.call(0), s.end())
    assert "t0" not in json.dumps(driven.finish())
    assert driven.gate.unanswered == frozenset()
    assert driven.events[-1] == s.end("stop")


def test_usage_that_comes_with_pieces_is_kept():
    events = [{**event, "usage": {"total_tokens": at}} for at, event in enumerate(s.call(0))]
    driven = s.run([*events, s.end()], WITHHELD)
    assert [event["usage"]["total_tokens"] for event in driven.events if "usage" in event] == [0, 1, 2]
    assert "t0" not in json.dumps(driven.events)


def told(event, token):
    [choice] = event["choices"]
    return {**event, "choices": [{**choice, "logprobs": {"content": [{"token": token}]}}]}


def test_the_tokens_of_a_call_wait_with_it():
    mixed = s.chunk({"content": "hi", "tool_calls": [s.call_pieces(0)[0]]})
    events = [
        told(s.role(), "t0"),
        told(s.said("hi")[0], "hi"),
        told(mixed, "t0"),
        *(told(event, "t0") for event in s.call(0)[1:]),
        told(s.end(), "t0"),
    ]
    driven = s.driven()
    driven.feed(*events)
    assert driven.events[1] is events[1]
    assert "t0" not in json.dumps(driven.events)
    driven.answer(WITHHELD)
    assert "t0" not in json.dumps(driven.events)
    passed = s.run(events)
    assert json.dumps(passed.events).count('"token": "t0"') == len(events) - 2


NO_CHUNKS = [
    pytest.param({"error": {"message": "broken"}}, True, id="error"),
    pytest.param(s.enclosed([], prompt_filter_results=[1]), True, id="filter"),
    pytest.param("data: [DONE]\n\n", True, id="done"),
    pytest.param('data: {"error": {"message": "x"}}\n\n', True, id="error-text"),
    pytest.param(b'data: {"error": {"message": "x"}}\n\n', True, id="error-bytes"),
    pytest.param({"choices": [{"index": 0, "content_filter_results": {}}]}, True, id="no-delta"),
    *(pytest.param(value, False, id=type(value).__name__) for value in (None, object(), 1, [1], (), {}, bytearray())),
    pytest.param('data: {"error": 1, "choices": []}\n\n', False, id="error-with-choices"),
    pytest.param('data: {"choices": [{"delta": {"tool_calls": []}}]}\n\n', False, id="chunk-text"),
    pytest.param(b'data: {"choices": [{"delta": {"tool_calls": []}}]}\n\n', False, id="chunk-bytes"),
    pytest.param('data: [DONE]\n\ndata: {"choices": []}\n\n', False, id="more-than-the-end"),
    pytest.param(b"data: [1]", False, id="list"),
    pytest.param("\xff", False, id="noise"),
    pytest.param({"tool_calls": [1]}, False, id="calls-elsewhere"),
    pytest.param({"choices": [], "message": {"tool_calls": [1]}}, False, id="a-message-beside"),
    *(pytest.param({"choices": value}, False, id=f"choices-{value}") for value in (None, 1, "x", {"delta": 1})),
    *(pytest.param({"choices": [value]}, False, id=f"choice-{value}") for value in (None, 1, "x", [{"delta": 1}])),
    *(
        pytest.param({"choices": [{"index": 0, "delta": value}]}, False, id=f"delta-{value}")
        for value in (1, "x", [{"tool_calls": [1]}])
    ),
    pytest.param({"choices": [{"message": {"tool_calls": [1]}}]}, False, id="a-whole-completion"),
    pytest.param({"choices": [{"message": {"content": "hi"}}]}, False, id="a-whole-text"),
]


@pytest.mark.parametrize(("event", "flows"), NO_CHUNKS)
def test_what_is_no_chunk_ends_the_stream_unless_it_is_known(event, flows):
    gate = s.driven().gate
    if flows:
        assert gate.feed(event) == Release((event,))
    else:
        with pytest.raises(UnreadableAnswerError):
            gate.feed(event)


def test_a_call_in_a_whole_message_of_a_stream_is_taken_out():
    choice = {"index": 0, "delta": {"content": "hi"}, "message": {"tool_calls": s.call_pieces(0)}}
    step = s.driven().gate.feed(s.enclosed([choice]))
    assert step == Release((s.enclosed([{"index": 0, "delta": {"content": "hi"}}]),), ("message",))


def test_nothing_that_came_is_written_to():
    events = [s.role(), *s.said("x"), *s.call(0), *s.call(1, kind="custom"), *s.legacy(), s.end(), s.USAGE]
    before = copy.deepcopy(events)
    s.run(events, WITHHELD, Pass({"input": "x"}), Pass())
    assert events == before


def test_illegal_calls_raise_and_change_nothing():
    driven = s.driven()
    driven.feed(*s.call(0, kind="custom"))
    assert driven.gate.feed(s.USAGE) == Hold()
    driven.feed(s.end())
    [key] = driven.asked
    with pytest.raises(GateError):
        driven.gate.answer({key: Pass(), CallKey(99): Pass()})
    for misfit in ({"more": "x"}, {"input": 1}):
        with pytest.raises(PayloadError):
            driven.gate.answer({key: Pass(misfit)})
    assert driven.gate.unanswered == {key}
    driven.answer(Pass())
    with pytest.raises(GateError):
        driven.gate.answer({key: Pass()})
    driven.finish()
    for illegal in (lambda: driven.gate.feed({}), lambda: driven.gate.answer({}), driven.gate.finish):
        with pytest.raises(GateError):
            illegal()
