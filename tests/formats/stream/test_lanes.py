"""An event overtakes events of later items only, and one of no item neither overtakes nor is overtaken."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.formats.stream.lanes import NO_ITEM, Lanes


@dataclass(eq=False)
class Event:
    name: str
    settled: bool = False
    out: list = field(default_factory=list)
    blocker: object = None

    def leave(self):
        self.out, self.settled = [self.name], True


def lanes(*arriving):
    """Events as they arrive: each with its lane."""
    made, events = Lanes(), {}
    for lane, name in arriving:
        events[name] = Event(name)
        made.add(lane, events[name])
    return made, events


@pytest.mark.parametrize(
    ("arriving", "settled", "leaves"),
    [
        pytest.param([(0, "a"), (0, "b")], "ab", "ab", id="one lane in order"),
        pytest.param([(0, "a"), (0, "b")], "b", "", id="behind the first of its lane"),
        pytest.param([(0, "a"), (1, "b")], "a", "a", id="an earlier item"),
        pytest.param([(0, "a"), (1, "b")], "b", "", id="behind an earlier item"),
        pytest.param([(1, "a"), (0, "b")], "b", "b", id="overtakes a later item"),
        pytest.param([(0, "a"), (NO_ITEM, "n")], "n", "", id="of no item: waits for all before it"),
        pytest.param([(NO_ITEM, "n"), (0, "a")], "a", "", id="of no item: all behind it wait"),
        pytest.param([(NO_ITEM, "n"), (0, "a"), (1, "b")], "nab", "nab", id="all of them"),
        pytest.param([(0, "a"), (NO_ITEM, "n"), (0, "b")], "anb", "anb", id="one after the other"),
    ],
)
def test_which_events_leave(arriving, settled, leaves):
    made, events = lanes(*arriving)
    for name in settled:
        events[name].leave()

    assert made.drain() == tuple(leaves)
    assert bool(made) is (len(leaves) < len(arriving))


def test_a_part_of_an_event_leaves_before_the_rest():
    made, events = lanes((0, "a"), (0, "b"))
    events["a"].out = ["a1"]
    events["b"].leave()

    assert made.drain() == ("a1",)
    events["a"].out, events["a"].settled = ["a2"], True
    assert made.drain() == ("a2", "b")
    assert not made


def test_an_event_that_is_thrown_away_leaves_nothing():
    made, events = lanes((0, "a"), (0, "b"))
    events["a"].settled = True
    events["b"].leave()

    assert made.drain() == ("b",)


@pytest.mark.parametrize("missing", [0, 1])
def test_numbers_have_no_holes(missing):
    made, events = lanes(*[(0, name) for name in "abc"])
    for number, event in enumerate(events.values()):
        event.settled, event.out = True, [] if number == missing else [{"sequence_number": number}]

    first = 1 if missing == 0 else 0
    assert made.drain() == ({"sequence_number": first}, {"sequence_number": first + 1})


@given(st.lists(st.tuples(st.integers(NO_ITEM, 3), st.booleans()), max_size=30))
def test_everything_leaves_once_and_each_lane_in_order(arriving):
    made = Lanes()
    events = [Event(str(number)) for number in range(len(arriving))]
    left = []
    for event, (lane, at_once) in zip(events, arriving, strict=True):
        made.add(lane, event)
        if at_once:
            event.leave()
        left += made.drain()
    for event, (_, at_once) in zip(events, arriving, strict=True):
        if not at_once:
            event.leave()
    left += made.drain()

    assert sorted(left, key=int) == [event.name for event in events]
    for lane in range(4):
        mine = [name for name in left if arriving[int(name)][0] == lane]
        assert mine == sorted(mine, key=int)
    for place, name in enumerate(left):
        if arriving[int(name)][0] == NO_ITEM:
            assert all(int(other) < int(name) for other in left[:place])
    assert not made


class AllOver:
    """The order of events as it is meant: all lanes are gone over until none moves."""

    def __init__(self, *, independent):
        self.independent, self.lanes, self.arrived = independent, {}, 0

    def add(self, lane, waiting):
        self.lanes.setdefault(lane, []).append((self.arrived, waiting))
        self.arrived += 1

    def drain(self):
        left = []
        while self.round(left):
            pass
        return tuple(name for _, names in sorted(left, key=lambda each: each[0]) for name in names)

    def round(self, left):
        before = len(left)
        for index in sorted(self.lanes):
            while lane := self.lanes[index]:
                order, waiting = lane[0]
                others = (NO_ITEM,) if self.independent and index != NO_ITEM else self.lanes.keys() - {index}
                ahead = [other for other in others if other < index or index == NO_ITEM]
                if any(self.lanes.get(other) and self.lanes[other][0][0] < order for other in ahead):
                    break
                if waiting.out:
                    left.append((order, waiting.out))
                    waiting.out = []
                if not waiting.settled:
                    break
                lane.pop(0)
                before = -1
        return before == -1


STEPS = st.lists(st.tuples(st.integers(NO_ITEM, 4), st.integers(0, 30), st.booleans()), max_size=40)


@given(STEPS, st.booleans())
def test_the_order_is_that_of_going_over_all_lanes(steps, independent):
    made, meant = Lanes(independent=independent), AllOver(independent=independent)
    pairs = []
    for lane, chosen, partly in steps:
        pair = Event(f"{len(pairs)}"), Event(f"{len(pairs)}")
        pairs.append(pair)
        for event, lanes_of in zip(pair, (made, meant), strict=True):
            event.blocker = event
            lanes_of.add(lane, event)
        for event in pairs[chosen % len(pairs)]:
            if not event.settled:
                event.out, event.settled = [*event.out, f"{event.name} {partly}"], not partly
        made.wake(pairs[chosen % len(pairs)][0])

        assert made.drain() == meant.drain()


@dataclass(eq=False)
class Asked(Event):
    """Counts how often it is asked."""

    asked: int = 0

    def __getattribute__(self, name):
        if name == "settled":
            self.asked += 1
        return super().__getattribute__(name)


@pytest.mark.parametrize("independent", [True, False])
@pytest.mark.parametrize("at_end", [False, True], ids=["one lane moves", "lanes open"])
def test_lanes_that_stay_as_they_are_are_not_asked_again(independent, at_end):
    made = Lanes(independent=independent)
    events = []
    for number in range(1000):
        held, leaves = Asked("held"), Asked("leaves")
        for event in held, leaves:
            event.blocker = event
        made.add(number + 1, held)
        leaves.leave()
        made.add(number + 1001 if at_end else 0, leaves)
        made.drain()
        events += [held, leaves]

    assert sum(event.asked for event in events) <= 4 * len(events)


class Counted(int):
    """The number of a lane that counts how often it is looked at."""

    looks = 0

    def __lt__(self, other):
        Counted.looks += 1
        return int.__lt__(self, other) if isinstance(other, int) else True

    def __hash__(self):
        Counted.looks += 1
        return int(self)

    def __eq__(self, other):
        return int(self) == int(other)


ORDERS = {
    "ascending": range,
    "descending": lambda lanes: range(lanes, 0, -1),
    "the last one first": lambda lanes: [lanes, *range(lanes)],
    "to and fro": lambda lanes: [each for number in range(lanes // 2) for each in (lanes - number, number)],
}


@pytest.mark.parametrize("independent", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_what_lanes_cost_does_not_grow_with_how_many_are_open(order, independent):
    """All are held until the last one has opened; then each moves in turn, in the order of its opening."""

    def cost(lanes):
        Counted.looks = 0
        made, events = Lanes(independent=independent), []
        for lane in ORDERS[order](lanes):
            events.append(Event(str(lane)))
            events[-1].blocker = events[-1]
            made.add(Counted(lane), events[-1])
            made.drain()
        for event in events:
            event.leave()
            made.wake(event)
            made.drain()
        assert not made
        return Counted.looks

    assert cost(2000) < 3 * cost(1000)


def test_a_lane_behind_waits_for_an_older_event_although_another_may_go_ahead():
    arriving = [(NO_ITEM, "a"), (2, "b"), (3, "c"), (NO_ITEM, "d"), (1, "e")]
    made, events = lanes(*arriving)
    meant, others = AllOver(independent=False), {name: Event(name) for _, name in arriving}
    for lane, name in arriving:
        meant.add(lane, others[name])

    for name in "edacb":
        events[name].leave(), others[name].leave()
        assert made.drain() == meant.drain()
    assert not made


def test_lanes_that_do_not_wait_for_each_other_go_ahead_together_behind_an_event_of_no_item():
    made, events = Lanes(independent=True), {name: Event(name) for name in "nba"}
    for lane, name in ((NO_ITEM, "n"), (2, "b"), (1, "a")):
        made.add(lane, events[name])
    events["b"].leave()
    assert made.drain() == ()

    events["n"].leave()
    assert made.drain() == ("n", "b")
    events["a"].leave()
    assert made.drain() == ("a",)
