"""Any order of chunks and answers: nothing lost, nothing reordered, nothing released undecided."""

from __future__ import annotations

import json
import random
import re

from hypothesis import HealthCheck, given, settings, strategies as st

from tests.formats.chat import streams as s
from tests.formats.chat.streams import canaries_in
from tests.formats.driving import Watched, drop, repeat, swap

MODERATE = settings(max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
PART = st.sampled_from(("content", "reasoning_content", "function", "custom", "function", "legacy"))
CHOICES = st.lists(
    st.lists(PART, max_size=4, unique_by=lambda part: part if part == "legacy" else object()), max_size=3
)


def canary(choice: int, place: int) -> str:
    return f"canary{choice}x{place}z"


def events_of(index: int, parts: list[str], choose: random.Random) -> list[s.Event]:
    """A choice's chunks: texts in their order, and the pieces of calls mixed as upstreams may mix them."""
    lanes: list[list[s.Event]] = [[]]
    at = 0
    for place, part in enumerate(parts):
        tag = canary(index, place)
        match part:
            case "legacy":
                lanes.append(s.legacy(tag, index=index))
            case "function" | "custom":
                lanes.append(s.call(at, tag, kind=part, index=index, pieces=choose.randint(1, 3)))
                at += 1
            case _:
                lanes[0] += s.said(f"text{place} ", "more ", index=index, key=part)
    calls = [lane.pop(0) for lane in lanes[1:]]  # calls begin in the order of their indices
    lanes[0] = [*lanes[0], *calls] if choose.random() < 0.5 else [*calls, *lanes[0]]
    mixed = [] if len(lanes) == 1 else mix([lane for lane in lanes[1:] if lane], choose)
    reason = "tool_calls" if at else "function_call" if "legacy" in parts else "stop"
    return [s.role(index), *lanes[0], *mixed, s.end(reason, index)]


def mix(lanes: list[list[s.Event]], choose: random.Random) -> list[s.Event]:
    lanes = [list(lane) for lane in lanes if lane]
    mixed: list[s.Event] = []
    while lanes:
        lane = choose.choice(lanes)
        mixed.append(lane.pop(0))
        lanes = [rest for rest in lanes if rest]
    return mixed


def stream(choices: list[list[str]], choose: random.Random) -> list[s.Event]:
    lanes = [events_of(index, parts, choose) for index, parts in enumerate(choices)]
    return [*(lane.pop(0) for lane in lanes), *mix(lanes, choose), s.USAGE]


def watched_by(choose: random.Random) -> Watched:
    return Watched(s.new_gate(), choose, canaries_in)


@MODERATE
@given(CHOICES, st.randoms(use_true_random=False), st.sampled_from((0.0, 0.3, 0.9)))
def test_valid_streams(choices, choose, eager):
    events = stream(choices, choose)
    watched = watched_by(choose)
    watched.play(events, eager=eager)
    assert watched.dropped == []
    assert watched.events[-1] == s.USAGE
    before, after = s.joined(events), s.joined(watched.events)
    assert before.keys() == after.keys()
    for index, message in before.items():
        calls = [call for call in message.pop("tool_calls", []) if canaries_in(call) <= watched.passed]
        legacy = message.pop("function_call", None)
        left = after[index].pop("tool_calls", [])
        assert [{**call, "index": 0} for call in left] == [{**call, "index": 0} for call in calls]
        assert [call["index"] for call in left] == list(range(len(left)))
        left_legacy = after[index].pop("function_call", None)
        assert left_legacy == (legacy if canaries_in(legacy) <= watched.passed else None)
        said = after[index].pop("content")
        withheld = canaries_in(events) & {canary(index, place) for place in range(4)} - watched.passed
        assert said.count("not now") == len(withheld)
        assert re.sub(r"(\n\n)?not now", "", said) == message.pop("content")
        reason = message.pop("finish_reason")
        ended = "stop" if withheld and not left and left_legacy is None else reason
        assert after[index].pop("finish_reason") == ended
        assert after[index] == message


@MODERATE
@given(CHOICES, st.randoms(use_true_random=False))
def test_text_never_waits(choices, choose):
    driven = s.driven()
    for event in stream(choices, choose):
        released = driven.feed(event)
        if event["choices"] and any(key in event["choices"][0]["delta"] for key in ("content", "reasoning_content")):
            assert released == [event]


@MODERATE
@given(CHOICES, st.randoms(use_true_random=False))
def test_what_passes_is_untouched(choices, choose):
    events = stream(choices, choose)
    released = s.run(events).events
    for index in range(len(choices)):
        mine = [event for event in events if event["choices"] and event["choices"][0]["index"] == index]
        got = [event for event in released if event["choices"] and event["choices"][0]["index"] == index]
        assert sorted(map(id, got)) == sorted(map(id, mine))


def misplace(events: list[s.Event], place: int, choose: random.Random) -> None:
    moved = [{**choice, "index": choose.choice([None, 0, 1, 5])} for choice in events[place]["choices"]]
    events[place] = {**events[place], "choices": moved}


def renumber(events: list[s.Event], place: int, choose: random.Random) -> None:
    moved = rf"\g<1>{choose.choice(['null', '-1', '0', '7'])}"
    events[place] = json.loads(re.sub(r'("tool_calls": \[{"index": )\d+', moved, json.dumps(events[place])))


def rename(events: list[s.Event], place: int, choose: random.Random) -> None:
    told = choose.choice(['"id": null', '"id": "other"', '"no": 1'])
    events[place] = json.loads(re.sub(r'"id": "call_[^"]*"', told, json.dumps(events[place])))


def merge(events: list[s.Event], place: int, choose: random.Random) -> None:
    other = events[choose.randrange(len(events))]
    events[place] = {**events[place], "choices": [*events[place]["choices"], *other["choices"]]}


def finish_early(events: list[s.Event], place: int, choose: random.Random) -> None:
    events.insert(place, s.end(choose.choice(["stop", "length"]), choose.randrange(3)))


DAMAGES = (drop, repeat, swap, misplace, renumber, rename, merge, finish_early)


@MODERATE
@given(CHOICES, st.randoms(use_true_random=False), st.lists(st.sampled_from(DAMAGES), max_size=4), st.floats(0, 1))
def test_broken_streams_leak_nothing(choices, choose, damages, length):
    """Whatever the upstream does wrong, and wherever it stops."""
    events = stream(choices, choose)
    for damage in damages:
        if len(events) > 2:
            damage(events, choose.randrange(1, len(events)), choose)
    watched = watched_by(choose)
    watched.play(events[: round(len(events) * length)], eager=0.5)
