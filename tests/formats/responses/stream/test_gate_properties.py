"""Any order of events and answers: nothing lost, nothing reordered, nothing released undecided."""

from __future__ import annotations

import json
import random
import re

from hypothesis import HealthCheck, given, settings, strategies as st

from litellm_bighub.formats.responses.event_kinds import CALL_TEXT
from litellm_bighub.formats.stream.gate_protocol import Ask, Release
from tests.formats.driving import Watched, drop, repeat, swap
from tests.formats.responses import streams as s

MODERATE = settings(max_examples=200, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
KINDS = st.sampled_from(("message", "reasoning", "web_search", *s.KINDS, "function", "custom"))


def build(index: int, kind: str, pieces: int) -> s.Part:
    match kind:
        case "message":
            return s.message(index, *("word " for _ in range(pieces)))
        case "reasoning":
            return s.reasoning(index, "thought")
        case "web_search":
            return s.web_search(index)
        case _:
            return s.call(index, kind, canary(index), pieces)


def canary(index: int) -> str:
    return f"canary{index}x"


def canaries_in(text: str) -> set[str]:
    return set(re.findall(r"canary\d+x", text))


PARTS = st.lists(st.tuples(KINDS, st.integers(1, 3)), max_size=5).map(
    lambda kinds: [build(index, kind, pieces) for index, (kind, pieces) in enumerate(kinds)]
)


def interleave(parts: list[s.Part], choose: random.Random) -> list[s.Event]:
    """Items begin in the order of their indices; their later events come mixed."""
    begun: list[list[s.Event]] = []
    waiting = [list(part.events) for part in parts]
    events: list[s.Event] = []
    while waiting or begun:
        if waiting and (not begun or choose.random() < 0.5):
            begun.append(waiting.pop(0))
            events.append(begun[-1].pop(0))
            continue
        chosen = choose.choice(begun)
        events.append(chosen.pop(0))
        begun = [rest for rest in begun if rest]
    return events


def watched_by(choose: random.Random) -> Watched:
    return Watched(s.new_gate(), choose, canaries_in)


def numbers_follow(events: list[s.Event]) -> bool:
    numbers = [event["sequence_number"] for event in events]
    return not numbers or numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@MODERATE
@given(PARTS, st.randoms(use_true_random=False), st.sampled_from((0.0, 0.3, 0.9)), st.integers(0, 9))
def test_valid_streams(parts, choose, eager, start):
    events = s.numbered(s.enclosed(interleave(parts, choose), [part.item for part in parts]), start)
    watched = watched_by(choose)
    watched.play(events, eager=eager)
    s.accept(watched.events)
    assert numbers_follow(watched.events)
    assert watched.dropped == []
    assert len(watched.asked) == sum(canary(index) in json.dumps(part.item) for index, part in enumerate(parts))

    output = watched.events[-1]["response"]["output"]
    withheld = {index for index, part in enumerate(parts) if output[index] != part.item}
    assert withheld == {
        index
        for index, part in enumerate(parts)
        if canary(index) in json.dumps(part.item) and canary(index) not in watched.passed
    }
    for index, part in enumerate(parts):
        mine = [
            {key: value for key, value in event.items() if key != "sequence_number"}
            for event in watched.events
            if event.get("output_index") == index
        ]
        assert mine[-1]["item"] == output[index]
        assert (mine == part.events) == (index not in withheld)
    if not withheld:
        assert watched.events == events
    elsewhere = [event for event in events if event.get("output_index") not in withheld]
    kept = [event for event in watched.events if event.get("output_index") not in withheld]
    assert [event["type"] for event in kept] == [event["type"] for event in elsewhere]


def misplace(events: list[s.Event], place: int, choose: random.Random) -> None:
    events[place] = {**events[place], "output_index": choose.choice([None, 0, 1, 2, 99])}


def rename(events: list[s.Event], place: int, choose: random.Random) -> None:
    events[place] = {**events[place], "item_id": choose.choice([None, "msg_0", "item_1", "x"])}


def share_call_id(events: list[s.Event], place: int, _choose: random.Random) -> None:
    if "call_id" in events[place].get("item", ()):
        events[place] = {**events[place], "item": {**events[place]["item"], "call_id": "call_same"}}


def contradict(events: list[s.Event], place: int, _choose: random.Random) -> None:
    if key := CALL_TEXT.get(events[place]["type"]):
        events[place] = {**events[place], key: events[place][key] + "!"}


def invent(events: list[s.Event], place: int, choose: random.Random) -> None:
    event_type = choose.choice(["response.robot_call.delta", "response.new"])
    events.insert(place, {"type": event_type, "output_index": choose.randrange(10), "sequence_number": 0})


def enclose(events: list[s.Event], place: int, choose: random.Random) -> None:
    index = choose.randrange(10)
    item = s.call_item(index, "function", canary(index))
    events.insert(place, {**s.envelope("response.in_progress", [item]), "sequence_number": 0})


DAMAGES = (drop, repeat, swap, misplace, rename, share_call_id, contradict, invent, enclose)


@MODERATE
@given(PARTS, st.randoms(use_true_random=False), st.lists(st.sampled_from(DAMAGES), max_size=4), st.floats(0, 1))
def test_broken_streams_leak_nothing(parts, choose, damages, length):
    """Whatever the upstream does wrong, and wherever it stops."""
    events = s.numbered(s.enclosed(interleave(parts, choose), [part.item for part in parts]))
    for damage in damages:
        if len(events) > 1:
            damage(events, choose.randrange(1, len(events)), choose)
    watched = watched_by(choose)
    watched.play(events[: round(len(events) * length)], eager=0.5)


@MODERATE
@given(PARTS, st.randoms(use_true_random=False), st.floats(0, 1))
def test_streams_cut_anywhere_lose_no_text(parts, choose, length):
    events = s.numbered(s.enclosed(interleave(parts, choose), [part.item for part in parts]))
    cut = events[: round(len(events) * length)]
    watched = watched_by(choose)
    watched.play(cut, eager=0.5)
    assert numbers_follow(watched.events)
    if watched.events:
        s.accept(watched.events)
    calls = {index for index, part in enumerate(parts) if canary(index) in json.dumps(part.item)}
    assert [event["type"] for event in watched.events if event.get("output_index") not in calls] == [
        event["type"] for event in cut if event.get("output_index") not in calls
    ]


@MODERATE
@given(PARTS, st.randoms(use_true_random=False))
def test_text_before_the_first_call_never_waits(parts, choose):
    events = s.numbered(interleave(parts, choose))
    gate = s.new_gate()
    for event in events:
        step = gate.feed(event)
        if canary(event["output_index"]) in json.dumps(event):
            assert not isinstance(step, Release)
            return
        if isinstance(step, Ask) or step != Release((event,)):
            assert "robot_call" in json.dumps(event) or parts[event["output_index"]].item["type"].endswith("call")
            return
