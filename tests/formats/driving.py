"""Driving a gate of any wire format: one that keeps what it answered, and one that watches what leaves undecided."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.stream.gate_protocol import Ask, CallKey, Hold, Outcome, Pass, Release, StreamGate, Withhold
from litellm_bighub.formats.stream.joined_stream import JoinedStream

Event = dict[str, Any]
WITHHELD = Withhold("not now")


class Driven:
    """A gate with everything that it answered."""

    def __init__(self, gate: StreamGate) -> None:
        self.gate = gate
        self.events: list[Any] = []
        self.dropped: list[str] = []
        self.asked: dict[CallKey, ToolCall] = {}

    def feed(self, *events: object) -> list[Any]:
        """Feed; answers what was released by it."""
        before = len(self.events)
        for event in events:
            self._take(self.gate.feed(event))
        return self.events[before:]

    def answer(self, outcome: Outcome, *keys: CallKey) -> list[Any]:
        """The same outcome for these keys, or for all that wait."""
        before = len(self.events)
        self._take(self.gate.answer(dict.fromkeys(keys or self.gate.unanswered, outcome)))
        return self.events[before:]

    def finish(self) -> list[Any]:
        before = len(self.events)
        self._take(self.gate.finish())
        return self.events[before:]

    def run(self, events: list[Any], *outcomes: Outcome) -> Driven:
        """Feed a whole stream and answer each call when it is asked for, the last outcome for all that come after."""
        given = list(outcomes) or [Pass()]
        for event in events:
            self.feed(event)
            for key in sorted(self.gate.unanswered):
                self.answer(given.pop(0) if len(given) > 1 else given[0], key)
        self.finish()
        return self

    def _take(self, step: Release | Ask | Hold) -> None:
        match step:
            case Release(events, dropped):
                self.events += events
                self.dropped += dropped
            case Ask(calls):
                self.asked |= {asked.key: asked.call for asked in calls}
            case Hold():
                pass


class Joined(Driven):
    """A gate whose calls are all blocked, with what is behind it."""

    def __init__(self, gate: StreamGate, join: JoinedStream) -> None:
        super().__init__(gate)
        self.join = join

    def feed(self, *events: object) -> list[Any]:
        before = len(self.events)
        for event in events:
            self.join.hear(event)
            super().feed(event)
        return self.events[before:]

    def keep_alive(self) -> None:
        self._take(self.gate.keep_alive())

    def settle(self, following: object = None) -> None:
        """Withhold all calls, and go on with this answer if there is one."""
        if following is not None:
            self.join.follow(following)
        for number, key in enumerate(sorted(self.gate.unanswered), 1):
            outcome = Withhold("no", f"msg_bighub_{number}")
            self.answer(outcome if following is None else self.join.in_place(outcome), key)
        self.finish()

    def _take(self, step: Release | Ask | Hold) -> None:
        if isinstance(step, Release):
            step = replace(step, events=[sent for event in step.events for sent in self.join.passed(event)])
        super()._take(step)


class Watched(Driven):
    """Answers calls at random moments and notes what was decided on each canary before anything leaves."""

    def __init__(self, gate: StreamGate, choose: random.Random, canaries_in: Callable[[str], set[str]]) -> None:
        super().__init__(gate)
        self.choose = choose
        self.canaries_in = canaries_in
        self.passed: set[str] = set()
        self.unseen = 0

    def play(self, events: list[Any], *, eager: float) -> None:
        """Feed all of it, or up to the first event that cannot be read."""
        with suppress(UnreadableAnswerError):
            for event in events:
                self.feed(event)
                self.watch()
                while self.gate.unanswered and self.choose.random() < eager:
                    self.decide_one()
            while self.gate.unanswered:
                self.decide_one()
            self.finish()
        self.watch()

    def decide_one(self) -> None:
        key = self.choose.choice(sorted(self.gate.unanswered))
        call = self.asked[key]
        if call.unreadable is None and self.choose.random() < 0.5:
            self.passed |= self.canaries_in(str(call))
            self.answer(Pass(), key)
        else:
            self.answer(WITHHELD, key)
        self.watch()

    def watch(self) -> None:
        """No byte of a call is out before, or without, its pass."""
        told, self.unseen = self.events[self.unseen :], len(self.events)
        written = (event.decode(errors="replace") if isinstance(event, bytes) else json.dumps(event) for event in told)
        assert self.canaries_in("".join(written)) <= self.passed


# What a broken upstream may do to the events of a stream, of which the first is left in its place.


def drop(events: list[Event], place: int, _choose: random.Random) -> None:
    del events[place]


def repeat(events: list[Event], place: int, choose: random.Random) -> None:
    events.insert(choose.randrange(1, len(events)), events[place])


def swap(events: list[Event], place: int, choose: random.Random) -> None:
    other = choose.randrange(1, len(events))
    events[place], events[other] = events[other], events[place]
