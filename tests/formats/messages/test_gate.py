from __future__ import annotations

import copy
import json

import pytest
from anthropic._models import construct_type_unchecked
from anthropic.types import RawMessageStreamEvent
from inline_snapshot import snapshot

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.errors import GateError, UnreadableAnswerError
from litellm_bighub.formats.answers.unreadable_calls import NO_ID, NO_NAME, TORN, UNFINISHED
from litellm_bighub.formats.stream.gate_protocol import Ask, CallKey, Hold, Pass, Release, StreamGate
from litellm_bighub.wording import ENGLISH
from tests.formats.driving import WITHHELD
from tests.formats.messages import streams as s

ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": ENGLISH.provider_failed}}
FORMS = [
    pytest.param(lambda event: event, id="dict"),
    pytest.param(lambda event: construct_type_unchecked(type_=RawMessageStreamEvent, value=event), id="model"),
    pytest.param(s.sse, id="bytes"),
    pytest.param(lambda event: s.sse(event).decode(), id="text"),
]


def test_the_gate_keeps_the_common_protocol():
    gate: StreamGate = s.driven().gate
    assert gate.keep_alive() == Release((s.PING,))
    assert gate.finish() == Release()


@pytest.mark.parametrize("form", FORMS)
def test_text_flows_at_once_and_untouched(form):
    events = s.stream(s.thinking(0, "hm"), s.said(1, "a", "b"), s.call(2, kind="server_tool_use"), reason="end_turn")
    gate = s.driven().gate
    for event in map(form, [*events[:3], s.PING, *events[3:]]):
        assert gate.feed(event) == Release((event,))
    assert gate.finish() == Release()


@pytest.mark.lesson("a stream of Messages delivers arguments before their decision")
@pytest.mark.parametrize("form", FORMS)
def test_a_call_leaves_untouched_after_its_pass_and_not_before(form):
    events = [form(event) for event in s.stream(s.said(0, "hi"), s.call(1), s.said(2, "bye"))]
    driven = s.driven()
    driven.feed(*events)
    assert driven.events == events[:4]
    assert list(driven.asked.values()) == [ToolCall("toolu_t1", "function", "name_t1", {"a": "t1"}, path="content[1]")]
    driven.answer(Pass())
    assert driven.events == events


def test_a_withheld_call_becomes_text():
    driven = s.run(s.stream(s.said(0, "hi"), s.call(1, "secret")), WITHHELD)
    assert "secret" not in json.dumps(driven.events)
    assert driven.events[4:] == snapshot(
        [
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "not now"}},
            {"type": "content_block_stop", "index": 1},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 2},
            },
            {"type": "message_stop"},
        ]
    )
    message = s.joined(driven.events)
    assert [block["text"] for block in message["content"]] == ["hi", "not now"]
    assert message["stop_reason"] == "end_turn"


def test_a_withheld_call_in_bytes():
    driven = s.run([s.sse(*s.stream(s.call(0, "secret")))], WITHHELD)
    assert b"".join(driven.events[1:3]).decode() == snapshot(
        """\
event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"not now"}}

"""
    )
    message = s.joined(s.read(b"".join(driven.events)))
    assert (message["content"][0]["text"], message["stop_reason"]) == ("not now", "end_turn")


def test_the_stop_reason_stays_if_a_call_is_left():
    driven = s.run(s.stream(s.call(0), s.call(1)), WITHHELD, Pass())
    message = s.joined(driven.events)
    assert [block["type"] for block in message["content"]] == ["text", "tool_use"]
    assert (message["content"][1]["input"], message["stop_reason"]) == ({"a": "t1"}, "tool_use")


def test_calls_are_asked_for_without_waiting_for_each_other():
    driven = s.driven()
    driven.feed(*s.stream(s.call(0), s.call(1)))
    assert [call.id for call in driven.asked.values()] == ["toolu_t0", "toolu_t1"]
    first, second = driven.asked
    assert driven.answer(WITHHELD, second) == []
    released = driven.answer(Pass(), first)
    assert released[: len(s.call(0))] == s.call(0)
    assert "t1" not in json.dumps(released)


