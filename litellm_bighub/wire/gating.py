"""What a stream gate and its driver say to each other, in every wire format.

```
gate.feed(event)       -> Release | Ask | Hold
gate.answer(outcomes)  -> Release
gate.finish(notice)    -> Release
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType, TypeAlias

from litellm_bighub.domain.call import Arguments, ToolCall

CallKey = NewType("CallKey", int)
"""Names one asked call within one gate; ids on the wire may repeat or be missing."""


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
    """Release the call, with a person's arguments if there are any."""

    edited: Arguments | None = None


@dataclass(frozen=True, slots=True)
class Withhold:
    """Put a message with this text in the call's place."""

    notice: str


Outcome: TypeAlias = Pass | Withhold
