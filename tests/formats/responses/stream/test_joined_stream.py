"""Two answers in one stream: stock clients take it, nothing of a blocked call is in it, and its end tells all of it."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from litellm_bighub.formats.responses.notice_item import notice_item
from litellm_bighub.formats.responses.stream.item_events import item_events
from litellm_bighub.formats.responses.stream.joined_stream import ResponsesJoinedStream
from litellm_bighub.formats.stream.gate_protocol import Withhold
from litellm_bighub.testing import (
    apply_patch_call,
    computer_call,
    custom_call,
    function_call,
    local_shell_call,
    reasoning,
    refusal,
    shell_call,
    text,
)
from tests.formats.driving import Joined
from tests.formats.responses import streams as s

MODERATE = settings(max_examples=150, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
CITED = {"type": "url_citation", "url": "http://x", "title": "x", "start_index": 0, "end_index": 2}
LATER = [
    text("I will not."),
    text("As said", annotations=[CITED]),
    refusal("no"),
    reasoning("hm", "so", content=["raw"]),
    function_call("look_up", {"id": 2}, call_id="call_n"),
    custom_call("sql", "select", call_id="call_m"),
    shell_call("ls", call_id="call_s"),
    local_shell_call("ls", call_id="call_l"),
    apply_patch_call({"type": "delete_file", "path": "x"}, call_id="call_p"),
    computer_call({"type": "screenshot"}, call_id="call_c"),
    {"type": "mcp_approval_request", "id": "apr_1", "server_label": "crm", "name": "wipe", "arguments": "{}"},
    {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "message", "role": "assistant", "status": "completed", "content": []},
]


def answer(*items, status="completed"):
    identified = [{"id": f"next_{at}", "status": "completed", **item} for at, item in enumerate(items)]
    return {**s.envelope("", identified, status)["response"], "id": "resp_2"}


def joining():
    return Joined(s.new_gate(), ResponsesJoinedStream())


def check(events, following) -> None:
    s.accept(events)
    numbers = [event["sequence_number"] for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    end = events[-1]
    assert [event for event in events if event["type"].startswith("response.comp")] == [end]
    assert len({event["response"]["id"] for event in events if "response" in event}) == 1
    done = [event for event in events if event["type"] == "response.output_item.done"]
    added = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
    assert added == [event["output_index"] for event in done] == list(range(len(done)))
    assert end["response"]["output"] == [event["item"] for event in done]
    assert end["response"]["output"][len(done) - len(following["output"]) :] == following["output"]


@MODERATE
@given(
    kinds=st.text("tr", max_size=3),
    behind=st.text("ctcw", min_size=1, max_size=5).map(lambda kinds: f"c{kinds}"),
    later=st.lists(st.sampled_from(LATER), max_size=4, unique_by=id),
    alive=st.integers(0, 3),
    start=st.integers(0, 3),
)
def test_whatever_the_model_says_next_clients_take_it(kinds, behind, later, alive, start):
    make = {
        "t": lambda at: s.message(at, "w ", "x"),
        "r": lambda at: s.reasoning(at, "hm"),
        "c": lambda at: s.call(at, tag=f"canary{at}x"),
        "w": s.web_search,
    }
    parts = [make[kind](at) for at, kind in enumerate(kinds + behind)]
    events = s.stream(*parts)
    events = s.numbered(events, start)
    following = answer(*later)

    joined = joining()
    joined.feed(*events)
    flowed = 1 + sum(len(part.events) for part in parts[: len(kinds)])
    assert joined.events == events[:flowed]
    for _ in range(alive):
        joined.keep_alive()
    joined.settle(following)

    check(joined.events, following)
    assert not re.search(r"canary\d+x", json.dumps(joined.events))
    empty = (notice_item(f"msg_bighub_{number}", "") for number in itertools.count(1))
    kept = [
        part.item if kind != "c" else next(empty)
        for part, kind in zip(parts, kinds + behind, strict=True)
        if kind != "c" or "r" in kinds
    ]
    assert joined.events[-1]["response"]["output"] == [*kept, *following["output"]]


@pytest.mark.parametrize("item", LATER, ids=lambda item: item["type"])
def test_every_item_is_told_in_events_of_its_type(item):
    joined = joining()
    joined.feed(*s.stream(s.message(0, "hi"), s.call(1)))
    joined.settle(answer(item))
    check(joined.events, answer(item))


@pytest.mark.parametrize(
    ("item", "said", "key"),
    [
        (function_call("look_up", {"id": 2}), "response.function_call_arguments", "arguments"),
        (custom_call("sql", "select"), "response.custom_tool_call_input", "input"),
    ],
)
def test_a_call_is_told_bit_by_bit_as_others_are(item, said, key):
    joined = joining()
    joined.feed(*s.stream(s.call(0)))
    joined.settle(answer({**item, "call_id": "call_n"}))

    added, delta, done, complete = joined.events[1:-1]
    assert [event["type"] for event in (added, delta, done)] == [
        "response.output_item.added",
        f"{said}.delta",
        f"{said}.done",
    ]
    assert (added["item"][key], delta["delta"], done[key], complete["item"][key]) == ("", *[item[key]] * 3)


def test_a_part_of_an_unknown_type_is_told_as_a_whole():
    part = {"type": "new_part", "text": "x"}
    told = item_events({"type": "message", "id": "msg_1", "content": [part]}, 0)
    assert [event["part"] for event in told if "part" in event] == [part, part]
    assert len(told) == 4


def test_without_a_next_answer_everything_is_as_the_gate_has_it():
    events = s.stream(s.message(0, "hi"), s.call(1), s.message(2, "bye"))
    joined = joining()
    joined.feed(*events)
    joined.settle()
    assert joined.events == s.run(events, Withhold("no", "msg_bighub_1")).events


def test_a_stream_without_numbers_stays_without():
    joined = joining()
    for event in s.stream(s.message(0, "hi"), s.call(1)):
        del event["sequence_number"]
        joined.feed(event)
    joined.settle(answer(text("I will not.")))
    assert not any("sequence_number" in event for event in joined.events)
    s.accept([{**event, "sequence_number": 0} for event in joined.events])


def test_an_answer_that_is_cut_off_ends_the_stream_so():
    joined = joining()
    joined.feed(*s.stream(s.call(0)))
    joined.settle(answer(text("I will"), status="incomplete"))
    assert joined.events[-1]["type"] == "response.incomplete"
    assert joined.events[-1]["response"]["status"] == "incomplete"


@pytest.mark.parametrize(
    ("event_type", "heard"),
    [("response.completed", True), ("response.incomplete", False), ("response.failed", False)],
)
def test_only_an_answer_that_ended_well_is_told_to_anybody(event_type, heard):
    join = ResponsesJoinedStream()
    for event in s.stream(s.call(0))[:-1]:
        join.hear(event)
    assert join.heard() is None
    envelope = s.envelope(event_type, [s.call(0).item])
    join.hear(envelope)
    assert join.heard() == (envelope["response"] if heard else None)


def test_what_comes_behind_the_end_is_dropped():
    joined = joining()
    events = s.stream(s.call(0))
    joined.feed(*events, {"type": "response.output_text.delta", "output_index": 0, "item_id": "msg_0", "delta": "x"})
    joined.settle(answer(text("I will not.")))
    assert joined.join.passed(events[-1]) == ()
    check(joined.events, answer(text("I will not.")))


@pytest.mark.parametrize("status", ["queued", "failed", "incomplete", "completed"])
def test_a_stream_ends_with_an_answer_that_has_ended(status):
    assert ResponsesJoinedStream().accepts(answer(status=status)) == (status in {"incomplete", "completed"})
