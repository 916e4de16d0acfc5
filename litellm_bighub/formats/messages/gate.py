"""The state machine through which a Messages stream leaves: text at once, a call only after its decision.

```
                 ╭──────────── the queue is empty ────────────╮
                 ▼                                            │
             (flowing) ────start of a tool_use block────▶ (holding)
                 ╰──────────── finish ───▶ (finished) ◀───────╯
```

Holding, every event but `ping` queues, because clients take blocks in the order of their indices. A call is asked for
when the first event after its block's stop has come: only then is it known whether `max_tokens` cut it off. A block
that never stops is asked for as unreadable when the message ends.

LiteLLM hands this stream over as the upstream's bytes, cut anywhere; what leaves untouched leaves byte for byte, one
server-sent event at a time. Dicts and models are taken as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from litellm_bighub.errors import GateError, UnreadableAnswerError
from litellm_bighub.formats.answers.error_text import harmless
from litellm_bighub.formats.messages.calls import CALL_REASON, CUT_OFF, PROVIDER_RUNS, is_call
from litellm_bighub.formats.messages.held_block import HeldBlock
from litellm_bighub.formats.messages.shape import check_event
from litellm_bighub.formats.messages.sse import Frame, Splitter, parse
from litellm_bighub.formats.payload.copies import text, whole, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.payload.nested import holds_call, nested
from litellm_bighub.formats.stream.gate_protocol import (
    STREAM_ENDED,
    Ask,
    AskedCall,
    CallKey,
    Hold,
    Leaving,
    Outcome,
    Pass,
    Release,
    Withhold,
    unchanged,
)

_Owner: TypeAlias = "HeldBlock | Literal['free', 'provider', 'dropped']"
"""Whose an index is: a held call's, a text's, a call's that the provider runs, or a call's that came too late."""


@dataclass(frozen=True, slots=True)
class _Queued:
    frame: Frame
    held: HeldBlock | None = None


class MessagesGate:
    """One stream's gate. It never waits and never writes to an event.

    Args:
        leaving: changes what leaves.
    """

    def __init__(self, leaving: Leaving = unchanged) -> None:
        self._leaving = leaving
        self._splitter = Splitter()
        self._form: type[bytes | str] = bytes
        self._raw = False
        self._shift = 0
        self._queue: deque[_Queued] = deque()
        self._owners: dict[int | None, _Owner] = {}
        self._held: list[HeldBlock] = []
        self._asked: dict[CallKey, HeldBlock] = {}
        self._new: list[AskedCall] = []
        self._ready: list[object] = []
        self._dropped: list[str] = []
        self._keys = 0
        self._ended = False
        self._finished = False
        self._broken: UnreadableAnswerError | None = None

    @property
    def unanswered(self) -> frozenset[CallKey]:
        """The calls that were asked for and have no outcome yet."""
        return frozenset(self._asked)

    def feed(self, event: object) -> Release | Ask | Hold:
        """Take the upstream's next event, or its next bytes.

        Text that comes in the same bytes as the end of a call leaves with the next step. What stands before an event
        that cannot be read leaves, and the error is raised by the next step.

        Raises:
            UnreadableAnswerError: a frame or event cannot be read.
        """
        self._check_running()
        self._check_broken()
        if isinstance(event, str | bytes | bytearray):
            self._form, self._raw = (str if isinstance(event, str) else bytes), True
            data = event.encode(errors="surrogatepass") if isinstance(event, str) else bytes(event)
            self._take_raw(self._splitter.feed(data))
        else:
            check_event(event)
            self._take(Frame(event, event))
        if self._new:
            asked, self._new = tuple(self._new), []
            return Ask(asked)
        step = self._release()
        if step.events or step.dropped:
            return step
        self._check_broken()
        return Hold()

    def answer(self, outcomes: Mapping[CallKey, Outcome]) -> Release:
        """Take the outcomes of some of the asked calls, and release what stands behind them.

        Raises:
            GateError: a key that was never asked or is answered already.
        """
        self._check_running()
        for key in outcomes:
            if key not in self._asked:
                raise GateError(f"call {key} is not waiting for an outcome")
        for key, outcome in outcomes.items():
            self._asked.pop(key).outcome = outcome
        self._drain()
        return self._release()

    def finish(self, notice: str = STREAM_ENDED) -> Release:
        """The upstream has no more events: withhold whatever is undecided, and release the rest.

        Args:
            notice: the text that takes the place of calls nobody decided on.

        Raises:
            UnreadableAnswerError: a frame cannot be read.
        """
        self._check_running()
        self._check_broken()
        self._take_raw(self._splitter.close())
        self._check_broken()
        self._finished = True
        self._dropped += [text(queued.frame.event, "type") for queued in self._queue if _undecided(queued.held)]
        for held in self._held:
            if held.outcome is None:
                held.outcome = Withhold(notice)
        self._asked.clear()
        self._drain()
        return self._release()

    def keep_alive(self) -> Release:
        """A `ping`."""
        self._check_running()
        return Release((Frame({"type": "ping"}, form=self._form if self._raw else None).released,))

    def _check_running(self) -> None:
        if self._finished:
            raise GateError("the gate is finished")

    def _check_broken(self) -> None:
        if self._broken is not None:
            raise self._broken

    # What to do with an event.

    def _take_raw(self, frames: list[bytes]) -> None:
        """Take the frames up to the first that cannot be read: nobody knows what comes after it."""
        try:
            for raw in frames:
                frame = parse(raw, self._form)
                if frame.event is not None:
                    check_event(frame.event)
                self._take(frame)
        except UnreadableAnswerError as error:
            self._broken = error

    def _take(self, frame: Frame) -> None:
        event = frame.event
        event_type = text(event, "type")
        if event is None or event_type == "ping":
            self._ready.append(self._left(frame, event))
            return
        self._ask_complete(event, event_type)
        match event_type:
            case "error":
                self._queued(frame.changed(harmless(event)))
            case "message_start":
                self._message_start(frame)
            case "content_block_start":
                self._block_start(frame)
            case "content_block_delta":
                self._block_delta(frame)
            case "content_block_stop":
                self._block_stop(frame)
            case "message_delta" | "message_stop":
                self._ended = self._ended or event_type == "message_stop" or _stop_reason(event) != ""
                self._queued(frame)
            case _ if self._may_tell_call(event):
                self._dropped.append(event_type or type(event).__name__)
            case _:
                self._queued(frame)

    def _may_tell_call(self, event: object) -> bool:
        """Whether an event of unknown type could be about a call."""
        index = _index(event)
        of_held = index is not None and isinstance(self._owners.get(index), HeldBlock)
        return of_held or holds_call(event) or any(map(is_call, nested(event)))

    def _message_start(self, frame: Frame) -> None:
        message: object = get(frame.event, "message")
        if not _has_call(get(message, "content")):
            self._queued(frame)
            return
        self._dropped.append("message_start content")  # a message begins empty
        self._queued(frame.changed(with_fields(frame.event, message=with_fields(message, content=[]))))

    def _block_start(self, frame: Frame) -> None:
        block: object = get(frame.event, "content_block")
        index = _index(frame.event)
        known = self._owners.get(index)
        if isinstance(known, HeldBlock) and not known.complete:
            known.torn = True
        if not is_call(block):
            self._owners[index] = "provider" if text(block, "type") in PROVIDER_RUNS else "free"
            self._queued(frame)
        elif self._ended:
            self._owners[index] = "dropped"
            self._dropped.append("content_block_start")
        else:
            place = sum(isinstance(at, int) for at in self._owners) if index is None else index
            held = HeldBlock(place, block, torn=known is not None or index is None)
            self._owners[index] = held
            self._held.append(held)
            self._queued(frame, held)

    def _block_delta(self, frame: Frame) -> None:
        delta: object = get(frame.event, "delta")
        owner = self._owners.get(_index(frame.event))
        is_input = get(delta, "partial_json") is not None or text(delta, "type") == "input_json_delta"
        match owner:
            case HeldBlock(complete=False):
                owner.hear(delta)
                self._queued(frame, owner)
            case HeldBlock() | "dropped":
                self._dropped.append("content_block_delta")
            case "free" | None if is_input:
                self._dropped.append("content_block_delta")
            case _:
                self._queued(frame)

    def _block_stop(self, frame: Frame) -> None:
        owner = self._owners.get(_index(frame.event))
        match owner:
            case HeldBlock(complete=False):
                owner.complete = True
                self._queued(frame, owner)
            case HeldBlock() | "dropped":
                self._dropped.append("content_block_stop")
            case _:
                self._queued(frame)

    # Asking, and letting go.

    def _ask_complete(self, event: object, event_type: str) -> None:
        """Ask for the calls of which this event shows that they are complete, or never will be."""
        if self._first_unasked == len(self._held):
            return
        ends = event_type == "message_stop" or (event_type == "message_delta" and _stop_reason(event) != "")
        cut_off = _stop_reason(event) in CUT_OFF
        for held in self._held[self._first_unasked :]:
            if not (held.complete or ends):
                break
            last = held is self._held[-1] and held.index == max(_indices(self._owners), default=held.index)
            self._keys += 1
            key = CallKey(self._keys)
            self._asked[key] = held
            self._new.append(AskedCall(key, held.read(unfinished=not held.complete or (cut_off and last))))
            held.complete = True

    @property
    def _first_unasked(self) -> int:
        return self._keys  # calls are asked for in the order in which they began, each once

    def _queued(self, frame: Frame, held: HeldBlock | None = None) -> None:
        self._queue.append(_Queued(frame, held))
        if not _undecided(self._queue[0].held):
            self._drain()

    def _drain(self) -> None:
        while self._queue and not _undecided(self._queue[0].held):
            queued = self._queue.popleft()
            event = queued.frame.event
            events = [self._ending(event)] if queued.held is None else queued.held.replay(event)
            if queued.held is not None and text(event, "type") == "content_block_start":
                self._shift -= queued.held.vanishes
            self._ready += [self._left(queued.frame, self._moved(released)) for released in events]

    def _left(self, frame: Frame, event: object) -> object:
        """What is sent for an event of this frame."""
        event = self._leaving(event)
        return (frame if event is frame.event else frame.changed(event)).released

    def _moved(self, event: object) -> object:
        """The event at its index among all blocks that are told."""
        index = _index(event)
        return event if index is None or not self._shift else with_fields(event, index=index + self._shift)

    def _ending(self, event: object) -> object:
        """The event; if it says that the message stopped for a call and none is left, that it just ended."""
        if _stop_reason(event) != CALL_REASON or not self._held:
            return event
        if any(isinstance(held.outcome, Pass) for held in self._held):
            return event
        return with_fields(event, delta=with_fields(get(event, "delta"), stop_reason="end_turn"))

    def _release(self) -> Release:
        released = Release(tuple(self._ready), tuple(self._dropped))
        self._ready, self._dropped = [], []
        return released


def _undecided(held: HeldBlock | None) -> bool:
    return held is not None and held.outcome is None


def _index(event: object) -> int | None:
    index = whole(event, "index")
    return index if index is not None and index >= 0 else None


def _indices(owners: Mapping[int | None, object]) -> list[int]:
    return [index for index in owners if index is not None]


def _stop_reason(event: object) -> str:
    return text(get(event, "delta"), "stop_reason") if text(event, "type") == "message_delta" else ""


def _has_call(value: object) -> bool:
    blocks: list[object] = value if isinstance(value, list) else [value]
    return any(map(is_call, blocks))
