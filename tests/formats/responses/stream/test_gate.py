from __future__ import annotations

import copy
import json

import pytest
from inline_snapshot import snapshot
from litellm.types.llms.openai import BaseLiteLLMOpenAIResponseObject
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputItemAddedEvent

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.errors import GateError, PayloadError
from litellm_bighub.formats.answers.unreadable_calls import UNFINISHED
from litellm_bighub.formats.responses.stream.call_versions import TWO_VERSIONS
from litellm_bighub.formats.stream.gate_protocol import Ask, CallKey, Hold, Pass, Release, Withhold
from tests.formats.driving import WITHHELD
from tests.formats.responses import streams as s


def test_text_flows_at_once_and_untouched():
    events = s.stream(s.reasoning(0, "hm"), s.message(1, "a", "b"), s.web_search(2))
    gate = s.new_gate()
    for event in events:
        step = gate.feed(event)
        assert step == Release((event,))
        assert step.events[0] is event
    assert gate.finish() == Release()


@pytest.mark.lesson("a stream of Responses delivers arguments before their decision")
@pytest.mark.parametrize("kind", s.KINDS)
def test_a_call_leaves_untouched_after_its_pass_and_not_before(kind):
    events = s.stream(s.message(0, "hi"), s.call(1, kind), s.message(2, "bye"))
    driven = s.driven()
    driven.feed(*events)
    assert driven.events == events[: 1 + len(s.message(0, "hi").events)]
    [asked] = driven.asked.values()
    assert (asked.id, asked.unreadable, asked.path) == ("call_t1", None, "output[1]")
    driven.answer(Pass())
    assert driven.events == events
    assert all(released is event for released, event in zip(driven.events, events, strict=True))


@pytest.mark.parametrize("order", ["done", "envelope"])
def test_a_call_knows_the_reasoning_right_before_it(order):
    events = s.stream(s.reasoning(0, "hm"), s.call(1), s.call(2, tag="t2"))
    thought = next(event["item"] for event in events if event["type"] == "response.output_item.done")
    driven = s.driven()
    driven.feed(*(events if order == "done" else [events[0], events[-1]]))
    assert [call.reasoning.id for call in driven.asked.values()] == [thought["id"], ""]


def test_a_withheld_call_becomes_a_message():
    driven = s.run(s.stream(s.call(0, tag="secret"), s.message(1, "bye")), WITHHELD)
    assert "secret" not in json.dumps(driven.events)
    s.accept(driven.events)
    assert driven.events[1:7] == snapshot(
        [
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {
                    "id": "msg_w1",
                    "type": "message",
                    "role": "assistant",
                    "status": "in_progress",
                    "content": [],
                },
                "sequence_number": 1,
            },
            {
                "type": "response.content_part.added",
                "item_id": "msg_w1",
                "output_index": 0,
                "content_index": 0,
                "part": {"type": "output_text", "text": "", "annotations": []},
                "sequence_number": 2,
            },
            {
                "type": "response.output_text.delta",
                "item_id": "msg_w1",
                "output_index": 0,
                "content_index": 0,
                "delta": "not now",
                "logprobs": [],
                "sequence_number": 3,
            },
            {
                "type": "response.output_text.done",
                "item_id": "msg_w1",
                "output_index": 0,
                "content_index": 0,
                "text": "not now",
                "logprobs": [],
                "sequence_number": 4,
            },
            {
                "type": "response.content_part.done",
                "item_id": "msg_w1",
                "output_index": 0,
                "content_index": 0,
                "part": {"type": "output_text", "text": "not now", "annotations": []},
                "sequence_number": 5,
            },
            {
                "type": "response.output_item.done",
                "output_index": 0,
                "item": {
                    "id": "msg_w1",
                    "type": "message",
                    "role": "assistant",
                    "status": "completed",
                    "content": [{"type": "output_text", "text": "not now", "annotations": []}],
                },
                "sequence_number": 6,
            },
        ]
    )
    assert [event["sequence_number"] for event in driven.events] == list(range(len(driven.events)))
    assert [item["id"] for item in driven.events[-1]["response"]["output"]] == ["msg_w1", "msg_1"]


def test_nothing_that_came_is_written_to():
    events = s.stream(s.call(0), s.message(1, "x"), s.call(2, "custom"))
    before = copy.deepcopy(events)
    s.run(events, WITHHELD)
    s.run(events, Pass())
    assert events == before


