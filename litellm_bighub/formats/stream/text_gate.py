"""The state machine through which the texts of a stream leave, each scanned and rewritten before.

```
               ╭───────── answer: Release ──────────╮
               ▼                                    │    ╭──╮
           (flowing) ──────── feed: Scan ──────▶ (asking)   │ answer: Scan
               │  │                                 ▲    ◀──╯
               │  ╰──────── feed: Release | Hold
               │
               ├── finish: Scan ──▶ (closing) ──answer: Release──▶ (finished)
               ╰────────────── finish: Release ──────────────────────▲
```

A text is a *part* from its first delta to its last; how it is scanned meanwhile is told in `text_part`. What only whole
events tell (a search's query, a file's text, an annotation's title) is scanned once, when it is first seen. In which
order events leave while some of them wait is told in `lanes`. What an event tells, its format reads (`event_texts`).

Where a done event, an item or an envelope tells a part's text again, it gets what was released. If it says more than
the deltas did, the rest is scanned first; if it says something else, the released text counts. A text that no part
explains is scanned on its own. What a command printed that the provider ran leaves when all of it is known, in the done
event: its deltas tell two texts at once, of which neither is a part.

Texts that are parts of one message are asked about together where they wait together, for a second look. Of a part that
has left, the scan shows the end: of a secret that began there, what comes behind it can still be masked.

The driver:

```
step = gate.feed(event)                     # or everything that has arrived: feed(*events)
while isinstance(step, Scan):
    step = gate.answer(await check(step.texts))   # one answer for each text, in their order
match step: Release(events) -> send them on; Hold() -> nothing may leave now
...
step = gate.finish()                        # and the same loop
```
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol, TypeAlias

from typing_extensions import assert_never

from litellm_bighub.errors import GateError
from litellm_bighub.formats.payload.json_escapes import unescaped
from litellm_bighub.formats.payload.message_parts import message_parts
from litellm_bighub.formats.payload.slots import NO_TEXTS, Slot, TextKind, Where
from litellm_bighub.formats.stream.event_texts import (
    AnnotationTexts,
    AnnouncedTexts,
    CarriedText,
    EventTexts,
    GroupedTexts,
    LastTexts,
    PieceTexts,
    Place,
    StreamedText,
    ToldTexts,
    with_delta,
)
from litellm_bighub.formats.stream.gate_protocol import Hold, Release, unchanged
from litellm_bighub.formats.stream.lanes import Lanes
from litellm_bighub.formats.stream.text_items import CallState, Item, Items
from litellm_bighub.formats.stream.text_part import Delta, Mode, TextPart, Window
from litellm_bighub.formats.stream.waiting_texts import (
    LATER,
    Annotation,
    Announced,
    Ended,
    Grouped,
    Joined,
    Lone,
    SoFar,
    Source,
    Telling,
    Tokens,
)

_Key: TypeAlias = tuple[str, TextKind | None]

_REACH: Final = 2000
"""How much of the parts before is shown with a part where texts are held whole."""


class TextGateState(Enum):
    """Where the gate is, as drawn above."""

    FLOWING = auto()
    ASKING = auto()
    CLOSING = auto()
    FINISHED = auto()


@dataclass(frozen=True, slots=True)
class JoinedParts:
    """Texts that stand one behind the other in a message, and are looked at once more as one.

    Attributes:
        indices: which of a scan's texts.
        before: the end of what stands before them, and has left or is scanned at another time.
    """

    indices: tuple[int, ...]
    before: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """Check these texts, each on its own, and answer with exactly as many, and behind them the images and the files.

    Attributes:
        texts: each once.
        calls: the tool calls that have become complete, whose texts are among them or were checked before.
        joined: which of the texts belong together.
        images: each once.
        files: those that hold no text, each once.
    """

    texts: tuple[str, ...]
    calls: tuple[object, ...] = ()
    joined: tuple[JoinedParts, ...] = ()
    images: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class StreamTextGate(Protocol):
    """One stream's gate for texts, as its driver sees it."""

    def feed(self, *events: object) -> Release | Scan | Hold:
        """Take the upstream's next events, usually one. All that came while a scan ran may be fed together."""
        ...

    def answer(self, texts: Sequence[str]) -> Release | Scan:
        """Take the answers to the outstanding scan, one for each of its texts, images and files."""
        ...

    def finish(self) -> Release | Scan:
        """The upstream has no more events. What is still pending has to be scanned, or never leaves."""
        ...


