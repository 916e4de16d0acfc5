"""Two messages in one stream: stock clients take it, nothing of a blocked call is in it, and it ends once."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from litellm_bighub.formats.messages.joined_stream import MessagesJoinedStream
from litellm_bighub.formats.stream.gate_protocol import Withhold
from tests.formats.driving import Joined
from tests.formats.messages import streams as s
from tests.formats.messages.test_gate_properties import BLOCKS, CHOOSE, build, canaries_in, cut

MODERATE = settings(max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
USAGE = {"input_tokens": 9, "output_tokens": 7}
CITED = {"type": "page_location", "cited_text": "x", "document_index": 0, "start_page_number": 1, "end_page_number": 2}
TEXT = {"type": "text", "text": "I will not."}
LATER = [
    TEXT,
    {"type": "text", "text": "As said", "citations": [{**CITED, "document_title": "t"}]},
    {"type": "thinking", "thinking": "hm", "signature": "sig"},
    {"type": "thinking", "thinking": "unsigned", "signature": ""},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "tool_use", "id": "toolu_n", "name": "look_up", "input": {"id": 2, "é": "ü"}},
    {"type": "server_tool_use", "id": "srvtoolu_n", "name": "web_search", "input": {"query": "q"}},
]


def answer(*blocks):
    reason = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    told = {**s.message_start()["message"], "id": "msg_2", "content": list(blocks), "usage": USAGE}
    return {**told, "stop_reason": reason}


def joining():
    return Joined(s.new_gate(), MessagesJoinedStream())


@MODERATE
@given(BLOCKS, CHOOSE, st.lists(st.sampled_from(LATER), max_size=3), st.sampled_from([bytes, str, dict]))
def test_whatever_the_model_says_next_clients_take_it(blocks, choose, later, form):
    own = build([*blocks, ("call", 2)])
    data = cut(s.sse(*own), choose)
    joined = joining()
    joined.feed(*(own if form is dict else data if form is bytes else [s.sse(event).decode() for event in own]))
    joined.keep_alive()
    joined.settle(answer(*later))

    assert {type(event) for event in joined.events} == {form}
    events = s.unwritten(joined.events)
    assert not canaries_in(events)
    before, after = s.joined(own), s.joined(events)
    kept = [block for block in before["content"] if block["type"] != "tool_use"]
    assert after["content"] == [*kept, *later]
    assert after["id"] == before["id"]
    assert after["stop_reason"] == answer(*later)["stop_reason"]
    assert after["usage"]["output_tokens"] == USAGE["output_tokens"]
    starts = [event["index"] for event in events if event["type"] == "content_block_start"]
    assert starts == list(range(len(starts)))
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    assert [event["type"] for event in events].count("message_delta") == 1


@MODERATE
@given(BLOCKS, CHOOSE, st.booleans())
def test_what_is_replayed_is_what_the_client_would_have_read(blocks, choose, as_bytes):
    own = build([*blocks, ("call", 2)])
    join = MessagesJoinedStream()
    for event in cut(s.sse(*own), choose) if as_bytes else own:
        join.hear(event)
    heard = join.heard()
    assert isinstance(heard, dict)
    read = s.joined(own)
    assert [plainly(block) for block in heard["content"]] == [plainly(block) for block in read["content"]]
    assert (heard["type"], heard["stop_reason"]) == ("message", "tool_use")


def plainly(block):
    return {key: value for key, value in block.items() if value not in (None, "")}


def test_a_call_without_arguments_is_replayed_so():
    told = [s.start(0, {"type": "tool_use", "id": "t", "name": "n", "input": {}}), s.stop(0)]
    told.insert(1, s.delta(0, type="input_json_delta", partial_json=""))
    join = MessagesJoinedStream()
    for event in s.stream(told):
        join.hear(event)
    heard = join.heard()
    assert isinstance(heard, dict)
    assert heard["content"][0]["input"] == {}


def test_citations_and_signatures_are_replayed():
    told = [
        s.start(0, {"type": "thinking", "thinking": "", "signature": ""}),
        s.delta(0, type="thinking_delta", thinking="hm"),
        s.delta(0, type="signature_delta", signature="sig"),
        s.stop(0),
        s.start(1, {"type": "text", "text": ""}),
        s.delta(1, type="citations_delta", citation=CITED),
        s.stop(1),
    ]
    join = MessagesJoinedStream()
    for event in s.stream(told, s.call(2)):
        join.hear(event)
    heard = join.heard()
    assert isinstance(heard, dict)
    assert heard["content"][0] == {"type": "thinking", "thinking": "hm", "signature": "sig"}
    assert heard["content"][1] == {"type": "text", "text": "", "citations": [CITED]}


BROKEN = s.stream(s.call(0))
BROKEN[2] = s.delta(0, type="input_json_delta", partial_json="{")


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(s.stream(s.call(0))[:-1], id="no end"),
        pytest.param(s.stream(s.call(0), reason="max_tokens"), id="cut off"),
        pytest.param(s.stream([*s.call(0), s.delta(0, type="new_delta", new="x")]), id="an unknown delta"),
        pytest.param(s.stream(s.call(0), [s.delta(7, type="text_delta", text="x")]), id="a delta of no block"),
        pytest.param(s.stream([{**event, "index": None} for event in s.call(0)]), id="no place"),
        pytest.param(BROKEN, id="no JSON"),
        pytest.param([b"event: message_start\ndata: {\n\n"], id="unreadable"),
        pytest.param([], id="nothing"),
    ],
)
def test_what_cannot_be_answered_is_told_to_nobody(events):
    join = MessagesJoinedStream()
    for event in events:
        join.hear(event)
    assert join.heard() is None


def test_without_a_next_answer_everything_is_as_the_gate_has_it():
    events = s.stream(s.said(0, "hi"), s.call(1))
    for own in (events, [s.sse(*events)]):
        joined = joining()
        joined.feed(*own)
        joined.settle()
        assert joined.events == s.run(own, Withhold("no")).events


def test_what_comes_behind_the_end_is_dropped():
    events = s.stream(s.said(0, "hi"), s.call(1))
    joined = joining()
    joined.feed(*events[:-1], s.message_delta(), *s.said(2, "late"), s.PING, s.STOP)
    joined.settle(answer(TEXT))
    assert [event["type"] for event in joined.events[-2:]] == ["message_delta", "message_stop"]
    assert "late" not in json.dumps(joined.events)
    assert s.joined(joined.events)["content"] == [{"type": "text", "text": "hi"}, TEXT]


def test_an_answer_without_usage_leaves_the_streams_own():
    joined = joining()
    joined.feed(*s.stream(s.call(0)))
    joined.settle({**answer(TEXT), "usage": None})
    assert joined.events[-2]["usage"] == s.message_delta()["usage"]


@pytest.mark.parametrize(("told", "expected"), [(answer(), True), ({"type": "message"}, False)])
def test_a_stream_ends_with_a_message(told, expected):
    assert MessagesJoinedStream().accepts(told) == expected
