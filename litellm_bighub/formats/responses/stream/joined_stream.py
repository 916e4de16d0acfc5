"""One Responses stream of an answer whose calls were blocked, and of the model's next answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.payload.copies import plain, text, whole, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.responses.event_kinds import TERMINAL
from litellm_bighub.formats.responses.stream.envelope import output_of
from litellm_bighub.formats.responses.stream.item_events import item_events
from litellm_bighub.formats.stream.gate_protocol import Withhold

_COMPLETED = "response.completed"
_DONE = "response.output_item.done"
_ENDED = frozenset({"completed", "incomplete"})


class ResponsesJoinedStream:
    """One stream's, as `wire.joining` draws it: items, their places and the numbers of events go on without a gap.

    It keeps the id with which it began, since stock clients take no other. The ledger knows which answer stands behind
    that id, so that whoever goes on from it goes on from the last.
    """

    def __init__(self) -> None:
        self._answer: object = None
        self._following: object = None
        self._places: dict[int, int] = {}
        self._sent: dict[int, object] = {}
        self._number: int | None = None
        self._over = False

    def hear(self, event: object) -> None:
        """Take in the upstream's next event."""
        if text(event, "type") in TERMINAL:
            self._answer = get(event, "response") if text(event, "type") == _COMPLETED else None

    def heard(self) -> object:
        """The answer that the upstream's events told, calls and all; `None` if it did not end well."""
        return self._answer

    def accepts(self, answer: object) -> bool:
        """Whether the stream can end with this answer."""
        return text(answer, "status") in _ENDED

    def follow(self, answer: object) -> None:
        """From here on no notice is told, and where the first answer ends this one begins."""
        self._following = answer

    def in_place(self, withheld: Withhold) -> Withhold:
        """An empty message beside reasoning, otherwise nothing.

        A provider takes no reasoning back without the call that it led to. A client that replays the answer brings the
        message back, and by its id the call is put there again.
        """
        thought = any(text(item, "type") == "reasoning" for item in get(self._answer, "output") or ())
        return replace(withheld, notice="", item_id=withheld.item_id if thought else "")

    def passed(self, event: object) -> Sequence[object]:
        """What is sent for an event that the gate has released."""
        if self._over:
            return ()
        event_type = text(event, "type")
        if self._following is not None and event_type in TERMINAL:
            self._over = True
            return self._rest(event, self._following)
        index = whole(event, "output_index")
        if index is not None:
            place = self._place(index)
            event = event if place == index else with_fields(event, output_index=place)
            if event_type == _DONE:
                self._sent[place] = get(event, "item")
        number = whole(event, "sequence_number")
        self._number = self._number if number is None else number
        return (event,)

    def _place(self, index: int) -> int:
        if index not in self._places:
            self._places[index] = index if self._following is None else self._next_place
        return self._places[index]

    @property
    def _next_place(self) -> int:
        return max(self._places.values(), default=-1) + 1

    def _rest(self, terminal: object, answer: object) -> list[object]:
        """The next answer's items, and the one end of both."""
        listed = dict(enumerate(output_of(terminal) or ()))
        sent = {place: listed[index] for index, place in self._places.items() if index in listed} | self._sent
        items: list[Payload] = [plain(item) for item in get(answer, "output") or ()]
        made: list[object] = []
        for place, item in enumerate(items, self._next_place):
            made += item_events(item, place)
        output = [*(sent[place] for place in sorted(sent)), *items]
        response = with_fields(answer, id=get(get(terminal, "response"), "id"), output=output)
        status = text(answer, "status")
        if status == "completed":
            end = with_fields(terminal, response=response)
        else:
            end = {"type": f"response.{status}", "response": response}
        return [self._numbered(event) for event in (*made, end)]

    def _numbered(self, event: object) -> object:
        if self._number is None:
            return event
        self._number += 1
        return with_fields(event, sequence_number=self._number)