def test_calls_in_a_row_are_asked_for_without_waiting():
    one, two = s.call(0), s.call(1)
    driven = s.driven()
    driven.feed(*s.numbered(one.events + two.events))
    assert [call.id for call in driven.asked.values()] == ["call_t0", "call_t1"]
    first, second = driven.asked
    assert driven.answer(WITHHELD, second) == []
    released = driven.answer(Pass(), first)
    assert released[: len(one.events)] == s.numbered(one.events)
    assert "t1" not in json.dumps(released)


EDITS = [
    pytest.param("function", {"a": "new"}, "arguments", '{"a":"new"}', id="function"),
    pytest.param("custom", {"input": "new"}, "input", "new", id="custom"),
    pytest.param("shell", {"action": {"commands": ["new"]}}, "action", {"commands": ["new"]}, id="shell"),
    pytest.param("tool_search", {"query": "new"}, "arguments", {"query": "new"}, id="tool-search"),
    pytest.param("unknown", {"a": "new"}, "arguments", '{"a":"new"}', id="unknown"),
]


@pytest.mark.parametrize(("kind", "edited", "key", "expected"), EDITS)
def test_edited_arguments_replace_the_models_everywhere(kind, edited, key, expected):
    part = s.call(0, kind)
    driven = s.run(s.stream(part, s.message(1, "x")), Pass(edited))
    s.accept(driven.events)
    original = part.item[key]
    told = original if isinstance(original, str) else json.dumps(original)
    assert told not in json.dumps(driven.events)
    items = [event["item"] for event in driven.events if event["type"].endswith("item.done")]
    assert items[0] == driven.events[-1]["response"]["output"][0] == {**part.item, key: expected}
    deltas = [event["delta"] for event in driven.events if event["type"].endswith(("arguments.delta", "input.delta"))]
    assert deltas in ([], [expected])


def test_arguments_that_have_no_place_change_nothing():
    driven = s.driven()
    driven.feed(*s.call(0, "shell").events)
    with pytest.raises(PayloadError):
        driven.answer(Pass({"other": 1}))
    assert len(driven.answer(Pass())) == 2


FUNCTION = s.call(0).item
LIES = [
    pytest.param(1, {"delta": '{"b": '}, id="delta"),
    pytest.param(3, {"arguments": '{"a": "other"}'}, id="arguments-done"),
    pytest.param(3, {"name": "other"}, id="name-in-arguments-done"),
    pytest.param(0, {"item": {**FUNCTION, "arguments": "", "name": "other"}}, id="name-in-added"),
    pytest.param(0, {"item": {**FUNCTION, "arguments": "", "call_id": "other"}}, id="call-id-in-added"),
    pytest.param(0, {"item": {**FUNCTION, "arguments": '{"z"'}}, id="arguments-in-added"),
    pytest.param(0, {"item": s.call_item(0, "custom", "t0")}, id="another-type"),
    pytest.param(4, {"item": s.message(0, "x").item}, id="done-is-a-message"),
]


@pytest.mark.parametrize(("place", "lie"), LIES)
def test_a_call_in_two_versions_is_unreadable(place, lie):
    events = s.call(0).events
    events[place] |= lie
    driven = s.driven()
    driven.feed(*events)
    assert [call.unreadable for call in driven.asked.values()] == [TWO_VERSIONS]
    assert [call.arguments for call in driven.asked.values()] == [{}]


COMMANDS = s.shell_call(0, "ls -a", "rm t0")
COMMAND_LIES = [
    pytest.param(2, {"delta": "rm"}, id="delta"),
    pytest.param(3, {"delta": None}, id="no-delta"),
    pytest.param(3, {"command_index": 1}, id="delta-of-another"),
    pytest.param(4, {"command": "rm -r"}, id="command-done"),
    pytest.param(4, {"command_index": None}, id="command-of-nowhere"),
    pytest.param(4, {"command_index": 2}, id="one-command-more"),
    pytest.param(1, {"command": "rm"}, id="command-added"),
    pytest.param(5, {"command_index": 0, "command": "r"}, id="added-twice"),
]


@pytest.mark.parametrize(("place", "lie"), COMMAND_LIES)
def test_a_command_in_two_versions_is_unreadable(place, lie):
    events = copy.deepcopy(COMMANDS.events)
    events[1]["command"] = "l"
    events[2]["delta"] = "s"
    events[place] |= lie
    driven = s.driven()
    driven.feed(*events)
    assert [call.unreadable for call in driven.asked.values()] == [TWO_VERSIONS]


