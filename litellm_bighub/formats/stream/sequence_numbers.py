"""Sequence numbers of a stream out of which events were taken and into which others were put."""

from __future__ import annotations

from litellm_bighub.formats.payload.copies import whole, with_fields


class Numbering:
    """Numbers released events. Until the first of them is missing or added, nothing is touched."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._shifted = False

    def shift(self) -> None:
        """From here on, released events are not as many as arrived."""
        self._shifted = True

    @property
    def numbered(self) -> bool:
        """Whether released events had numbers so far."""
        return self._last is not None

    def number(self, event: object) -> object:
        """The event with the number that follows, itself if it has that already or has none."""
        own = whole(event, "sequence_number")
        if own is None:
            return event
        if self._last is None or not self._shifted:
            self._last = own
            return event
        self._last += 1
        return event if own == self._last else with_fields(event, sequence_number=self._last)
