"""The state machine through which a chat stream leaves: text at once, calls only after their decision.

Each choice goes its own way:

```
(open) ──finish_reason, calls seen──▶ (asked) ──all answered──▶ (decided)
   ╰───────────────────────── finish ─────────────────────────────▲
```

A call may get another piece until its choice has finished, so all calls of a choice are asked for in one `Ask` when its
`finish_reason` comes. Content, reasoning and refusals never wait: clients join them apart from the calls. The pieces
of calls and the `finish_reason` wait for the choice's decisions; chunks without choices (usage) keep their place behind
what waits. Pieces that come after the `finish_reason` are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from litellm_bighub.errors import GateError
from litellm_bighub.formats.chat import chunks
from litellm_bighub.formats.chat.calls import CUT_OFF
from litellm_bighub.formats.chat.held_call import HeldCall
from litellm_bighub.formats.chat.held_choice import HeldChoice
from litellm_bighub.formats.chat.shape import check_chunk, check_first, check_rest
from litellm_bighub.formats.payload.copies import text, whole, with_fields, without
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.stream.gate_protocol import (
    STREAM_ENDED,
    Ask,
    AskedCall,
    CallKey,
    Hold,
    Leaving,
    Outcome,
    Release,
    Withhold,
    unchanged,
)

_Part: TypeAlias = "tuple[object, HeldChoice | None]"
"""A part of a choice, with the state that it waits for."""


@dataclass(frozen=True, slots=True)
class _Queued:
    """A chunk with one choice, or with none: then it waits for everything that came before."""

    chunk: object
    choice: HeldChoice | None


class ChatGate:
    """One stream's gate. It never waits and never writes to a chunk.

    Args:
        leaving: changes what leaves.
    """

    def __init__(self, leaving: Leaving = unchanged) -> None:
        self._leaving = leaving
        self._answer_id = ""
        self._choices: dict[int, HeldChoice] = {}
        self._queue: list[_Queued] = []
        self._ready: list[object] = []
        self._dropped: list[str] = []
        self._asked: dict[CallKey, HeldCall] = {}
        self._keys = 0
        self._finished = False
        self._latest: object = None

    @property
    def unanswered(self) -> frozenset[CallKey]:
        """The calls that were asked for and have no outcome yet."""
        return frozenset(self._asked)

    def feed(self, event: object) -> Release | Ask | Hold:
        """Take the upstream's next chunk. Text that comes with the end of a choice leaves with the next step.

        Raises:
            UnreadableAnswerError: it is none.
        """
        self._check_running()
        choices: object = get(event, "choices")
        if isinstance(choices, list | tuple) and choices:
            check_chunk(event, choices)
            if not self._choices:
                check_first(choices)
                self._answer_id = text(event, "id")
            return self._chunk(event, choices)
        check_rest(event)
        if self._queue:
            self._queue.append(_Queued(event, None))
            return self._released_or_hold(())
        return self._release((event,))

    def answer(self, outcomes: Mapping[CallKey, Outcome]) -> Release:
        """Take the outcomes of some of the asked calls, and release the choices that are decided now.

        Raises:
            GateError: a key that was never asked or is answered already.
            PayloadError: edited arguments that have no place in their call.
        """
        self._check_running()
        for key, outcome in outcomes.items():
            if key not in self._asked:
                raise GateError(f"call {key} is not waiting for an outcome")
            self._asked[key].check(outcome)
        for key, outcome in outcomes.items():
            self._asked.pop(key).outcome = outcome
        return self._release(self._drain())

    def finish(self, notice: str = STREAM_ENDED) -> Release:
        """The upstream has no more chunks: withhold whatever is undecided, and release the rest.

        Args:
            notice: the text that takes the place of calls nobody decided on.
        """
        self._check_running()
        self._finished = True
        undecided = [call for choice in self._choices.values() for call in choice.calls if call.outcome is None]
        for call in undecided:
            call.outcome = Withhold(notice)
        self._asked.clear()
        self._dropped += ["function_call" if call.legacy else "tool_calls" for call in undecided]
        return self._release(self._drain())

    def keep_alive(self) -> Release:
        """A chunk in which a choice that waits says nothing."""
        self._check_running()
        waiting = next((index for index, choice in self._choices.items() if choice.finished and choice.waits), None)
        if self._latest is None or waiting is None:
            return Release()
        return Release((chunks.silent(self._latest, waiting),))

    def _check_running(self) -> None:
        if self._finished:
            raise GateError("the gate is finished")

    def _chunk(self, chunk: object, choices: list[object] | tuple[object, ...]) -> Release | Ask | Hold:
        if get(choices[0], "delta") is not None:
            self._latest = chunk
        parts: list[_Part] = []
        asked: list[AskedCall] = []
        for choice in choices:
            parts += self._parts(choice, asked)
        flowing = [part for part, waits_for in parts if waits_for is None]
        held = [(part, waits_for) for part, waits_for in parts if waits_for is not None]
        as_it_came = len(parts) == len(choices) and all(
            part is own for (part, _), own in zip(parts, choices, strict=True)
        )
        flows: list[object] = []
        if flowing:
            flows = [chunk if as_it_came and not held else _with_choices(chunk, flowing, last=not held)]
        for at, (part, waits_for) in enumerate(held, 1):
            alone = as_it_came and len(choices) == 1
            own = chunk if alone else _with_choices(chunk, [part], last=at == len(held))
            self._queue.append(_Queued(own, waits_for))
        if asked:
            self._ready += flows
            return Ask(tuple(asked))
        return self._released_or_hold((*flows, *self._drain()))

    def _parts(self, choice: object, asked: list[AskedCall]) -> list[_Part]:
        """What flows of the choice, and what waits."""
        index = whole(choice, "index") or 0
        begins = index not in self._choices
        state = self._choices.setdefault(index, HeldChoice(index))
        if chunks.has_message(choice):
            self._dropped.append("message")
            choice = chunks.without_message(choice)
        calls, legacy = chunks.pieces(choice)
        ends = get(choice, "finish_reason") is not None
        if state.finished and (calls or legacy is not None):
            self._dropped.append("tool_calls" if calls else "function_call")
            choice = chunks.without_calls(choice)
            calls, legacy = (), None
            if not ends and not chunks.says_anything(choice):
                return []
        state.hear(calls, legacy)
        if not state.finished:
            state.said = state.said or chunks.has_text(choice)
        if ends and not state.finished:
            state.finished = True
            asked += self._ask(state, unfinished=text(choice, "finish_reason") in CUT_OFF)
        holds = bool(calls) or legacy is not None or (bool(state.calls) and (ends or state.finished))
        if not holds:
            return [(chunks.flowing(choice), None)]
        if not begins and ((state.finished and not ends) or not chunks.speaks(choice)):
            return [(choice, state)]
        # A choice begins at once, even with nothing to say: clients expect choices to begin in their order.
        return [(chunks.text_of(choice), None), (chunks.rest_of(choice), state)]

    def _ask(self, state: HeldChoice, *, unfinished: bool) -> list[AskedCall]:
        asked: list[AskedCall] = []
        for held, call in state.read(self._answer_id, unfinished=unfinished):
            self._keys += 1
            key = CallKey(self._keys)
            self._asked[key] = held
            asked.append(AskedCall(key, call))
        return asked

    def _drain(self) -> list[object]:
        released: list[object] = []
        waiting: list[_Queued] = []
        for queued in self._queue:
            if queued.choice is None:
                if waiting:
                    waiting.append(queued)
                else:
                    released.append(queued.chunk)
            elif queued.choice.waits:
                waiting.append(queued)
            else:
                released += queued.choice.replay(queued.chunk)
        self._queue = waiting
        return released

    def _released_or_hold(self, events: Iterable[object]) -> Release | Hold:
        step = self._release(events)
        return step if step.events or step.dropped else Hold()

    def _release(self, events: Iterable[object]) -> Release:
        released = Release(tuple(map(self._leaving, (*self._ready, *events))), tuple(self._dropped))
        self._ready, self._dropped = [], []
        return released


def _with_choices(chunk: object, choices: list[object], *, last: bool) -> object:
    """A part of the chunk; its usage goes with the last part."""
    part = with_fields(chunk, choices=choices)
    return part if last or get(chunk, "usage") is None else without(part, "usage")
