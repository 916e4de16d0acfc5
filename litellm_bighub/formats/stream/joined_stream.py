"""What makes one stream of an answer whose calls were blocked and of the model's next answer, in every wire format.

```
join.hear(event)     of the upstream, before any gate
join.heard()         -> the whole answer, once the upstream has ended
join.accepts(answer) -> whether the stream can end with it
join.follow(answer)  what the model answered when it was told of its blocked calls
join.in_place(call)  -> what now stands in the place of a blocked call
join.passed(event)   of the gate -> what leaves in its place
```
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from litellm_bighub.formats.stream.gate_protocol import Withhold


class JoinedStream(Protocol):
    """One stream's. It never writes to an event."""

    def hear(self, event: object) -> None:
        """Take in the upstream's next event."""
        ...

    def heard(self) -> object:
        """The answer that the upstream's events told, calls and all; `None` if it did not end well."""
        ...

    def accepts(self, answer: object) -> bool:
        """Whether the stream can end with this answer."""
        ...

    def follow(self, answer: object) -> None:
        """From here on no notice is told, and where the first answer ends this one begins.

        Args:
            answer: whole, and ready to be sent: its calls are decided on.
        """
        ...

    def in_place(self, withheld: Withhold) -> Withhold:
        """What now stands in the place of a blocked call."""
        ...

    def passed(self, event: object) -> Sequence[object]:
        """What is sent for an event that the gate has released. New events are dicts."""
        ...