def test_a_call_is_asked_for_at_the_event_after_its_stop_but_a_ping():
    driven = s.driven()
    assert driven.feed(*s.call(0), s.PING) == [s.PING]
    assert driven.asked == {}
    assert isinstance(driven.gate.feed(s.message_delta()), Ask)


def test_text_in_the_same_bytes_as_a_call_leaves_with_the_next_step():
    driven = s.driven()
    data = s.sse(*s.stream(s.said(0, "hi"), s.call(1)))
    assert driven.feed(data) == []
    assert driven.feed(s.sse(s.PING))[1:4] == [s.sse(event) for event in s.said(0, "hi")]
    driven.answer(Pass())
    assert b"".join(driven.events).replace(s.sse(s.PING), b"") == data


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_bytes_cut_anywhere(end):
    events = s.stream(s.said(0, "grüße 🙂"), s.call(1, "🔒"), s.said(2, "x"))
    data = b": comment\n\n" + s.sse(*events, end=end, ascii_only=False)
    for place in range(len(data) + 1):
        driven = s.run([data[:place], data[place:]])
        assert b"".join(driven.events) == data
        withheld = s.run([data[:place], data[place:]], WITHHELD)
        assert "🔒".encode() not in b"".join(withheld.events)
        assert withheld.dropped == []


def test_bytes_one_by_one():
    data = s.sse(*s.stream(s.said(0, "grüße"), s.call(1)), ascii_only=False)
    driven = s.run([bytes([byte]) for byte in data])
    assert b"".join(driven.events) == data
    assert driven.events == [s.sse(event, ascii_only=False) for event in s.read(data)]


def test_an_event_without_its_blank_line_is_taken_at_the_end():
    data = s.sse(*s.stream(s.call(0)))
    driven = s.driven()
    driven.feed(data[:-2])
    driven.answer(WITHHELD)
    driven.finish()
    assert driven.events[-1] == s.sse(s.STOP)[:-2]
    half = s.driven()
    half.feed(s.sse(*s.call(0))[:-2])
    half.finish()
    assert b"t0" not in b"".join(half.events)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("whole", [False, True], ids=["deltas", "announced"])
def test_edited_arguments_replace_the_models(form, whole):
    events = s.call(0)
    if whole:
        events = [s.start(0, {**events[0]["content_block"], "input": {"a": "t0"}}), s.stop(0)]
    driven = s.run([form(event) for event in s.stream(events)], Pass({"b": "new"}))
    message = s.joined(s.unwritten(driven.events))
    assert message["content"][0]["input"] == {"b": "new"}
    assert message["content"][0]["name"] == "name_t0"


BLOCK = s.call(0)[0]["content_block"]
UNREADABLE = [
    pytest.param([s.start(0, {**BLOCK, "id": ""}), s.stop(0)], NO_ID, id="no-id"),
    pytest.param([s.start(0, {**BLOCK, "name": None}), s.stop(0)], NO_NAME, id="no-name"),
    pytest.param([{**event, "index": None} for event in s.call(0)], TORN, id="no-index"),
    pytest.param([*s.call(0)[:2], *s.call(0)], TORN, id="begun-twice"),
    pytest.param([*s.said(0, "x"), *s.call(0)], TORN, id="index-of-a-text"),
    pytest.param([*s.call(0)[:3], s.stop(0)], "arguments are not valid JSON (character 6)", id="broken"),
    pytest.param([*s.call(0)[:-1], s.delta(0, type="text_delta", text="x"), s.stop(0)], TORN, id="a-text-inside"),
    pytest.param([*s.call(0)[:-1], s.delta(0, type="input_json_delta", partial_json=1), s.stop(0)], TORN, id="no-text"),
    pytest.param([s.start(0, {**BLOCK, "input": {"a": "b"}}), *s.call(0)[1:]], TORN, id="two-inputs"),
    pytest.param(s.call(0)[:-1], UNFINISHED, id="no-stop"),
]


