"""The order in which the events of a stream leave, when some of them have to wait.

Every item has a lane. An event may overtake only events of later items, since clients add items in the order of their
indices; so text of a message flows while a call behind it is held. Events of no item wait for all before them, and all
after them wait for those.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from heapq import heappop, heappush
from typing import Protocol, TypeAlias

from litellm_bighub.formats.stream.numbering import Numbering

NO_ITEM = -1


class WaitingEvent(Protocol):
    """An event that may have to wait.

    Attributes:
        out: what may leave in its place.
        settled: no more will come out of it. Asked when it is the first of its lane.
        blocker: what it waits for until it is settled; `None` if it cannot say.
    """

    out: list[object]

    @property
    def settled(self) -> bool: ...  # noqa: D102
    @property
    def blocker(self) -> object: ...  # noqa: D102


_Lane: TypeAlias = "deque[tuple[int, WaitingEvent]]"
_Ready: TypeAlias = "list[tuple[int, WaitingEvent, list[object]]]"


class Lanes:
    """All events that have not left, in their lanes.

    The first event of a lane is asked again only when what it waits for has changed, so that lanes which stay as they
    are cost nothing.

    Args:
        independent: whether no lane waits for another, as clients add to each text apart from all others.
    """

    def __init__(self, *, independent: bool = False) -> None:
        self._independent = independent
        self._lanes: dict[int, _Lane] = {}
        self._indices: list[int] = []
        self._heads: list[tuple[int, int]] = []
        self._awake: set[int] = set()
        self._behind: set[int] = set()
        self._asleep: dict[object, set[int]] = {}
        self._arrived = 0
        self._left = 0
        self._numbering = Numbering()

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def add(self, lane: int, waiting: WaitingEvent) -> None:
        """Put an event at the end of its item's lane."""
        events = self._lanes.get(lane)
        if events is None:
            events = self._lanes[lane] = deque()
            self._awake.add(lane)
            if lane != NO_ITEM:
                insort(self._indices, lane)
                heappush(self._heads, (self._arrived, lane))
        events.append((self._arrived, waiting))
        self._arrived += 1

    def wake(self, blocker: object) -> None:
        """Something that events may wait for has changed."""
        self._awake |= self._asleep.pop(blocker, set())

    def drain(self) -> tuple[object, ...]:
        """Take out all events that may leave, numbered."""
        ready: _Ready = []
        while self._pass(ready):
            pass
        ready.sort(key=lambda event: event[0])
        return tuple(numbered for order, waiting, out in ready for numbered in self._number(order, waiting, out))

    def _pass(self, ready: _Ready) -> bool:
        """Go over the lanes once. True when an event of no item is next, so that it may now leave too."""
        barrier = self._lanes.get(NO_ITEM)
        if barrier is not None:
            first = barrier[0][0]
            self._empty(NO_ITEM, barrier, self._oldest, ready)
            if not barrier or barrier[0][0] != first:
                self._awake |= self._behind
                self._behind.clear()
        bound = barrier[0][0] if barrier else math.inf
        moved = self._go_over_awake(bound, ready) if self._independent else self._go_over_in_order(bound, ready)
        return moved and bool(barrier)

    def _go_over_awake(self, bound: float, ready: _Ready) -> bool:
        """Lanes wait for events of no item alone."""
        moved = False
        for index in sorted(self._awake - {NO_ITEM}):
            lane = self._lanes[index]
            moved = self._empty(index, lane, bound, ready) or moved
            if lane and lane[0][0] >= bound:
                self._awake.discard(index)
                self._behind.add(index)
        return moved

    def _go_over_in_order(self, bound: float, ready: _Ready) -> bool:
        """Each lane waits for those of earlier items, too. Behind the oldest event of all, none can leave."""
        moved = False
        at = 0
        while at < len(self._indices) and bound > self._oldest:
            index = self._indices[at]
            lane = self._lanes[index]
            moved = self._empty(index, lane, bound, ready) or moved
            if lane:
                at += 1
                bound = min(bound, lane[0][0])
        return moved

    @property
    def _oldest(self) -> float:
        """When the oldest event of an item arrived that has not left."""
        heads = self._heads
        while heads:
            order, index = heads[0]
            lane = self._lanes.get(index)
            if lane is not None and lane[0][0] == order:
                return order
            heappop(heads)
        return math.inf

    def _empty(self, index: int, lane: _Lane, bound: float, ready: _Ready) -> bool:
        moved = False
        while lane and lane[0][0] < bound and index in self._awake:
            order, waiting = lane[0]
            settled = waiting.settled
            if settled or waiting.out:
                ready.append((order, waiting, waiting.out))
                waiting.out = []
            if settled:
                moved = True
                lane.popleft()
                if lane and index != NO_ITEM:
                    heappush(self._heads, (lane[0][0], index))
                continue
            blocker = waiting.blocker
            if blocker is None:
                break
            self._awake.discard(index)
            self._asleep.setdefault(blocker, set()).add(index)
        if not lane:
            self._remove(index)
        return moved

    def _remove(self, index: int) -> None:
        del self._lanes[index]
        self._awake.discard(index)
        if index != NO_ITEM:
            del self._indices[bisect_left(self._indices, index)]

    def _number(self, order: int, waiting: WaitingEvent, out: list[object]) -> list[object]:
        if order != self._left or len(out) != 1 or not waiting.settled:
            self._numbering.shift()
        if waiting.settled:
            self._left = order + 1
        return [self._numbering.number(event) for event in out]
