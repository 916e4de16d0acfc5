"""Events that carry texts whole, while they wait for the answers about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from litellm_bighub.formats.payload.slots import Slot, verify
from litellm_bighub.formats.stream.event_texts import CarriedText, with_texts
from litellm_bighub.formats.stream.text_items import CallState, Item
from litellm_bighub.formats.stream.text_part import TextPart


class Source(Protocol):
    """Where the answer about a carried text comes from."""

    @property
    def settled(self) -> bool:
        """Whether it is known."""
        ...

    @property
    def blocker(self) -> object:
        """What it waits for until then."""
        ...

    def replacement(self, text: str) -> str:
        """What stands in the place of this text."""
        ...


@dataclass(slots=True, eq=False)
class Lone:
    """A text that no deltas told: scanned once, wherever and however often it stands in the stream."""

    slot: Slot
    answered: str | None = None

    @property
    def settled(self) -> bool:
        """Whether it was scanned."""
        return self.answered is not None

    @property
    def blocker(self) -> object:
        """Itself."""
        return self

    @property
    def question(self) -> str:
        """What has to be scanned."""
        return self.slot.text

    def verify(self, answer: str) -> None:
        """Raise `PayloadError` if the answer cannot stand in the text's place."""
        verify([self.slot], [answer])

    def answer(self, answer: str) -> bool:
        """Take the guardrail's answer."""
        self.answered = answer
        return True

    def replacement(self, text: str) -> str:
        """The answer."""
        return text if self.answered is None else self.answered


@dataclass(frozen=True, slots=True)
class Ended:
    """A text that deltas told, told again whole."""

    part: TextPart

    @property
    def settled(self) -> bool:
        """Whether the part is finished."""
        return self.part.finished

    @property
    def blocker(self) -> object:
        """The part."""
        return self.part

    def replacement(self, text: str) -> str:  # noqa: ARG002 - a `Source`
        """The text as it was released, whatever this event says of it."""
        return self.part.released


@dataclass(frozen=True, slots=True)
class SoFar:
    """A text that is still being told, in an event that shows how far it has come."""

    part: TextPart
    settled: bool = True
    blocker: object = None

    def replacement(self, text: str) -> str:  # noqa: ARG002 - a `Source`
        """As much as the client got."""
        return self.part.released


@dataclass(frozen=True, slots=True)
class Later:
    """A piece of a text that a later event tells whole."""

    settled: bool = True
    blocker: object = None

    def replacement(self, text: str) -> str:  # noqa: ARG002 - a `Source`
        """Nothing yet."""
        return ""


LATER = Later()


@dataclass(frozen=True, slots=True)
class Announced:
    """A text in an `added` event, of which deltas may tell more or the same again."""

    part: TextPart

    @property
    def settled(self) -> bool:
        """Whether the part is finished."""
        return self.part.finished

    @property
    def blocker(self) -> object:
        """The part."""
        return self.part

    def replacement(self, text: str) -> str:
        """What the deltas leave to tell."""
        return self.part.announced_as(text)


@dataclass(frozen=True, slots=True)
class Joined:
    """A text that is others of the same event, joined."""

    sources: tuple[tuple[str, Source], ...]

    @property
    def settled(self) -> bool:
        """Whether all of them are known."""
        return all(source.settled for _, source in self.sources)

    @property
    def blocker(self) -> object:
        """That of the first that is not."""
        return _blocker(source for _, source in self.sources)

    def replacement(self, text: str) -> str:  # noqa: ARG002 - a `Source`
        """The answers, joined."""
        return "".join(source.replacement(own) for own, source in self.sources)


def _blocker(sources: Iterable[Source]) -> object:
    return next((source.blocker for source in sources if not source.settled), None)


@dataclass(slots=True, eq=False)
class Telling:
    """An event with whole texts in it; leaves when all of them are known.

    Attributes:
        event: the upstream's.
        texts: each with where the answer about it comes from.
        after: the call that it announces, about which has to be asked first.
        out: what may leave in its place.
    """

    event: object
    texts: list[tuple[CarriedText, Source]] = field(default_factory=list)
    after: Item | None = None
    out: list[object] = field(default_factory=list)
    _settled: bool = False

    @property
    def blocker(self) -> object:
        """The call, or the first text that is not known."""
        if self.after is not None and self.after.call_state is not CallState.ANSWERED:
            return self.after
        return _blocker(source for _, source in self.texts)

    @property
    def settled(self) -> bool:
        """Whether it may leave. Asked when it is the next to leave."""
        if self.after is not None and self.after.call_state is not CallState.ANSWERED:
            return False
        if not self._settled and all(source.settled for _, source in self.texts):
            self._settled = True
            changes = [
                (carried.keys, carried.slot, replacement)
                for carried, source in self.texts
                if (replacement := source.replacement(carried.slot.text)) != carried.slot.text
            ]
            self.out = [with_texts(self.event, changes) if changes else self.event]
            self.texts = []
        return self._settled


class Tokens:
    """The texts of an item that leave as they are or not at all. Each is asked until it is finished, and never again.

    Attributes:
        diverged: whether one of the finished was rewritten.
    """

    def __init__(self) -> None:
        self._parts: list[TextPart] = []
        self._finished = 0
        self.diverged = False

    def add(self, part: TextPart) -> None:
        """Take one more."""
        self._parts.append(part)

    @property
    def unfinished(self) -> TextPart | None:
        """The first that was not scanned to its end."""
        while self._finished < len(self._parts):
            part = self._parts[self._finished]
            if not part.finished:
                return part
            self.diverged = self.diverged or part.diverged is not None
            self._finished += 1
        return None


@dataclass(slots=True, eq=False)
class Grouped:
    """An event that leaves as it is when its texts have ended and none of them was rewritten, or not at all.

    Attributes:
        tokens: those of its item.
        beside: a text that it tells of.
        end: how far, `None` if all of that text counts.
    """

    event: object
    tokens: Tokens
    beside: TextPart | None
    end: int | None
    out: list[object] = field(default_factory=list)
    _settled: bool = False

    @property
    def settled(self) -> bool:
        """Whether it may leave, or is dropped. Asked when it is the next to leave, and again when it leaves."""
        self._settled = self._settled or self._settle()
        return self._settled

    @property
    def blocker(self) -> object:
        """The first text that is not known to its end."""
        own = self.tokens.unfinished
        return self.beside if own is None else own

    def _settle(self) -> bool:
        if self.tokens.unfinished is not None or (self.beside is not None and not self.beside.finished):
            return False
        if not self.tokens.diverged and self._fits:
            self.out = [self.event]
        return True

    @property
    def _fits(self) -> bool:
        diverged = None if self.beside is None else self.beside.diverged
        return diverged is None or (self.end is not None and self.end <= diverged)


@dataclass(slots=True, eq=False)
class Annotation:
    """An annotation of a text that deltas tell; leaves after what it stands on, or not at all."""

    telling: Telling
    part: TextPart
    end: int | None
    out: list[object] = field(default_factory=list)

    @property
    def blocker(self) -> object:
        """The annotated text, or what the annotation itself waits for."""
        return self.telling.blocker if self._is_reached else self.part

    @property
    def settled(self) -> bool:
        """Whether it may leave, or is dropped."""
        part = self.part
        if not self._is_reached or not self.telling.settled:
            return False
        if self.end is None or part.diverged is None or self.end <= part.diverged:
            self.out = self.telling.out
        self.telling.out = []
        return True

    @property
    def _is_reached(self) -> bool:
        return self.end is None or self.part.finished or self.part.left >= self.end