@pytest.mark.parametrize("begun", ["", "l", "ls -a"])
def test_commands_are_held_until_the_decision(begun):
    events = copy.deepcopy(COMMANDS.events)
    events[1]["command"] = begun
    if begun == "l":
        events[2]["delta"] = "s"
    driven = s.driven()
    assert driven.feed(*events) == []
    (call,) = driven.asked.values()
    assert (call.arguments, call.unreadable) == ({"action": {"commands": ["ls -a", "rm t0"]}}, None)
    assert driven.answer(Pass()) == events


def test_no_command_of_a_withheld_call_leaves():
    driven = s.run(s.stream(COMMANDS, s.message(1, "x")), WITHHELD)
    assert not any(piece in json.dumps(driven.events) for piece in ("ls -a", '"ls', " -a"))
    assert "t0" not in json.dumps(driven.events)
    s.accept(driven.events)


def test_commands_whose_call_never_ends_do_not_leave():
    driven = s.driven()
    driven.feed(*COMMANDS.events[:-1])
    assert "t0" not in json.dumps(driven.finish())


def test_an_edited_command_is_told_by_its_item():
    edited = {"action": {"commands": ["pwd"]}}
    driven = s.run(s.stream(COMMANDS), Pass(edited))
    s.accept(driven.events)
    assert "t0" not in json.dumps(driven.events)
    assert driven.events[-1]["response"]["output"] == [{**COMMANDS.item, **edited}]


def test_commands_that_the_provider_runs_are_not_asked_for():
    events = s.stream(s.shell_call(0, "ls", environment="container_reference"))
    driven = s.driven()
    driven.feed(*events)
    assert (driven.asked, driven.events) == ({}, events)


SAME = [
    pytest.param(lambda e: e[0]["item"].update(arguments=FUNCTION["arguments"]), id="whole-added-and-deltas"),
    pytest.param(lambda e: e.__delitem__(slice(1, 3)), id="no-deltas"),
    pytest.param(lambda e: e.__delitem__(slice(0, 1)), id="no-added"),
    pytest.param(lambda e: e.__delitem__(slice(0, 4)), id="done-only"),
    pytest.param(lambda e: e[3].update(arguments='{ "a":"t0" }'), id="other-whitespace"),
    pytest.param(lambda e: e[3].pop("name"), id="unnamed-done"),
    pytest.param(lambda e: [x.pop("item_id", None) for x in e], id="no-item-ids"),
    pytest.param(lambda e: [x.pop("output_index", None) for x in e], id="no-indices"),
    pytest.param(lambda e: e[1].update(item_id="rotated"), id="rotating-item-ids"),
    pytest.param(lambda e: e.insert(2, {"type": "response.function_call.x", "output_index": 0}), id="unknown-event"),
]


@pytest.mark.parametrize("change", SAME)
def test_other_ways_to_tell_the_same_call(change):
    events = s.call(0).events
    change(events)
    driven = s.driven()
    assert driven.feed(*events) == []
    assert [(call.arguments, call.unreadable) for call in driven.asked.values()] == [({"a": "t0"}, None)]
    assert driven.answer(Pass()) == events


def test_litellm_tells_a_custom_tools_input_as_function_arguments():
    item = s.call_item(0, "custom", "t")
    place = {"output_index": 0, "item_id": item["id"]}
    events = [
        s.added(0, {**item, "input": ""}),
        {"type": "response.function_call_arguments.delta", **place, "delta": '{"content": "do t"}'},
        {"type": "response.function_call_arguments.done", **place, "arguments": '{"content": "do t"}'},
        s.done(0, item),
    ]
    driven = s.driven()
    driven.feed(*events)
    assert [call.unreadable for call in driven.asked.values()] == [None]
    released = driven.answer(Pass({"input": "new"}))
    assert [released[1]["delta"], released[2]["arguments"]] == ['{"content":"new"}'] * 2
    assert released[3]["item"]["input"] == "new"


def test_the_envelope_shows_another_version_while_the_call_waits():
    """Then both versions share the outcome of the second question."""
    events = s.stream(s.call(0))
    events[-1]["response"]["output"][0]["arguments"] = '{"a": "other"}'
    driven = s.driven()
    driven.feed(*events)
    first, second = driven.asked
    assert driven.asked[second].unreadable == TWO_VERSIONS
    assert driven.answer(Pass(), first) == []
    released = driven.answer(WITHHELD, second)
    assert released[-1]["response"]["output"] == [released[5]["item"]]
    s.accept(driven.events)


