"""Which call of a streamed choice a piece belongs to.

Providers mark pieces in different ways. OpenAI tells a call's index in each piece, its id and its name in the first.
Others tell all calls at index 0, a negative index or none, a new id in each piece or none at all, and the name in each
piece. So a piece begins a new call

- at an index at which there is none yet,
- with a new id and a name, unless it goes on with arguments that are not complete yet,
- with a name once the arguments so far are a whole object.

Any other piece goes on with the call of its id, or with the latest call at its index. Where two readings are left, the
call is torn.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from litellm_bighub.formats.chat.streamed_call import CallPiece, StreamedCall, read_piece, says_nothing
from litellm_bighub.formats.payload.copies import whole


@dataclass(slots=True, eq=False)
class _Lane:
    """The calls at one index."""

    calls: list[StreamedCall] = field(default_factory=list)
    latest: StreamedCall | None = None


class CallAssembly:
    """The calls of one choice.

    Attributes:
        calls: in the order in which they began.
    """

    def __init__(self) -> None:
        self.calls: list[StreamedCall] = []
        self._lanes: dict[int | None, _Lane] = {}

    def take(self, item: object) -> StreamedCall | None:
        """Take in the next element of `tool_calls`.

        Returns:
            The call that it belongs to; `None` for one that says nothing, and belongs to no call that has begun.
        """
        index, piece = whole(item, "index"), read_piece(item)
        lane = self._lanes.setdefault(index, _Lane())
        call = self._continued(piece, index, lane)
        if call is None:
            if lane.latest is None and says_nothing(item):
                return None
            call = StreamedCall(uneven=index != len(self.calls) or not (piece.id and piece.name))
            self.calls.append(call)
            lane.calls.append(call)
            if _repeats(lane.latest, piece):
                call.doubt()
        lane.latest = call
        call.hear(piece)
        return call

    def end(self) -> None:
        """No more pieces will come.

        Arguments of no call may belong to any that has none, and behind a torn call nobody knows where one begins.
        """
        orphaned = any(not call.name and not call.is_blank for call in self.calls)
        for call in self.calls:
            call.torn = call.torn or (orphaned and call.is_blank)
            call.end()
        for lane in self._lanes.values():
            torn = False
            for call in lane.calls:
                call.torn = call.torn or (torn and not call.id)
                torn = torn or call.torn

    def _continued(self, piece: CallPiece, index: int | None, lane: _Lane) -> StreamedCall | None:
        """The call that a piece goes on with, `None` if it begins one."""
        if lane.latest is None:
            if piece.name or not self.calls:
                return None
            known = next((call for call in self.calls if piece.id in call.ids), None)
            return known or (self.calls[-1] if index is None else None)
        call = next((call for call in reversed(lane.calls) if piece.id in call.ids), lane.latest)
        return None if piece.name and call.name and _begins(call, piece) else call


def _begins(call: StreamedCall, piece: CallPiece) -> bool:
    """Whether a piece with a name begins a call behind this one, which has a name too."""
    same, again = piece.name == call.name, piece.id in call.ids
    renewed = bool(piece.id) and not again
    bound = again or (not piece.id and bool(call.ids))  # who gives calls ids gives one to each
    if call.is_complete:
        if same and piece.is_blank and (bound or (call.names > 1 and (not renewed or len(call.ids) > 1))):
            return False
        if same and again and piece.told == call.told:  # the call once more, or another one
            call.torn = True
            return False
        return True
    if not same:
        return renewed
    if not bound and call.is_blank:
        if renewed and len(call.ids) == 1:
            call.doubt_id()
        else:
            call.doubt()
    elif not bound and call.kind == "custom":
        call.torn = True
    return False


def _repeats(call: StreamedCall | None, piece: CallPiece) -> bool:
    """Whether the beginning of a call may only be the name of the one before it, once more."""
    return call is not None and piece.name == call.name and piece.is_blank