@pytest.mark.parametrize(("events", "reason"), UNREADABLE)
def test_what_cannot_be_read_is_unreadable(events, reason):
    driven = s.driven()
    driven.feed(*s.stream(events))
    assert {call.unreadable for call in driven.asked.values()} - {UNFINISHED} == {reason} - {UNFINISHED}
    assert all(call.unreadable and call.arguments == {} for call in driven.asked.values())
    driven.answer(WITHHELD)
    assert "t0" not in json.dumps(driven.events)
    assert driven.events[-2]["delta"]["stop_reason"] == "end_turn"


def test_arguments_announced_and_told_again_are_read():
    driven = s.run(s.stream([s.start(0, {**BLOCK, "input": {"a": "t0"}}), *s.call(0)[1:]]))
    assert [call.arguments for call in driven.asked.values()] == [{"a": "t0"}]


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
def test_a_last_block_that_was_cut_off_is_unfinished(reason):
    driven = s.run(s.stream(s.call(0), s.call(1), reason=reason), WITHHELD)
    assert [call.unreadable for call in driven.asked.values()] == [None, UNFINISHED]
    assert driven.events[-2]["delta"]["stop_reason"] == reason
    followed = s.run(s.stream(s.call(0), s.said(1, "x"), reason=reason))
    assert [call.unreadable for call in followed.asked.values()] == [None]


def test_a_tool_of_a_toolset_is_named_with_it():
    driven = s.run(s.stream([s.start(0, {**BLOCK, "name": "zoom", "toolset_name": "browser"}), s.stop(0)]))
    assert [call.name for call in driven.asked.values()] == ["browser.zoom"]


def test_calls_after_the_end_are_dropped():
    driven = s.run([*s.stream(s.call(0)), *s.call(1, "late"), *s.call(0, "late")[1:]])
    assert driven.events == s.stream(s.call(0))
    assert set(driven.dropped) == {"content_block_start", "content_block_delta", "content_block_stop"}


def test_input_for_a_text_is_dropped_and_for_the_providers_call_is_not():
    provider = s.call(1, kind="server_tool_use")
    driven = s.run([*s.said(0, "x"), *s.call(0)[1:3], *provider, *s.call(7)[1:2]])
    assert driven.events == [*s.said(0, "x"), *provider]
    assert driven.dropped == ["content_block_delta"] * 3


def test_calls_in_the_beginning_of_a_message_are_taken_out():
    begun = s.message_start()
    begun["message"]["content"] = [BLOCK]
    driven = s.run([begun])
    assert driven.events == [s.message_start()]
    assert driven.dropped == ["message_start content"]


ODD = [
    pytest.param({"type": "new"}, True, id="unknown"),
    pytest.param(ERROR, True, id="error"),
    pytest.param({"type": "new", "block": BLOCK}, False, id="a-call-somewhere-else"),
    pytest.param({"type": "new", "deep": [{"er": [[BLOCK]]}]}, False, id="a-call-deep-inside"),
    pytest.param(b": comment\n\n", True, id="comment"),
    pytest.param(b"data: [DONE]\n\n", True, id="done"),
    pytest.param(b"event: ping\ndata: {}\n\n", True, id="type-in-the-name"),
    pytest.param(bytearray(b'data: {"type": "ping"}\n\n'), True, id="bytearray"),
]


@pytest.mark.parametrize(("event", "flows"), ODD)
def test_other_events_flow_unless_they_may_tell_a_call(event, flows):
    step = s.driven().gate.feed(event)
    assert isinstance(step, Release)
    assert (step.events, bool(step.dropped)) == ((event,) if flows else (), not flows)


