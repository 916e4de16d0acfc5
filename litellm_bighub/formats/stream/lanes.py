"""The order in which the events of a stream leave, when some of them have to wait.

Every item has a lane. An event may overtake only events of later items, since clients add items in the order of their
indices; so text of a message flows while a call behind it is held. Events of no item wait for all before them, and all
after them wait for those.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from litellm_bighub.formats.stream.numbering import Numbering

NO_ITEM = -1


class WaitingEvent(Protocol):
    """An event that may have to wait.

    Attributes:
        out: what may leave in its place.
        settled: no more will come out of it. Asked when it is the first of its lane.
    """

    out: list[object]

    @property
    def settled(self) -> bool: ...  # noqa: D102


class Lanes:
    """All events that have not left, in their lanes.

    Args:
        independent: whether no lane waits for another, as clients add to each text apart from all others.
    """

    def __init__(self, *, independent: bool = False) -> None:
        self._independent = independent
        self._lanes: dict[int, deque[tuple[int, WaitingEvent]]] = {}
        self._arrived = 0
        self._left = 0
        self._numbering = Numbering()

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def add(self, lane: int, waiting: WaitingEvent) -> None:
        """Put an event at the end of its item's lane."""
        self._lanes.setdefault(lane, deque()).append((self._arrived, waiting))
        self._arrived += 1

    def drain(self) -> tuple[object, ...]:
        """Take out all events that may leave, numbered."""
        ready: list[tuple[int, WaitingEvent, list[object]]] = []
        while self._pass(ready):
            pass
        ready.sort(key=lambda event: event[0])
        return tuple(numbered for order, waiting, out in ready for numbered in self._number(order, waiting, out))

    def _pass(self, ready: list[tuple[int, WaitingEvent, list[object]]]) -> bool:
        """Go over the lanes once. True when an event of no item left, so that others may now leave too."""
        bound: float = math.inf
        barrier = self._lanes.get(NO_ITEM)
        if barrier is not None:
            others = [lane[0][0] for index, lane in self._lanes.items() if index != NO_ITEM]
            before = len(ready)
            self._empty(NO_ITEM, barrier, min(others, default=math.inf), ready)
            if len(ready) > before and NO_ITEM not in self._lanes:
                barrier = None
        if barrier is not None:
            bound = barrier[0][0]
        moved = False
        for index in sorted(self._lanes.keys() - {NO_ITEM}):
            lane = self._lanes[index]
            moved = self._empty(index, lane, bound, ready) or moved
            if index in self._lanes and not self._independent:
                bound = min(bound, lane[0][0])
        return moved and barrier is not None

    def _empty(
        self,
        index: int,
        lane: deque[tuple[int, WaitingEvent]],
        bound: float,
        ready: list[tuple[int, WaitingEvent, list[object]]],
    ) -> bool:
        moved = False
        while lane and lane[0][0] < bound:
            order, waiting = lane[0]
            settled = waiting.settled
            if settled or waiting.out:
                ready.append((order, waiting, waiting.out))
                waiting.out = []
            if not settled:
                break
            moved = True
            lane.popleft()
        if not lane:
            del self._lanes[index]
        return moved

    def _number(self, order: int, waiting: WaitingEvent, out: list[object]) -> list[object]:
        if order != self._left or len(out) != 1 or not waiting.settled:
            self._numbering.shift()
        if waiting.settled:
            self._left = order + 1
        return [self._numbering.number(event) for event in out]
