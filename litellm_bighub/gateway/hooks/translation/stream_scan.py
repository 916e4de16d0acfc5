"""What of a stream a guardrail has seen, for LiteLLM's unified path, which hands over all events again and again.

Each event is looked at once. A text that is still growing is scanned in windows: what is new, with the last `OVERLAP`
characters before it. As soon as it is told whole (in a done event, an item or the envelope) it is scanned whole, once.
Texts of different parts are never joined.

The unified path makes a new handler for every round, so what was seen is kept with the list of events it belongs to,
in the context of the task that runs the stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.payload.slots import NO_TEXTS, TextKind
from litellm_bighub.formats.stream.event_texts import (
    AnnouncedTexts,
    GroupedTexts,
    LastTexts,
    Place,
    StreamedText,
    ToldTexts,
)
from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope

OVERLAP = 2000
_STREAMS_AT_ONCE = 16


@dataclass(slots=True)
class _Growing:
    """A text of which only deltas are known."""

    tail: str = ""
    new: list[str] = field(default_factory=list)

    @property
    def window(self) -> str:
        return self.tail + "".join(self.new)


class StreamScan:
    """One stream as one guardrail sees it.

    Attributes:
        envelope: the response in the terminal event, as soon as it came.
        calls: finished call items that were not scanned yet.
    """

    def __init__(self, events: Sequence[object], texts: FormatTexts) -> None:
        self.events = events
        self._read = texts.read
        self.envelope: object = None
        self.calls: list[object] = []
        self._seen = 0
        self._growing: dict[tuple[object, Place], _Growing] = {}
        self._open_calls: set[object] = set()
        self._due: dict[str, None] = {}
        self._scanned: set[str] = set()
        self._media: dict[TextKind, dict[str, bool]] = {kind: {} for kind in NO_TEXTS}

    @property
    def due(self) -> list[str]:
        """The texts that were not scanned yet, each once."""
        return [*self._due, *(growing.window for growing in self._growing.values() if growing.new)]

    @property
    def images(self) -> list[str]:
        """The images that were not scanned yet, each once."""
        return [told for told, is_scanned in self._media[TextKind.IMAGE].items() if not is_scanned]

    @property
    def files(self) -> list[str]:
        """The files without a text that were not scanned yet, each once."""
        return [told for told, is_scanned in self._media[TextKind.MEDIA].items() if not is_scanned]

    @property
    def call_is_open(self) -> bool:
        """Whether a call has begun that cannot be scanned yet."""
        return bool(self._open_calls)

    def look(self) -> None:
        """Look at the events that came since the last time."""
        for event in islice(self.events, self._seen, None):
            self._look_at(event)
        self._seen = len(self.events)

    def mark_scanned(self) -> None:
        """What is due was scanned."""
        self._scanned.update(self._due)
        self._due.clear()
        self.calls.clear()
        for told in self._media.values():
            told.update(dict.fromkeys(told, True))
        for growing in self._growing.values():
            if growing.new:
                growing.tail = growing.window[-OVERLAP:]
                growing.new.clear()

    def _look_at(self, event: object) -> None:
        told = self._read(event)
        if isinstance(told, StreamedText):
            self._look_at_streamed(told)
            return
        if isinstance(told, GroupedTexts):
            for place, piece in told.pieces:
                self._growing.setdefault((told.item_id, place), _Growing()).new.append(piece)
            return
        match told:
            case LastTexts(answer=answer):
                self.envelope = answer
                self._open_calls.clear()
            case AnnouncedTexts(call=call, index=index) if call is not None:
                self._open_calls.add(index)
            case ToldTexts(call=call, index=index) if call is not None:
                self._open_calls.discard(index)
                self.calls.append(call)
            case _:
                pass
        for each in told.texts:
            if each.slot.kind in NO_TEXTS:
                self._media[each.slot.kind].setdefault(each.slot.text, False)
            else:
                self._tell_whole(each.slot.text)

    def _look_at_streamed(self, told: StreamedText) -> None:
        key = (told.index or told.item_id, told.place)
        if told.is_done:
            self._growing.pop(key, None)
            self._tell_whole(told.text)
        elif told.text:
            self._growing.setdefault(key, _Growing()).new.append(told.text)

    def _tell_whole(self, told: str) -> None:
        if told and told not in self._scanned:
            self._due[told] = None


def scan_of(events: Sequence[object], texts: FormatTexts) -> StreamScan:
    """The scan of this very list of events, brought up to date. A new list is scanned from its beginning."""
    scans = request_scope().stream_scans
    if scans is None:
        scans = {}
        enter(request_scope()._replace(stream_scans=scans))
    scan = scans.get(id(events))
    if scan is None or scan.events is not events:
        scan = scans[id(events)] = StreamScan(events, texts)
        while len(scans) > _STREAMS_AT_ONCE:
            del scans[next(iter(scans))]
    scan.look()
    return scan
