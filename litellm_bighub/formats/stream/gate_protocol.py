"""What a stream gate and its driver say to each other, in every wire format.

```
gate.feed(event)       -> Release | Ask | Hold
gate.answer(outcomes)  -> Release
gate.finish(notice)    -> Release
gate.keep_alive()      -> Release
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NewType, Protocol, TypeAlias

from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.wording import ENGLISH

CallKey = NewType("CallKey", int)
"""Names one asked call within one gate; ids on the wire may repeat or be missing."""

STREAM_ENDED = ENGLISH.stream_ended
"""The notice for calls without a decision, unless the driver has another."""


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A call that waits for an outcome under this key."""

    key: CallKey
    call: ToolCall


@dataclass(frozen=True, slots=True)
class Ask:
    """Decide on these calls. Feeding may go on meanwhile."""

    calls: tuple[AskedCall, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """Send these events on, in this order; perhaps none.

    Attributes:
        events: the upstream's own objects where nothing changed, otherwise changed copies; new ones are dicts.
        dropped: the types of events that were thrown away because nobody could decide on them.
    """

    events: tuple[object, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing may leave now."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Release the call.

    Attributes:
        edited: a person's arguments, in place of the model's.
        note: tells the model of them and of what a person says, in formats where the call's result will name no call.
        told: what a person tells the model with the call's result.
    """

    edited: Arguments | None = None
    note: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Withhold:
    """Put a message with this text in the call's place.

    Attributes:
        notice: the text; if it is empty and there is no id either, nothing stands there.
        item_id: the id that the message gets where messages are items; empty for a new one.
        approval_id: in formats that can show a request for approval, that stands there instead, under this id.
    """

    notice: str
    item_id: str = ""
    approval_id: str = ""

    @property
    def vanishes(self) -> bool:
        """Whether nothing is to stand there."""
        return not (self.notice or self.item_id or self.approval_id)


Outcome: TypeAlias = Pass | Withhold

Leaving: TypeAlias = Callable[[object], object]
"""What a gate does to each event at the moment at which it leaves: answers it, or a changed copy."""


def unchanged(event: object) -> object:
    """An event that leaves as it is."""
    return event


class StreamGate(Protocol):
    """One stream's gate. It never waits and never writes to an event; an illegal call raises and changes nothing."""

    @property
    def unanswered(self) -> frozenset[CallKey]:
        """The calls that were asked for and have no outcome yet."""
        ...

    def feed(self, event: object) -> Release | Ask | Hold:
        """Take the upstream's next event.

        Raises:
            UnreadableAnswerError: it cannot be read. The stream ends with that, and what waits is never released.
        """
        ...

    def answer(self, outcomes: Mapping[CallKey, Outcome]) -> Release:
        """Take the outcomes of some of the asked calls, and release what stands behind them.

        Raises:
            GateError: a key that was never asked or is answered already.
            PayloadError: edited arguments that have no place in their call.
        """
        ...

    def finish(self, notice: str = STREAM_ENDED) -> Release:
        """The upstream has no more events: withhold whatever is undecided, and release the rest.

        Args:
            notice: the text that takes the place of calls nobody decided on.

        Raises:
            UnreadableAnswerError: its last bytes cannot be read.
        """
        ...

    def keep_alive(self) -> Release:
        """An event that tells clients nothing but that the stream is alive; none if the stream has not begun."""
        ...