def test_the_envelope_shows_another_version_after_the_call_left():
    events = s.stream(s.call(0))
    events[-1]["response"]["output"][0]["name"] = "other"
    driven = s.driven()
    driven.feed(*events[:-1])
    assert driven.answer(Pass()) == events[1:-1]
    assert driven.feed(events[-1]) == []
    assert [call.unreadable for call in driven.asked.values()] == [None, TWO_VERSIONS]
    assert "other" not in json.dumps(driven.answer(WITHHELD))


@pytest.mark.parametrize(
    "event_type", ["response.created", "response.in_progress", "response.incomplete", "response.failed", "response.new"]
)
def test_a_call_that_only_an_envelope_shows(event_type):
    event = s.envelope(event_type, [s.message(0, "x").item, s.call_item(1, "function", "t")])
    driven = s.driven()
    assert driven.feed(event) == []
    [asked] = driven.asked.values()
    assert asked == ToolCall("call_t", "function", "name_t", {"a": "t"}, path="output[1]")
    [released] = driven.answer(WITHHELD)
    assert [item["type"] for item in released["response"]["output"]] == ["message", "message"]


def test_envelopes_whose_indices_are_shifted():
    parts = [s.call(1), s.call(2)]
    events = s.numbered(s.enclosed([event for part in parts for event in part.events], [part.item for part in parts]))
    driven = s.run(events)
    assert driven.events == events
    assert len(driven.asked) == 2


def test_every_call_at_index_zero():
    parts = [s.call(0, tag="x"), s.call(0, tag="y")]
    events = s.stream(*parts)
    assert s.run(events).events == events


UNFINISHED_ENDS = [
    pytest.param({**FUNCTION, "status": "incomplete", "arguments": '{"a'}, UNFINISHED, id="incomplete-in-envelope"),
    pytest.param(None, UNFINISHED, id="not-in-envelope"),
    pytest.param(FUNCTION, None, id="complete-in-envelope"),
    pytest.param({**FUNCTION, "arguments": '{"b": 1}'}, TWO_VERSIONS, id="other-in-envelope"),
]


@pytest.mark.parametrize(("copied", "unreadable"), UNFINISHED_ENDS)
def test_a_call_cut_off_by_the_envelope(copied, unreadable):
    events = s.numbered(
        s.enclosed(s.call(0).events[:2], []) if copied is None else s.enclosed(s.call(0).events[:2], [copied])
    )
    driven = s.driven()
    driven.feed(*events)
    assert [call.unreadable for call in driven.asked.values()] == [unreadable]
    driven.answer(WITHHELD)
    assert "t0" not in json.dumps(driven.events)
    s.accept(driven.events)


def test_finish_withholds_what_is_open_and_says_so():
    driven = s.driven()
    driven.feed(*s.numbered([*s.call(0).events[:2], *s.message(1, "text").events]))
    released = driven.finish()
    assert "t0" not in json.dumps(released)
    assert [event["type"] for event in released].count("response.output_item.added") == 2
    assert driven.dropped == ["response.output_item.added", "response.function_call_arguments.delta"]


def test_finish_withholds_what_was_never_answered():
    driven = s.driven()
    driven.feed(*s.stream(s.call(0)))
    assert "t0" not in json.dumps(driven.finish())
    s.accept(driven.events)
    assert driven.gate.unanswered == frozenset()


PROVIDER_RUNS = [
    pytest.param({"type": "tool_search_call", "execution": "server", "arguments": {}}, id="tool-search"),
    pytest.param({"type": "program", "call_id": "c", "code": "1", "fingerprint": "f"}, id="program"),
    pytest.param(
        {
            "type": "shell_call",
            "call_id": "c",
            "action": {"commands": []},
            "environment": {"type": "container_reference", "container_id": "x"},
        },
        id="shell-in-container",
    ),
    pytest.param({"type": "brand_new"}, id="unknown-and-no-call"),
]


@pytest.mark.parametrize("item", PROVIDER_RUNS)
def test_what_the_provider_runs_is_not_asked_for(item):
    item = {"id": "i", **item}
    events = s.numbered(s.enclosed([s.added(0, item), s.done(0, item)], [item]))
    driven = s.driven()
    assert driven.feed(*events[:2]) == events[:1]
    driven.feed(*events[2:])
    assert driven.events == events
    assert driven.asked == {}


