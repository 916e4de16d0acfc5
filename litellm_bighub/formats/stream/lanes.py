"""The order in which the events of a stream leave, when some of them have to wait.

Every item has a lane. An event may overtake only events of later items, since clients add items in the order of their
indices; so text of a message flows while a call behind it is held. Events of no item wait for all before them, and all
after them wait for those.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from heapq import heappop, heappush
from typing import Protocol, TypeAlias

from litellm_bighub.formats.stream.sequence_numbers import Numbering

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

    A lane leads if its first event is older than those of all lanes that it waits for. It then leads until that event
    has left. Only lanes that lead are asked, and again only when what they wait for has changed, and only lanes right
    behind one that moved are looked at. So lanes that stay as they are cost nothing.

    Args:
        independent: whether no lane waits for another, as clients add to each text apart from all others.
    """

    def __init__(self, *, independent: bool = False) -> None:
        self._independent = independent
        self._lanes: dict[int, _Lane] = {}
        self._leading: list[int] = []
        self._behind: list[int] = []
        self._firsts_behind: list[tuple[int, int]] = []
        self._awake: set[int] = set()
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
            if self._bound(lane) == math.inf:
                insort(self._leading, lane)
                self._awake.add(lane)
            else:
                self._fall_behind(lane, self._arrived)
        events.append((self._arrived, waiting))
        self._arrived += 1

    def wake(self, blocker: object) -> None:
        """Something that events may wait for has changed."""
        self._awake |= self._asleep.pop(blocker, set())

    def drain(self) -> tuple[object, ...]:
        """Take out all events that may leave, numbered."""
        ready: _Ready = []
        asked = [lane for lane in self._awake if lane != NO_ITEM]
        while True:
            while asked:
                asked += self._empty(asked.pop(), ready)
            if self._leading != [NO_ITEM] or NO_ITEM not in self._awake:
                break
            asked += self._empty(NO_ITEM, ready)
            if not asked:
                break
        ready.sort(key=lambda event: event[0])
        return tuple(numbered for order, waiting, out in ready for numbered in self._number(order, waiting, out))

    def _bound(self, lane: int) -> float:
        """When the oldest event arrived that the first event of a lane waits for."""
        at = bisect_left(self._leading, lane)
        if at == 0 or (self._independent and self._leading[0] != NO_ITEM):
            return math.inf
        return self._lanes[self._leading[0 if self._independent else at - 1]][0][0]

    @property
    def _oldest_behind(self) -> tuple[float, int]:
        """When the oldest first event arrived of a lane that does not lead, and the lane."""
        firsts = self._firsts_behind
        while firsts:
            order, lane = firsts[0]
            at = bisect_left(self._behind, lane)
            if self._behind[at : at + 1] == [lane] and self._lanes[lane][0][0] == order:
                return firsts[0]
            heappop(firsts)
        return math.inf, NO_ITEM

    def _empty(self, lane: int, ready: _Ready) -> list[int]:
        """Take out of a lane that leads what may leave. The lanes that lead now, and have to be asked."""
        events = self._lanes[lane]
        first = events[0][0]
        # Events of no item lead as the lowest lane, and leave when they are the oldest of all.
        bound = self._oldest_behind[0] if lane == NO_ITEM else self._bound(lane)
        while events and events[0][0] < bound:
            order, waiting = events[0]
            settled = waiting.settled
            if settled or waiting.out:
                ready.append((order, waiting, waiting.out))
                waiting.out = []
            if not settled:
                blocker = waiting.blocker
                if blocker is not None:
                    self._awake.discard(lane)
                    self._asleep.setdefault(blocker, set()).add(lane)
                break
            events.popleft()
        return [] if events and events[0][0] == first else self._moved(lane, events)

    def _moved(self, lane: int, events: _Lane) -> list[int]:
        """The first event of a lane has left: the lanes that lead now, and have to be asked."""
        at = bisect_left(self._leading, lane)
        bound = self._bound(lane)
        if events and events[0][0] < bound:
            at += 1
            bound = events[0][0]
        else:
            del self._leading[at]
            self._awake.discard(lane)
            if events:
                self._fall_behind(lane, events[0][0])
            else:
                del self._lanes[lane]
        if self._independent and lane != NO_ITEM:
            return []
        end = self._leading[at] if at < len(self._leading) and not self._independent else math.inf
        return self._go_ahead(bisect_right(self._behind, lane), end, bound)

    def _go_ahead(self, at: int, end: float, bound: float) -> list[int]:
        """Let lanes lead that waited for one alone.

        Args:
            at: where the first one stands among those that do not lead.
            end: the lane before which the last one stands.
            bound: when the oldest event arrived that they wait for now.
        """
        behind, ahead = self._behind, list[int]()
        while at < len(behind) and behind[at] < end:
            first, oldest = self._oldest_behind
            if first >= bound:
                break
            is_among = behind[at] <= oldest < end
            lane = oldest if is_among else behind[at]
            first = self._lanes[lane][0][0]
            if first >= bound:
                at += 1
                continue
            del behind[bisect_left(behind, lane)]
            insort(self._leading, lane)
            self._awake.add(lane)
            ahead.append(lane)
            if not self._independent:
                end, bound = (lane, bound) if is_among else (end, first)
        return ahead

    def _fall_behind(self, lane: int, first: int) -> None:
        insort(self._behind, lane)
        heappush(self._firsts_behind, (first, lane))

    def _number(self, order: int, waiting: WaitingEvent, out: list[object]) -> list[object]:
        if order != self._left or len(out) != 1 or not waiting.settled:
            self._numbering.shift()
        if waiting.settled:
            self._left = order + 1
        return [self._numbering.number(event) for event in out]