UNREADABLE = [
    pytest.param({"type": "message", "content": [BLOCK]}, id="a-whole-message"),
    pytest.param(b'data: {"type": "message", "content": []}\n\n', id="a-whole-message-in-bytes"),
    *(pytest.param(value, id=type(value).__name__) for value in (object(), None, 1, [BLOCK], (), {})),
    *(pytest.param({**BLOCK, "type": kind}, id=f"type-{kind}") for kind in (None, "", 1, ["ping"], {"ping": 1})),
    *(pytest.param({"type": "message_start", "message": value}, id=f"message-{value}") for value in (None, 1, "x")),
    *(
        pytest.param({"type": "content_block_start", "index": 0, "content_block": value}, id=f"block-{value}")
        for value in (None, "x", [BLOCK], {}, {**BLOCK, "type": None})
    ),
    *(
        pytest.param({"type": "content_block_delta", "index": 0, "delta": value}, id=f"delta-{value}")
        for value in (None, "x", [], {"partial_json": "{}"})
    ),
    pytest.param(b'event: ping\ndata: {"type": "content_block_start"}\n\n', id="two-types"),
    pytest.param(b"data: {\n\n", id="broken"),
    pytest.param(b"data: {}\n\n", id="no-type"),
    pytest.param(b"data: [1]\n\n", id="no-object"),
    pytest.param('data: {"type": "\ud800"}\n\n', id="surrogate"),
]


@pytest.mark.parametrize("event", UNREADABLE)
def test_what_cannot_be_read_ends_the_stream_in_an_error(event):
    driven = s.driven()
    driven.feed(s.message_start(), *s.said(0, "hi"))
    with pytest.raises(UnreadableAnswerError):
        driven.feed(event)


@pytest.mark.parametrize("form", [bytes, str])
def test_what_stands_before_an_unreadable_frame_leaves_and_nothing_after_it(form):
    good, bad = s.sse(*s.said(0, "hi")), b" data: {}\n\n"
    driven = s.driven()
    everything = good + bad + s.sse(*s.said(1, "late"))
    released = driven.feed(everything if form is bytes else everything.decode())
    assert "".join(each if isinstance(each, str) else each.decode() for each in released) == good.decode()
    for step in (lambda: driven.feed(b""), lambda: driven.feed(good), driven.finish):
        with pytest.raises(UnreadableAnswerError):
            step()


def test_a_whole_answer_in_place_of_a_stream_is_found_at_its_end():
    driven = s.driven()
    driven.feed(b'{"type": "message", ', b'"content": [{"type": "tool_use"}]}')
    with pytest.raises(UnreadableAnswerError):
        driven.finish()
    assert driven.events == []


def test_unknown_events_of_a_call_are_dropped_and_others_keep_their_order():
    driven = s.driven()
    driven.feed(*s.call(0), {"type": "new", "index": 0, "told": "t0"}, ERROR, b"data: [DONE]\n\n", b": comment\n\n")
    assert driven.events == [b": comment\n\n"]
    driven.answer(WITHHELD)
    assert driven.dropped == ["new"]
    assert driven.events[-2:] == [ERROR, b"data: [DONE]\n\n"]


def test_finish_withholds_what_is_open_and_says_so():
    driven = s.driven()
    driven.feed(s.message_start(), *s.call(0)[:2], *s.said(1, "x"))
    released = driven.finish()
    assert "t0" not in json.dumps(released)
    assert [event["type"] for event in released].count("content_block_start") == 2
    assert driven.dropped == ["content_block_start", "content_block_delta"]


def test_finish_withholds_what_was_never_answered():
    driven = s.driven()
    driven.feed(*s.stream(s.call(0)))
    driven.finish()
    assert s.joined(driven.events)["stop_reason"] == "end_turn"
    assert driven.gate.unanswered == frozenset()


def test_nothing_that_came_is_written_to():
    events = s.stream(s.call(0), s.said(1, "x"), s.call(2))
    before = copy.deepcopy(events)
    s.run(events, WITHHELD, Pass({"x": 1}))
    assert events == before


def test_illegal_calls_raise_and_change_nothing():
    driven = s.driven()
    driven.feed(*s.call(0))
    assert driven.gate.feed(b": half") == Hold()
    driven.feed(s.message_delta())
    [key] = driven.asked
    with pytest.raises(GateError):
        driven.gate.answer({key: Pass(), CallKey(99): Pass()})
    assert driven.gate.unanswered == {key}
    driven.answer(Pass())
    with pytest.raises(GateError):
        driven.gate.answer({key: Pass()})
    driven.finish()
    for illegal in (lambda: driven.gate.feed({}), lambda: driven.gate.answer({}), driven.gate.finish):
        with pytest.raises(GateError):
            illegal()
