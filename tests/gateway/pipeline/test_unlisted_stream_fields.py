"""A call that may not pass stands nowhere in a stream: not in fields that its format does not know either."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from litellm.types.utils import ModelResponseStream

from litellm_bighub.formats.registry import format_named
from litellm_bighub.formats.stream.gate_protocol import Pass, Withhold
from tests.formats.absent import of_format
from tests.formats.driving import Driven
from tests.gateway.pipeline.test_unlisted_fields import responses
from tests.gateway.planted import CALL_FORMS, CANARY, FIELD, LOOKUP, TRACES, WIPE, WRAPPINGS, owners, plant, told

streams = of_format("tests.formats.messages.streams")
FORMS = {**CALL_FORMS, **TRACES}
many = settings(max_examples=15, deadline=None)
few = settings(max_examples=8, deadline=None)


def chat() -> list[Any]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, {"content": "I do it"}]
    for index, (name, call_id, arguments) in enumerate((WIPE, LOOKUP)):
        text = json.dumps(arguments)
        begun = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        pieces = [{"index": index, "function": {"arguments": piece}} for piece in (text[:7], text[7:])]
        deltas += [{"tool_calls": [piece]} for piece in (begun, *pieces)]
    ends = [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]
    choices = [*([{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas), ends]
    whole = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return [ModelResponseStream(**whole, choices=choice) for choice in choices]


def messages() -> list[Any]:
    events = [streams.message_start(), *streams.said(0, "I do it", " now")]
    for index, (name, call_id, arguments) in enumerate((WIPE, LOOKUP), 1):
        text = json.dumps(arguments)
        block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        deltas = [streams.delta(index, type="input_json_delta", partial_json=each) for each in (text[:7], text[7:])]
        events += [streams.start(index, block), *deltas, streams.stop(index)]
    return copy.deepcopy([*events, streams.message_delta(), streams.STOP])


def responses_events() -> list[Any]:
    whole = responses(WIPE, LOOKUP)
    begun = copy.deepcopy({**whole, "output": []})
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(whole["output"]):
        events.append({"type": "response.output_item.added", "output_index": index, "item": copy.deepcopy(item)})
        place = {"item_id": item["id"], "output_index": index}
        if item["type"] == "message":
            events.append({"type": "response.output_text.delta", **place, "content_index": 0, "delta": "I do it {"})
        if item["type"] == "function_call":
            told_by = "response.function_call_arguments"
            events.append({"type": f"{told_by}.delta", **place, "delta": item["arguments"]})
            events.append({"type": f"{told_by}.done", **place, "name": item["name"], "arguments": item["arguments"]})
        events.append({"type": "response.output_item.done", "output_index": index, "item": copy.deepcopy(item)})
    return [*events, {"type": "response.completed", "response": whole}]


def as_bytes(events: list[Any]) -> list[Any]:
    return [streams.sse(told(event)) for event in events]


def as_they_are(events: list[Any]) -> list[Any]:
    return events


STREAMS = {
    "chat": ("chat", chat, as_they_are),
    "messages": ("messages", messages, as_they_are),
    "messages in bytes": ("messages", messages, as_bytes),
    "responses": ("responses", responses_events, as_they_are),
}
each_stream = pytest.mark.parametrize(("wire_format", "made", "sent"), STREAMS.values(), ids=STREAMS)


def outcome(call, *, allows):
    return Pass() if allows or call.name == "lookup" else Withhold("not now")


def released(wire_format, events, *, allows=False, at_end=False):
    """What leaves, when calls are decided on at once, or when everything has come."""
    driven = Driven(format_named(wire_format).gate({}, lambda: "msg_notice"))
    for event in events:
        driven.feed(event)
        for key in () if at_end else sorted(driven.gate.unanswered):
            driven.answer(outcome(driven.asked[key], allows=allows), key)
    for key in sorted(driven.gate.unanswered):
        driven.answer(outcome(driven.asked[key], allows=allows), key)
    driven.finish()
    return driven.events


def planted(events, place, value):
    found = list(owners(events))
    plant(found[place % len(found)], value)
    return events


@each_stream
@many
@given(
    place=st.integers(0, 300),
    form=st.sampled_from(sorted(CALL_FORMS)),
    wrapping=st.sampled_from(sorted(WRAPPINGS)),
    at_end=st.booleans(),
)
def test_a_withheld_call_stands_nowhere(wire_format, made, sent, place, form, wrapping, at_end):
    events = planted(made(), place, WRAPPINGS[wrapping](FORMS[form](WIPE)))
    left = repr(told(released(wire_format, sent(events), at_end=at_end)))
    assert CANARY not in left
    assert FIELD not in left.replace(f"'{FIELD}': None", "")
    assert LOOKUP[1] in left


@each_stream
@few
@given(form=st.sampled_from(sorted(FORMS)), wrapping=st.sampled_from(sorted(WRAPPINGS)))
def test_the_last_event_does_not_tell_of_a_withheld_call(wire_format, made, sent, form, wrapping):
    events = made()
    for owner in list(owners(events[-1])):
        plant(owner, WRAPPINGS[wrapping](FORMS[form](WIPE)))
    left = repr(told(released(wire_format, sent(events))))
    assert CANARY not in left
    assert FIELD not in left.replace(f"'{FIELD}': None", "")


@each_stream
@few
@given(
    form=st.sampled_from(sorted(CALL_FORMS)),
    wrapping=st.sampled_from(sorted(set(WRAPPINGS) - {"in a text"})),
    at_end=st.booleans(),
)
def test_what_is_told_of_calls_that_pass_stays(wire_format, made, sent, form, wrapping, at_end):
    events = made()
    for owner in list(owners(events[-1])):
        plant(owner, WRAPPINGS[wrapping](FORMS[form](WIPE)))
    events = sent(events)
    before = copy.deepcopy(told(events))
    assert told(released(wire_format, events, allows=True, at_end=at_end)) == before


@each_stream
def test_an_ordinary_stream_leaves_as_the_very_events_that_came(wire_format, made, sent):
    events = sent(made())
    left = released(wire_format, events, allows=True)
    same = all(one is other for one, other in zip(left, events, strict=True))
    assert left == events if sent is as_bytes else same  # the gate cuts bytes anew


@pytest.mark.format("chat")
@pytest.mark.parametrize("cut", range(8, 60, 7))
def test_a_call_in_pieces_of_a_field_that_is_not_known_does_not_begin(cut):
    text = json.dumps(CALL_FORMS["chat"](WIPE))
    events = chat()
    for event, piece in zip(events[:2], (text[:cut], text[cut:]), strict=True):
        plant(event.choices[0].delta, piece)
    left = repr(told(released("chat", events)))
    assert FIELD not in left.replace(f"'{FIELD}': None", "")
    assert text[cut:] not in left
