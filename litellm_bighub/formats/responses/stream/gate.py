"""The state machine through which a Responses stream leaves: text at once, a call only after its decision.

```
                 ╭──────────── the queue is empty ────────────╮
                 ▼                                            │
             (flowing) ──first event of a call──▶ (holding) ──╯
                 ╰──────────── finish ───▶ (finished) ◀───────╯
```

Holding, every event queues, so that what leaves keeps the order in which it came; an item goes the way drawn in
`held.State`. The queue moves on when the call at its head is decided.

What a call does is asked for when its `output_item.done` comes, or in the terminal envelope if that never came. A call
whose stream ends before it is complete is asked for as unreadable, and so is one that the stream shows in two
versions. A call that stands only in an envelope is asked for before that envelope leaves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from litellm_bighub.domain.call import ReasoningMark, ToolCall
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import GateError
from litellm_bighub.formats.payload.copies import text, whole, with_fields
from litellm_bighub.formats.payload.fields import get, is_object
from litellm_bighub.formats.responses.approval_request import request_item
from litellm_bighub.formats.responses.calls import edited_payload, read_call
from litellm_bighub.formats.responses.event_kinds import ADDED, BEGINNING, EVENTS, TERMINAL
from litellm_bighub.formats.responses.item_kinds import is_call, is_unfinished, may_be_call
from litellm_bighub.formats.responses.notice_item import notice_item
from litellm_bighub.formats.responses.reasoning_items import is_reasoning, reasoning_mark
from litellm_bighub.formats.responses.shape import type_of_event
from litellm_bighub.formats.responses.stream.envelope import carries_call, output_of, rewritten
from litellm_bighub.formats.responses.stream.held_item import HeldItem, HeldState
from litellm_bighub.formats.responses.stream.item_matches import ItemMatches
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
from litellm_bighub.formats.stream.sequence_numbers import Numbering

_Free: TypeAlias = Literal["free"]
_FREE: _Free = "free"


@dataclass(frozen=True, slots=True)
class _Queued:
    """An event and the held items it waits for: its own, or by their place in an envelope's output."""

    event: object
    item: HeldItem | None = None
    copies: Mapping[int, HeldItem] | None = None

    @property
    def waits(self) -> bool:
        if self.item is not None:
            return self.item.undecided
        return self.copies is not None and any(held.undecided for held in self.copies.values())


