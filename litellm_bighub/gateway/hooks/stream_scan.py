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

from litellm_bighub.formats.payload.copies import text, whole
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.responses.event_kinds import ADDED, TERMINAL
from litellm_bighub.formats.responses.item_kinds import is_call
from litellm_bighub.formats.responses.texts.stream_texts import Place, carried, streamed
from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope

OVERLAP = 2000
DONE = "response.output_item.done"
_STREAMS_AT_ONCE = 16


@dataclass(slots=True)
class _Growing:
    """A text of which only deltas are known."""

    tail: str = ""
    new: list[str] = field(default_factory=list[str])

    @property
    def window(self) -> str:
        return self.tail + "".join(self.new)


class StreamScan:
    """One stream as one guardrail sees it.

    Attributes:
        envelope: the response that the terminal event tells of, as soon as it came.
        calls: finished call items that were not scanned yet.
    """

    def __init__(self, events: Sequence[object]) -> None:
        self.events = events
        self.envelope: object = None
        self.calls: list[object] = []
        self._seen = 0
        self._growing: dict[tuple[object, Place], _Growing] = {}
        self._open_calls: set[object] = set()
        self._due: dict[str, None] = {}
        self._scanned: set[str] = set()

    @property
    def due(self) -> list[str]:
        """The texts that were not scanned yet, each once."""
        return [*self._due, *(growing.window for growing in self._growing.values() if growing.new)]

    @property
    def call_is_open(self) -> bool:
        """Whether a call has begun that cannot be scanned yet."""
        return bool(self._open_calls)

    def look(self) -> None:
        """Look at the events that came since the last time."""
        for event in islice(self.events, self._seen, None):
            self._look_at(event, text(event, "type"))
        self._seen = len(self.events)

    def mark_scanned(self) -> None:
        """What is due was scanned."""
        self._scanned.update(self._due)
        self._due.clear()
        self.calls.clear()
        for growing in self._growing.values():
            if growing.new:
                growing.tail = growing.window[-OVERLAP:]
                growing.new.clear()

    def _look_at(self, event: object, event_type: str) -> None:
        if event_type in TERMINAL:
            self.envelope = get(event, "response")
            self._open_calls.clear()
        elif event_type in {ADDED, DONE} and is_call(get(event, "item")):
            self._note_call(event, event_type)
        streamed_text = streamed(event, event_type)
        if streamed_text is None:
            for each in carried(event, event_type):
                self._tell_whole(each.slot.text)
            return
        key = (whole(event, "output_index") or text(event, "item_id"), streamed_text.place)
        if streamed_text.is_done:
            self._growing.pop(key, None)
            self._tell_whole(streamed_text.text)
        elif streamed_text.text:
            self._growing.setdefault(key, _Growing()).new.append(streamed_text.text)

    def _note_call(self, event: object, event_type: str) -> None:
        index = whole(event, "output_index")
        if event_type == ADDED:
            self._open_calls.add(index)
        else:
            self._open_calls.discard(index)
            self.calls.append(get(event, "item"))

    def _tell_whole(self, streamed_text: str) -> None:
        if streamed_text and streamed_text not in self._scanned:
            self._due[streamed_text] = None


def scan_of(events: Sequence[object]) -> StreamScan:
    """The scan of this very list of events, brought up to date. One that nobody knows yet begins at the beginning."""
    scans = request_scope().stream_scans
    if scans is None:
        scans = {}
        enter(request_scope()._replace(stream_scans=scans))
    scan = scans.get(id(events))
    if scan is None or scan.events is not events:
        scan = scans[id(events)] = StreamScan(events)
        while len(scans) > _STREAMS_AT_ONCE:
            del scans[next(iter(scans))]
    scan.look()
    return scan