class _Question(Protocol):
    @property
    def question(self) -> str: ...
    def verify(self, answer: str) -> None: ...
    def answer(self, answer: str) -> bool: ...


CallOf: TypeAlias = Callable[[object, Mapping[Place, str]], "object | None"]


MessageOf: TypeAlias = Callable[[Item, Place, TextKind], "Hashable | None"]


def _of_no_message(item: Item, place: Place, kind: TextKind) -> None:
    """No text is a part of a message."""
    del item, place, kind


def announced_call(announced: object, texts: Mapping[Place, str]) -> object | None:
    """The call that an item was announced as, with the texts that deltas told of it."""
    call = announced
    for place, text in texts.items():
        if call is not None and len(place) == 1:
            call = with_delta(call, place, text)
    return call


class TextGate:
    """One stream's gate for texts. It never waits and never writes to an event.

    Args:
        read: what an event of the stream's format tells of texts.
        may_stream: whether deltas can tell the text at a place.
        mode: how texts are scanned that arrive in deltas. JSON texts are always held whole.
        independent: whether items do not wait for each other.
        taken: an event as it is taken, without what nobody could look at.
        call_of: the tool call of an item, made of how it was announced and of its texts by their places; `None` if it
            is none.
        message_of: tells by the item, place and kind of a text which message it is a part of; `None` if of none.
    """

    def __init__(
        self,
        read: Callable[[object], EventTexts],
        *,
        may_stream: Callable[[Place], bool],
        mode: Mode | None = None,
        independent: bool = False,
        call_of: CallOf = announced_call,
        message_of: MessageOf = _of_no_message,
        taken: Callable[[object], object] = unchanged,
    ) -> None:
        self._read = read
        self._taken = taken
        self._call_of = call_of
        self._message_of = message_of
        self._messages: dict[Hashable, list[TextPart]] = {}
        self._place_in_message: dict[TextPart, tuple[list[TextPart], int]] = {}
        self._told_together: list[list[Lone]] = []
        self._may_stream = may_stream
        self._mode: Mode = mode or Window()
        self._state = TextGateState.FLOWING
        self._lanes = Lanes(independent=independent)
        self._items = Items()
        self._open: dict[TextPart, Item] = {}
        self._ended: dict[_Key, TextPart] = {}
        self._lone: dict[_Key, Lone] = {}
        self._touched: dict[TextPart, Item] = {}
        self._unasked: list[Lone] = []
        self._asked: list[_Question] = []
        self._open_calls: dict[Item, list[Lone]] = {}
        self._waiting: dict[Item, dict[TextPart, None]] = {}
        self._calls: dict[Item, object] = {}
        self._tokens: dict[Item, Tokens] = {}

    @property
    def state(self) -> TextGateState:
        """Where the gate is."""
        return self._state

    def feed(self, *events: object) -> Release | Scan | Hold:
        """Take the upstream's next events, usually one. All that came while a scan ran may be fed together.

        Raises:
            GateError: a scan is not answered yet, or the gate is finished.
            PayloadError: an event has no place where its texts can be read.
        """
        self._check(TextGateState.FLOWING)
        for event in map(self._taken, events):
            self._take(event, self._read(event))
        if self._ask():
            self._state = TextGateState.ASKING
            return self._scan
        released = self._lanes.drain()
        return Release(released) if released else Hold()

    def answer(self, texts: Sequence[str]) -> Release | Scan:
        """Take the answers to the outstanding scan.

        Args:
            texts: one for each text of the scan, in their order, and behind them its images and its files.

        Raises:
            GateError: no scan is outstanding, or it has another number of texts.
            PayloadError: a rewritten JSON text is no JSON any more. Nothing has changed in the gate.
        """
        self._check(TextGateState.ASKING, TextGateState.CLOSING)
        if isinstance(texts, str) or len(texts) != len(self._asked):
            raise GateError(f"a scan of {len(self._asked)} texts is answered with {len(texts)}")
        for question, answer in zip(self._asked, texts, strict=True):
            question.verify(answer)
        again = [question for question, answer in zip(self._asked, texts, strict=True) if not question.answer(answer)]
        for question in self._asked:
            self._lanes.wake(question)
        self._asked = again
        self._told_together = []
        for item in self._calls:
            item.call_state = CallState.ANSWERED
            self._lanes.wake(item)
        self._calls.clear()
        if again:
            return self._scan
        self._state = TextGateState.FLOWING if self._state is TextGateState.ASKING else TextGateState.FINISHED
        return Release(self._lanes.drain())

    def finish(self) -> Release | Scan:
        """The upstream has no more events. What is still pending has to be scanned, or never leaves."""
        self._check(TextGateState.FLOWING)
        self._end(list(self._open))
        self._complete(list(self._items.all()))
        self._state = TextGateState.CLOSING if self._ask() else TextGateState.FINISHED
        return self._scan if self._state is TextGateState.CLOSING else Release(self._lanes.drain())

    def _check(self, *states: TextGateState) -> None:
        if self._state not in states:
            raise GateError(f"the gate is {self._state.name.lower()}")

    @property
    def _scan(self) -> Scan:
        told: dict[TextKind | None, list[str]] = {kind: [] for kind in (None, *NO_TEXTS)}
        for question in self._asked:
            kind = question.slot.kind if isinstance(question, Lone) and question.slot.kind in NO_TEXTS else None
            told[kind].append(question.question)
        texts, images, files = map(tuple, told.values())
        return Scan(texts, tuple(self._calls.values()), tuple(self._joined()), images, files)

    def _joined(self) -> Iterator[JoinedParts]:
        """Which of the texts that are asked about belong together.

        A part of which something has left already was joined to what stands before it when that was asked about.
        """
        if not self._place_in_message and not self._told_together:
            return
        places: dict[object, int] = {question: index for index, question in enumerate(self._asked)}
        messages: dict[int, tuple[list[TextPart], list[int]]] = {}
        for part in places:
            if isinstance(part, TextPart) and part in self._place_in_message:
                parts, number = self._place_in_message[part]
                messages.setdefault(id(parts), (parts, []))[1].append(number)
        for parts, numbers in messages.values():
            first = min(numbers)
            before = "" if parts[first].left > 0 else self._before(parts, first)
            joined = [places[parts[n]] for n in sorted(numbers) if n == first or not parts[n].left]
            if len(joined) + bool(before) > 1:
                yield JoinedParts(tuple(joined), before)
        for lones in self._told_together:
            indices = tuple(dict.fromkeys(places[lone] for lone in lones if lone in places))
            if len(indices) > 1:
                yield JoinedParts(indices)

    def _before(self, parts: Sequence[TextPart], end: int) -> str:
        """The end of the first ones of these texts."""
        reach = self._mode.overlap if isinstance(self._mode, Window) else _REACH
        before = ""
        for number in range(end - 1, -1, -1):
            before = parts[number].end_of(reach - len(before)) + before
            if len(before) >= reach:
                break
        return before

    def _ask(self) -> bool:
        """Whether something has to be asked. The texts of a call wait for its end, since only then is it one."""
        self._asked = []
        for part, item in self._touched.items():
            if item in self._open_calls:
                self._waiting.setdefault(item, {})[part] = None
            elif part.due:
                self._asked.append(part)
        unasked = sorted(self._unasked, key=_order)
        self._asked += unasked
        self._touched = {}
        self._unasked = []
        if not self._asked:
            self._told_together = []
        return bool(self._asked or self._calls)

    def _complete(self, items: Iterable[Item], told: object = None) -> None:
        """No more comes of these items: those that are calls are asked about as such, each once."""
        for item in items:
            self._unasked += self._open_calls.pop(item, ())
            if item.call_state in {CallState.ASKED, CallState.ANSWERED}:
                continue
            texts = {place: part.raw for place, part in item.parts.items()}
            call = self._call_of(item.call, texts) if told is None else told
            if call is not None:
                self._calls[item] = call
                item.call_state = CallState.ASKED
            self._touched |= dict.fromkeys([*self._waiting.pop(item, ()), *item.parts.values()], item)

    # What to do with an event.

    def _take(self, event: object, told: EventTexts) -> None:
        if isinstance(told, GroupedTexts):
            self._take_grouped(event, told)
            return
        if isinstance(told, LastTexts):
            self._tell(event, self._items.none, told.texts, list(self._open))
            self._complete(list(self._open_calls))
            return
        item = self._items.of(told.item_id, told.index)
        match told:
            case StreamedText():
                self._take_streamed(event, item, told)
            case ToldTexts(ends=ends):
                parts = () if ends is None else (part for place, part in item.parts.items() if _is_below(place, ends))
                self._tell(event, item, told.texts, [part for part in parts if not part.ended])
                if told.call is not None or (ends == () and item.call is not None):
                    self._complete([item], told.call)
            case AnnouncedTexts(call=call):
                if call is not None and item.call_state is CallState.NONE:
                    item.call, item.call_state = call, CallState.ANNOUNCED
                    self._open_calls[item] = []
                self._announce(event, item, told.texts)
            case PieceTexts():
                self._lanes.add(item.index, Telling(event, [(found, LATER) for found in told.texts]))
            case AnnotationTexts():
                self._take_annotation(event, item, told)
            case _:
                assert_never(told)

    def _take_streamed(self, event: object, item: Item, told: StreamedText) -> None:
        part = item.parts.get(told.place)
        if not told.is_done:
            self._take_delta(event, item, part, told)
            return
        texts: list[CarriedText] = []
        if told.keys:
            whole = unescaped(told.text) if told.kind is TextKind.JSON else told.text
            slot = Slot(event, told.keys[-1], whole, told.kind, _where(told.keys))
            texts = [CarriedText(told.keys, slot, told.place)]
        self._tell(event, item, texts, [part for part in (part,) if part is not None and not part.ended])

    def _take_delta(self, event: object, item: Item, part: TextPart | None, told: StreamedText) -> None:
        if part is None:
            part = self._new_part(item, told.place, told.kind)
        delta = Delta(event, told.text, told.keys)
        if part.ended:
            # It came after the text was told whole: scanned like any other, so that it is not lost in silence.
            part = item.parts[told.place] = self._new_part(item, told.place, told.kind)
        part.hear(delta)
        self._touched[part] = item
        self._lanes.add(item.index, delta)

    def _take_grouped(self, event: object, told: GroupedTexts) -> None:
        item = self._items.of(told.item_id, told.index)
        for place, piece in told.pieces:
            part = item.parts.get(place) or self._new_part(item, place, TextKind.TOKENS)
            part.hear(Delta(None, piece))
        beside = None
        if told.beside is not None:
            beside = self._items.of(told.beside[0], None).parts.get(told.beside[1])
        self._lanes.add(item.index, Grouped(event, self._tokens_of(item), beside, told.end))

    def _take_annotation(self, event: object, item: Item, told: AnnotationTexts) -> None:
        telling = Telling(event, [(found, self._alone(found.slot)) for found in told.texts])
        part = item.parts.get(told.place)
        self._lanes.add(item.index, telling if part is None else Annotation(telling, part, told.end))

    def _announce(self, event: object, item: Item, texts: list[CarriedText]) -> None:
        telling = Telling(event, after=item if item in self._open_calls else None)
        for found in texts:
            telling.texts.append((found, self._announced(item, found)))
        self._tell_together(telling)
        self._lanes.add(item.index, telling)

    def _announced(self, item: Item, found: CarriedText) -> Source:
        if found.place is None or found.slot.kind in NO_TEXTS or not self._may_stream(found.place):
            return self._alone(found.slot, item)
        part = item.parts.get(found.place)
        if part is None:
            part = self._new_part(item, found.place, found.slot.kind)
            part.announce(found.slot.text)
        elif part.announced != found.slot.text:
            return SoFar(part)
        return Announced(part)

    def _tell(self, event: object, item: Item, texts: list[CarriedText], ends: Iterable[TextPart]) -> None:
        """Take an event that tells texts whole, and with it these parts end."""
        places = [(found, self._items.part_at(item, found)) for found in texts]
        ends = dict.fromkeys(ends)
        for found, part in places:
            if part is not None and not part.ended and part in ends:
                self._end([part], found.slot.text)
        self._end([part for part in ends if not part.ended])
        telling = Telling(event, [(found, self._source(found, part)) for found, part in places])
        self._join(telling)
        self._tell_together(telling)
        self._lanes.add(item.index, telling)

    def _tell_together(self, telling: Telling) -> None:
        """Note which texts of an event that nobody was asked about belong together."""
        lones = [
            (found.slot, source)
            for found, source in telling.texts
            if isinstance(source, Lone) and not source.settled and found.slot.kind not in NO_TEXTS
        ]
        if len(lones) > 1:
            for indices in message_parts([slot for slot, _ in lones]):
                self._told_together.append([lones[index][1] for index in indices])

    def _source(self, found: CarriedText, part: TextPart | None) -> Source:
        same = self._ended.get(_key(found.slot.text, found.slot.kind))
        if part is not None and not part.ended:
            return SoFar(part)
        if part is not None and not part.empty and (same is None or same.raw == part.raw):
            return Ended(part)
        return self._alone(found.slot) if same is None else Ended(same)

    def _join(self, telling: Telling) -> None:
        """Some answers carry all their output texts joined once more."""
        for n, (found, _) in enumerate(telling.texts):
            if found.joins:
                texts = [
                    (other.slot.text, source)
                    for other, source in telling.texts
                    if other.slot.kind is TextKind.OUTPUT_TEXT and other is not found
                ]
                if "".join(own for own, _ in texts) == found.slot.text:
                    telling.texts[n] = (found, Joined(tuple(texts)))

    def _alone(self, slot: Slot, item: Item | None = None) -> Lone:
        """A text of no part. One of a call that is announced is asked about with that call."""
        key = _key(slot.text, slot.kind)
        lone = self._lone.get(key)
        if lone is None:
            lone = self._lone[key] = Lone(slot)
            (self._unasked if item is None else self._open_calls.get(item, self._unasked)).append(lone)
        return lone

    # Parts.

    def _new_part(self, item: Item, place: Place, kind: TextKind) -> TextPart:
        where: Where = ((None, "output"), item.index)
        for key in place:
            where = (where, key)
        part = item.parts[place] = TextPart(self._mode, kind, where)
        self._open[part] = item
        if kind is TextKind.TOKENS:
            self._tokens_of(item).add(part)
        message = self._message_of(item, place, kind)
        if message is not None:
            parts = self._messages.setdefault(message, [])
            self._place_in_message[part] = parts, len(parts)
            parts.append(part)
        return part

    def _tokens_of(self, item: Item) -> Tokens:
        return self._tokens.setdefault(item, Tokens())

    def _end(self, parts: Sequence[TextPart], said: str | None = None) -> None:
        for part in parts:
            part.end(said)
            self._lanes.wake(part)
            self._touched[part] = self._open.pop(part)
            for told in (part.raw, part.announced, said):
                if told:
                    self._ended[_key(told, part.kind)] = part
                    if part.kind is TextKind.JSON:
                        self._ended[_key(unescaped(told), part.kind)] = part


def _key(text: str, kind: TextKind) -> _Key:
    """Equal texts get one answer, but what answers prose may be no JSON, and no image."""
    return text, kind if kind is TextKind.JSON or kind in NO_TEXTS else None


def _order(lone: Lone) -> int:
    """Texts come first, then images, then files."""
    return NO_TEXTS.index(lone.slot.kind) if lone.slot.kind in NO_TEXTS else -1


def _is_below(place: Place, beginning: Place) -> bool:
    return place[: len(beginning)] == beginning


def _where(keys: Place) -> Where:
    where: Where = None
    for key in keys:
        where = (where, key)
    return where
