"""What leaves a Responses gate beside decided calls: signs of life, requests for approval."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, strategies as st

from litellm_bighub.formats.stream.gate_protocol import Pass, Release, Withhold
from tests.formats.responses import streams as s

EDITED = Pass({"a": "edited"})
ASKS = Withhold("ask a person", approval_id="apr_1")


def numbers(events):
    return [event["sequence_number"] for event in events]


def types(events):
    return [event["type"] for event in events]


def test_a_waiting_stream_says_that_it_is_in_progress():
    driven = s.driven()
    events = s.stream(s.message(0, "hi"), s.call(1), s.message(2, "bye"))
    driven.feed(*events)
    before = len(driven.events)
    alive = [*driven.gate.keep_alive().events, *driven.gate.keep_alive().events]
    driven.events += alive
    driven.answer(Pass())

    assert types(alive) == ["response.in_progress"] * 2
    assert alive[0]["response"] == events[0]["response"]
    assert numbers(driven.events) == list(range(len(driven.events)))
    assert [{**event, "sequence_number": 0} for event in driven.events[:before] + driven.events[before + 2 :]] == [
        {**event, "sequence_number": 0} for event in events
    ]
    s.accept(driven.events)


def test_a_stream_that_has_not_begun_or_has_ended_says_nothing():
    driven = s.driven()
    assert driven.gate.keep_alive() == Release()
    driven.feed(*s.stream(s.message(0, "hi")))
    assert driven.gate.keep_alive() == Release()


def test_a_stream_without_numbers_stays_without():
    gate = s.new_gate()
    gate.feed(s.envelope("response.created", [], "in_progress"))
    [alive] = gate.keep_alive().events
    assert "sequence_number" not in alive


def test_the_id_that_litellm_encrypts_in_the_first_event_is_not_encrypted_again():
    gate = s.new_gate()
    [begun] = gate.feed(s.envelope("response.created", [], "in_progress")).events
    [sign] = gate.keep_alive().events
    own = sign["response"]["id"]
    begun["response"]["id"] = sign["response"]["id"] = "encrypted"
    [next_sign] = gate.keep_alive().events

    assert next_sign["response"]["id"] == own != "encrypted"


def test_of_an_edited_call_the_answer_says_nothing():
    """The model is told with its result."""
    driven = s.run(s.stream(s.message(0, "hi"), s.call(1), s.message(2, "bye")), EDITED)

    s.accept(driven.events)
    assert numbers(driven.events) == list(range(len(driven.events)))
    output = driven.events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "message"]
    assert json.loads(output[1]["arguments"]) == {"a": "edited"}


def test_a_call_can_become_a_request_for_approval():
    events = s.stream(s.call(0, tag="t1"), s.message(1, "bye"))
    driven = s.run(events, ASKS)

    s.accept(driven.events)
    assert numbers(driven.events) == list(range(len(driven.events)))
    assert types(driven.events)[1:3] == ["response.output_item.added", "response.output_item.done"]
    [asks, _] = driven.events[-1]["response"]["output"]
    call = events[-1]["response"]["output"][0]
    assert (asks["type"], asks["id"], asks["name"]) == ("mcp_approval_request", "apr_1", call["name"])
    assert json.loads(asks["arguments"]) == json.loads(call["arguments"])
    assert driven.events[2]["item"] == asks


def numbered(outcomes):
    """Each request for approval with an id of its own, as `Enforcement` sees to it."""
    return [
        replace(outcome, approval_id=f"apr_{number}") if outcome is ASKS else outcome
        for number, outcome in enumerate(outcomes)
    ]


@given(
    kinds=st.text("tc", max_size=6),
    outcomes=st.lists(st.sampled_from([Pass(), EDITED, ASKS, Withhold("no")]), min_size=6, max_size=6).map(numbered),
    alive=st.lists(st.integers(0, 40), max_size=8),
    late=st.booleans(),
)
def test_whatever_is_put_in_the_client_accepts_it(kinds, outcomes, alive, late):
    parts = [s.message(at, "x") if kind == "t" else s.call(at) for at, kind in enumerate(kinds)]
    driven = s.driven()
    keys = 0
    for number, event in enumerate(s.stream(*parts)):
        driven.feed(event)
        driven.events += [told for at in alive if at == number for told in driven.gate.keep_alive().events]
        for key in () if late else sorted(driven.gate.unanswered):
            driven.answer(outcomes[keys], key)
            keys += 1
    for key in sorted(driven.gate.unanswered):
        driven.answer(outcomes[keys], key)
        keys += 1
    driven.finish()

    s.accept(driven.events)
    assert numbers(driven.events) == list(range(len(driven.events)))
    output = driven.events[-1]["response"]["output"]
    done = {event["output_index"]: event["item"] for event in driven.events if "output_item.done" in event["type"]}
    assert done == dict(enumerate(output))
    assert len(output) == len(kinds)