DROPPED = [
    pytest.param({"type": "response.robot_call.delta", "delta": "x", "output_index": 7}, id="unknown-call-event"),
    pytest.param({"type": "response.new", "calls": [FUNCTION]}, id="a-call-somewhere-else"),
    pytest.param(BaseLiteLLMOpenAIResponseObject(type="response.new", calls=[FUNCTION]), id="in-a-model"),
    pytest.param({"type": "response.function_call_arguments.delta", "delta": "x"}, id="arguments-of-nobody"),
    pytest.param(
        {"type": "response.function_call_arguments.delta", "delta": "x", "output_index": 0}, id="arguments-of-a-message"
    ),
]


@pytest.mark.parametrize("event", DROPPED)
def test_events_that_nobody_could_decide_on_are_dropped(event):
    gate = s.new_gate()
    gate.feed({**s.message(0).events[0], "sequence_number": 4})
    step = gate.feed(event)
    assert isinstance(step, Release)
    assert (step.events, len(step.dropped)) == ((), 1)
    after = {"type": "response.new", "sequence_number": 6}
    assert gate.feed(after) == Release(({**after, "sequence_number": 5},))


def test_events_after_the_version_that_was_asked_about_are_dropped():
    driven = s.driven()
    driven.feed(*s.call(0).events)
    late = {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": "{}"}
    assert driven.gate.feed(late) == Release((), ("response.function_call_arguments.done",))


def test_unknown_events_flow_or_carry_a_call():
    gate = s.new_gate()
    harmless = {"type": "response.keepalive"}
    assert gate.feed(harmless) == Release((harmless,))
    assert gate.feed({"type": "response.item.updated", "output_index": 0, "item": FUNCTION}) == Hold()
    assert gate.feed(harmless) == Hold()
    assert isinstance(gate.feed(s.done(0, FUNCTION)), Ask)


def test_models_are_copied_where_they_change():
    item = ResponseFunctionToolCall(type="function_call", call_id="c", name="n", arguments="{}", status="completed")
    message = s.added(1, s.message(1).events[0]["item"])
    after = ResponseOutputItemAddedEvent.model_validate({**message, "sequence_number": 9})
    lite = BaseLiteLLMOpenAIResponseObject(type="response.in_progress", response=None)
    lite.__dict__["sequence_number"] = 10
    driven = s.driven()
    driven.feed({**s.done(0, item), "sequence_number": 8}, after, lite)
    released = driven.answer(Withhold("no"))
    assert [getattr(event, "sequence_number", None) or event["sequence_number"] for event in released] == [
        *range(8, 14),
        14,
        15,
    ]
    assert (after.sequence_number, lite.sequence_number) == (9, 10)
    assert isinstance(released[-2], ResponseOutputItemAddedEvent)


def test_events_without_sequence_numbers_stay_so():
    released = s.driven()
    released.feed(*s.call(0).events)
    assert not any("sequence_number" in event for event in released.answer(WITHHELD))


def test_illegal_calls_raise_and_change_nothing():
    driven = s.driven()
    driven.feed(*s.call(0).events)
    [key] = driven.asked
    with pytest.raises(GateError):
        driven.gate.answer({key: Pass(), CallKey(99): Pass()})
    assert driven.gate.unanswered == {key}
    assert len(driven.answer(Pass(), key)) == len(s.call(0).events)
    with pytest.raises(GateError):
        driven.gate.answer({key: Pass()})
    driven.finish()
    for illegal in (
        lambda: driven.gate.feed({}),
        lambda: driven.gate.answer({}),
        driven.gate.finish,
    ):
        with pytest.raises(GateError):
            illegal()


def test_text_at_the_index_of_a_call_belongs_to_its_message():
    """Faulty upstreams close a message after they began a call at the same index."""
    text, call = s.message(0, "hi").events, s.call(0).events
    driven = s.driven()
    driven.feed(*text[:3], call[0], *text[3:], *call[1:])
    driven.answer(WITHHELD)
    assert [event for event in driven.events if event in text] == text


@pytest.mark.parametrize("late", ["response.output_text.delta", "response.robot_call.delta"])
def test_other_events_of_a_call_that_was_asked_about_are_dropped(late):
    driven = s.driven()
    driven.feed(*s.call(0).events)
    assert driven.gate.feed({"type": late, "output_index": 0, "delta": "x"}) == Release((), (late,))
