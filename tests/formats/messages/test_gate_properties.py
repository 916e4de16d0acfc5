"""Any order of events, answers and cuts: nothing lost, nothing reordered, nothing released undecided."""

from __future__ import annotations

import json
import random
import re

from hypothesis import HealthCheck, given, settings, strategies as st

from tests.formats.driving import Watched, drop
from tests.formats.messages import streams as s

MODERATE = settings(max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
BLOCK = st.tuples(st.sampled_from(("text", "thinking", "server", "call", "call")), st.integers(1, 3))
BLOCKS = st.lists(BLOCK, max_size=5)
CHOOSE = st.randoms(use_true_random=False)


def canary(index: int) -> str:
    return f"canary{index}z"


def canaries_in(value: object) -> set[str]:
    return set(re.findall(r"canary\d+z", value if isinstance(value, str) else json.dumps(value)))


def build(blocks: list[tuple[str, int]]) -> list[s.Event]:
    built: list[list[s.Event]] = []
    for index, (kind, pieces) in enumerate(blocks):
        match kind:
            case "text":
                built.append(s.said(index, *("grüße " for _ in range(pieces))))
            case "thinking":
                built.append(s.thinking(index, *("hm " for _ in range(pieces))))
            case "server":
                built.append(s.call(index, f"server{index}", kind="server_tool_use", pieces=pieces))
            case _:
                built.append(s.call(index, canary(index), pieces=pieces))
    return s.stream(*built, reason="tool_use" if any(kind == "call" for kind, _ in blocks) else "end_turn")


def cut(data: bytes, choose: random.Random) -> list[bytes]:
    places = sorted(choose.randrange(len(data) + 1) for _ in range(choose.randrange(12)))
    return [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]


def watched_by(choose: random.Random) -> Watched:
    return Watched(s.new_gate(), choose, canaries_in)


@MODERATE
@given(BLOCKS, CHOOSE, st.sampled_from((0.0, 0.3, 0.9)), st.booleans())
def test_valid_streams(blocks, choose, eager, as_bytes):
    events = build(blocks)
    data = s.sse(*events, ascii_only=choose.random() < 0.5)
    watched = watched_by(choose)
    watched.play(cut(data, choose) if as_bytes else events, eager=eager)
    assert watched.dropped == []
    released = s.unwritten(watched.events)
    before, after = s.joined(events), s.joined(released)
    calls = {index for index, (kind, _) in enumerate(blocks) if kind == "call"}
    left = {index for index in calls if canary(index) in watched.passed}
    for index, block in enumerate(before["content"]):
        mine = [event for event in released if event.get("index") == index]
        if index in calls - left:
            assert after["content"][index] == {"type": "text", "text": "not now"}
            assert len(mine) == 3
        else:
            assert after["content"][index] == block
            assert mine == [event for event in events if event.get("index") == index]
    assert after["stop_reason"] == ("end_turn" if calls and not left else before["stop_reason"])
    assert [event["index"] for event in released if "index" in event] == sorted(
        event["index"] for event in released if "index" in event
    )
    if left == calls:
        assert released == events
        assert not as_bytes or b"".join(watched.events) == data


def repeat(events: list[s.Event], place: int, choose: random.Random) -> None:
    events.insert(choose.randrange(len(events)), events[place])


def swap(events: list[s.Event], place: int, choose: random.Random) -> None:
    other = choose.randrange(len(events))
    events[place], events[other] = events[other], events[place]


def misplace(events: list[s.Event], place: int, choose: random.Random) -> None:
    if "index" in events[place]:
        events[place] = {**events[place], "index": choose.choice([None, -1, 0, 1, 2, 99])}


def retype(events: list[s.Event], place: int, choose: random.Random) -> None:
    events[place] = {**events[place], "type": choose.choice(["new", "ping2", "content_block_start", "message"])}


def end_early(events: list[s.Event], place: int, choose: random.Random) -> None:
    events.insert(place, choose.choice([s.STOP, s.message_delta(), s.message_delta("max_tokens")]))


DAMAGES = (drop, repeat, swap, misplace, retype, end_early)


@MODERATE
@given(BLOCKS, CHOOSE, st.lists(st.sampled_from(DAMAGES), max_size=4), st.floats(0, 1), st.booleans())
def test_broken_streams_leak_nothing(blocks, choose, damages, length, as_bytes):
    """Whatever the upstream does wrong, and wherever it stops."""
    events = build(blocks)
    for damage in damages:
        if len(events) > 1:
            damage(events, choose.randrange(len(events)), choose)
    data = s.sse(*events)
    watched = watched_by(choose)
    whole: list[object] = [*cut(data[: round(len(data) * length)], choose)]
    watched.play(whole if as_bytes else events[: round(len(events) * length)], eager=0.5)


@MODERATE
@given(BLOCKS)
def test_text_before_the_first_call_never_waits(blocks):
    driven = s.driven()
    for event in build(blocks):
        if event.get("content_block", {}).get("type") == "tool_use":
            return
        assert driven.feed(event) == [event]