class ResponsesGate:
    """One stream's gate. It never waits and never writes to an event.

    Args:
        new_item_id: makes ids for the messages that replace withheld calls, `msg_…`.
        refusals: whether those messages are refusals, as `notice.wants_refusals` says of the request.
        leaving: changes what leaves.
    """

    def __init__(self, *, new_item_id: Callable[[], str], refusals: bool = False, leaving: Leaving = unchanged) -> None:
        self._leaving = leaving
        self._new_item_id = new_item_id
        self._refusals = refusals
        self._queue: deque[_Queued] = deque()
        self._by_index: dict[int, HeldItem | _Free] = {}
        self._by_id: dict[str, HeldItem | _Free] = {}
        self._held: list[HeldItem] = []
        self._asked: dict[CallKey, HeldItem] = {}
        self._reasoning: dict[int, ReasoningMark] = {}
        self._keys = 0
        self._numbering = Numbering()
        self._begun: object = None
        self._finished = False

    @property
    def unanswered(self) -> frozenset[CallKey]:
        """The calls that were asked for and have no outcome yet."""
        return frozenset(self._asked)

    def feed(self, event: object) -> Release | Ask | Hold:
        """Take the upstream's next event.

        Raises:
            UnreadableAnswerError: it is none.
        """
        self._check_running()
        event_type = type_of_event(event)
        match EVENTS.get(event_type):
            case "other":
                return self._other(event, event_type)
            case "item":
                return self._added(event) if event_type == ADDED else self._done(event)
            case "call":
                return self._arguments(event, event_type)
            case "envelope":
                return self._envelope(event, terminal=event_type in TERMINAL)
            case None:
                return self._unknown(event, event_type)

    def answer(self, outcomes: Mapping[CallKey, Outcome]) -> Release:
        """Take the outcomes of some of the asked calls, and release what stands behind them.

        Raises:
            GateError: a key that was never asked or is answered already.
            PayloadError: edited arguments that have no place in their call.
        """
        self._check_running()
        for key, outcome in outcomes.items():
            held = self._asked.get(key)
            if held is None:
                raise GateError(f"call {key} is not waiting for an outcome")
            if isinstance(outcome, Pass) and outcome.edited is not None and held.superseded_by is None:
                edited_payload(held.item, outcome.edited)
        for key, outcome in outcomes.items():
            self._decide(self._asked.pop(key), outcome)
        return self._drain()

    def finish(self, notice: str = STREAM_ENDED) -> Release:
        """The upstream has no more events: withhold whatever is undecided, and release the rest.

        Args:
            notice: the text that takes the place of calls nobody decided on.
        """
        self._check_running()
        self._finished = True
        dropped = [text(queued.event, "type") for queued in self._queue if queued.item and queued.item.undecided]
        for held in self._held:
            if held.undecided and held.superseded_by is None:
                self._decide(held, Withhold(notice))
        self._asked.clear()
        return Release(self._drain().events, tuple(dropped))

    def keep_alive(self) -> Release:
        """A `response.in_progress` as the last one, which says no more than that the response is not complete."""
        self._check_running()
        if self._begun is None:
            return Release()
        event: dict[str, object] = {"type": "response.in_progress", "response": with_fields(self._begun)}
        if self._numbering.numbered:
            self._numbering.shift()
            event["sequence_number"] = -1
        return Release((self._left(event),))

    def _check_running(self) -> None:
        if self._finished:
            raise GateError("the gate is finished")

    # What to do with an event.

    def _other(self, event: object, event_type: str) -> Release | Hold:
        owner = self._owner(event, texts=True) if self._held else None
        return self._queued(event, event_type, owner if isinstance(owner, HeldItem) else None)

    def _added(self, event: object) -> Release | Hold:
        item: object = get(event, "item")
        if not may_be_call(item):
            self._register(event, item, _FREE)
            return self._queued(event, ADDED, None)
        held = self._open_owner(event, item)
        if held is None:
            held = self._new(event, item)
        else:
            held.versions.torn = True
        held.versions.early.append(item)
        return self._queued(event, ADDED, held)

    def _done(self, event: object) -> Release | Ask | Hold:
        item: object = get(event, "item")
        held = self._open_owner(event, item)
        if held is None:
            if not is_call(item):
                self._hear_reasoning(whole(event, "output_index"), item)
                return self._queued(event, "", None)
            held = self._new(event, item)
        self._queue.append(_Queued(event, held))
        call = held.complete(item)
        return self._drain_or_hold() if call is None else Ask((self._ask(held, call),))

    def _arguments(self, event: object, event_type: str) -> Release | Hold:
        owner = self._owner(event)
        if owner is None and (_id(event) or whole(event, "output_index") is not None):
            owner = self._new(event, None)
        if not isinstance(owner, HeldItem) or owner.state is not HeldState.OPEN:
            return self._drop(event_type)
        owner.versions.hear(event, event_type)
        return self._queued(event, event_type, owner)

    def _unknown(self, event: object, event_type: str) -> Release | Ask | Hold:
        if output_of(event) is not None:
            return self._envelope(event, terminal=False)
        item: object = get(event, "item")
        owner = self._owner(event, item)
        if item is not None and is_call(item):
            held = owner if isinstance(owner, HeldItem) else self._new(event, item)
            held.versions.early.append(item)
            return self._queued(event, event_type, held)
        if carries_call(event) or ("call" in event_type and owner is None):
            return self._drop(event_type)
        return self._queued(event, event_type, owner if isinstance(owner, HeldItem) else None)

    def _envelope(self, event: object, *, terminal: bool) -> Release | Ask | Hold:
        matching = ItemMatches(self._held, self._by_index, self._by_id)
        copies: dict[int, HeldItem] = {}
        asked: list[AskedCall] = []
        for index, item in enumerate(output_of(event) or ()):
            if not may_be_call(item):
                self._hear_reasoning(index, item)
                continue
            held = matching.open_item(index, item)
            if held is not None:
                if not terminal:
                    held.versions.early.append(item)
                elif (call := held.abandon() if is_unfinished(item) else held.complete(item, cut=True)) is not None:
                    asked.append(self._ask(held, call))
            elif is_call(item):
                held = matching.same_version(index, item)
                if held is None:
                    held, call = self._other_version(index, item, matching.other_version(index, item))
                    asked.append(self._ask(held, call))
            if held is not None:
                copies[index] = held
                matching.take(held)
        if terminal:
            asked += [self._ask(held, held.abandon()) for held in self._held if held.state is HeldState.OPEN]
        self._queue.append(_Queued(event, copies=copies))
        return Ask(tuple(asked)) if asked else self._drain_or_hold()

    def _other_version(self, index: int, item: object, known: HeldItem | None) -> tuple[HeldItem, ToolCall]:
        """A call that only this envelope shows. If it is another version of one still here, both share its outcome."""
        held = HeldItem(index)
        self._held.append(held)
        held.versions.torn = known is not None
        call = held.complete(item)
        assert call is not None  # noqa: S101 - for the type checkers; the caller asked `is_call`
        if known is not None and not known.begun:
            known.state = HeldState.ASKED
            known.superseded_by = held
            held.supersedes = known
        return held, call

    # Who an event belongs to.

    def _owner(self, event: object, item: object = None, *, texts: bool = False) -> HeldItem | _Free | None:
        index = whole(event, "output_index")
        by_index = None if index is None else self._by_index.get(index)
        by_id = self._by_id.get(_id(event, item))
        if texts and by_id == _FREE:
            return by_id
        if isinstance(by_index, HeldItem) or not isinstance(by_id, HeldItem):
            return by_index or by_id
        return by_id

    def _open_owner(self, event: object, item: object) -> HeldItem | None:
        owner = self._owner(event, item, texts=not may_be_call(item))
        if not isinstance(owner, HeldItem) or owner.state is not HeldState.OPEN:
            return None
        # LiteLLM tells the tools that it lists itself at the place of an item that is still open.
        return None if text(item, "type") == "mcp_list_tools" and _is_another(owner, item) else owner

    def _new(self, event: object, item: object) -> HeldItem:
        index = whole(event, "output_index")
        held = HeldItem(max(self._by_index, default=-1) + 1 if index is None else index)
        self._held.append(held)
        self._register(event, item, held)
        return held

    def _register(self, event: object, item: object, owner: HeldItem | _Free) -> None:
        index = whole(event, "output_index")
        if index is not None:
            self._by_index[index] = owner
        if item_id := _id(event, item):
            self._by_id[item_id] = owner

    # Asking, deciding, letting go.

    def _ask(self, held: HeldItem, call: ToolCall) -> AskedCall:
        self._keys += 1
        key = CallKey(self._keys)
        self._asked[key] = held
        before = self._reasoning.get(held.index - 1)
        return AskedCall(key, call if before is None else replace(call, reasoning=before))

    def _hear_reasoning(self, index: int | None, item: object) -> None:
        if index is not None and is_reasoning(item):
            self._reasoning[index] = reasoning_mark(item)

    def _decide(self, held: HeldItem, outcome: Outcome) -> None:
        if held.superseded_by is None:  # otherwise the other version's outcome counts
            held.decide(outcome, self._in_place)

    def _in_place(self, withheld: Withhold, item: object) -> JsonObject:
        if withheld.approval_id:
            call = read_call(item, "")
            return request_item(withheld.approval_id, call.name, call.arguments)
        return notice_item(withheld.item_id or self._new_item_id(), withheld.notice, refusal=self._refusals)

    def _queued(self, event: object, event_type: str, held: HeldItem | None) -> Release | Hold:
        if held is not None and held.state is not HeldState.OPEN and held.state is not HeldState.FREE:
            return self._drop(event_type)  # came after the version that was asked about
        if held is None and not self._queue:
            return Release((self._left(event),))
        self._queue.append(_Queued(event, held))
        return self._drain_or_hold()

    def _drop(self, event_type: str) -> Release:
        self._numbering.shift()
        return Release((), (event_type,))

    def _drain_or_hold(self) -> Release | Hold:
        released = self._drain()
        return released if released.events else Hold()

    def _drain(self) -> Release:
        events: list[object] = []
        while self._queue and not self._queue[0].waits:
            events += map(self._left, self._let_go(self._queue.popleft()))
        return Release(tuple(events))

    def _left(self, event: object) -> object:
        """What is sent for an event."""
        return self._numbering.number(self._leaving(event))

    def _let_go(self, queued: _Queued) -> list[Payload]:
        if queued.item is not None:
            released = queued.item.replay(queued.event)
            if len(released) != 1:
                self._numbering.shift()
            return released
        event = rewritten(queued.event, queued.copies or {})
        event_type = text(event, "type")
        if event_type in BEGINNING and is_object(response := get(event, "response")):
            self._begun = with_fields(response)  # a copy: LiteLLM encrypts the id in the one that leaves
        if event_type in TERMINAL:
            self._begun = None
        return [event]


def _is_another(held: HeldItem, item: object) -> bool:
    """Whether an item has an id, and not the one by which the held item is known."""
    known = {text(version, "id") for version in held.versions.early} - {""}
    return bool(known) and text(item, "id") not in {"", *known}


def _id(event: object, item: object = None) -> str:
    return (text(item, "id") if item is not None else "") or text(event, "item_id")
