"""One choice of a chat stream: its calls, which are decided on together when it finishes."""

from __future__ import annotations

from collections.abc import Iterable

from litellm_bighub.formats.chat import chunks
from litellm_bighub.formats.chat.calls import CALL_REASONS, after
from litellm_bighub.formats.chat.held_call import HeldCall
from litellm_bighub.formats.payload.copies import text, whole, with_fields, without
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.stream.gate_protocol import Pass


class HeldChoice:
    """What the gate knows of one choice.

    Attributes:
        finished: its `finish_reason` has come, or the stream has ended.
        said: it has content.
    """

    def __init__(self, index: int) -> None:
        self.finished = False
        self.said = False
        self._path = f"choices[{index}].message"
        self._calls: dict[int | None, HeldCall] = {}
        self._legacy: HeldCall | None = None
        self._notices_told = False

    @property
    def calls(self) -> list[HeldCall]:
        """In the order in which they began."""
        return [*self._calls.values(), *([self._legacy] if self._legacy else [])]

    @property
    def waits(self) -> bool:
        """Whether a call of it is undecided."""
        return any(call.outcome is None for call in self.calls)

    def hear(self, pieces: Iterable[object], legacy: object) -> None:
        """Take in pieces of calls."""
        for piece in pieces:
            index = _index(piece)
            call = self._calls.get(index)
            if call is None:
                place = "?" if index is None else index
                call = self._calls[index] = HeldCall(f"{self._path}.tool_calls[{place}]", torn=index is None)
            call.hear(piece)
        if legacy is not None:
            self._legacy = self._legacy or HeldCall(f"{self._path}.function_call", legacy=True)
            self._legacy.hear(legacy)

    def replay(self, chunk: object) -> list[object]:
        """What is released in place of a chunk that tells of this choice alone. Every call of it is decided."""
        if all(call.outcome == Pass() for call in self.calls):
            return [chunk]
        released: list[object] = []
        [choice] = get(chunk, "choices")
        if not self._notices_told:
            self._notices_told = True
            if notices := self._notices():
                released.append(_chunk(without(chunk, "usage"), chunks.with_content(choice, notices)))
        kept = self._replayed(choice)
        if kept is not None or get(chunk, "usage") is not None:
            released.append(_chunk(chunk, chunks.without_calls(choice) if kept is None else kept))
        return released

    def _replayed(self, choice: object) -> object | None:
        """The choice with the pieces that are left, `None` if it says nothing any more."""
        calls, legacy = chunks.pieces(choice)
        left = [replayed for piece in calls if (replayed := self._piece(piece)) is not None]
        left_legacy = None if legacy is None or self._legacy is None else self._legacy.replay(legacy)
        kept = chunks.without_probabilities(chunks.with_calls(choice, left, left_legacy))
        reason = text(choice, "finish_reason")
        if reason in CALL_REASONS and not any(isinstance(call.outcome, Pass) for call in self.calls):
            kept = with_fields(kept, finish_reason="stop")
        return kept if left or left_legacy is not None or reason or chunks.says_anything(choice) else None

    def _piece(self, piece: object) -> object | None:
        index = _index(piece)
        replayed = self._calls[index].replay(piece)
        dense = self._dense().get(index)
        return replayed if replayed is None or dense == index else with_fields(replayed, index=dense)

    def _dense(self) -> dict[int | None, int]:
        """The indices of the calls that are left, as if the others had never been."""
        left = [index for index, call in self._calls.items() if isinstance(call.outcome, Pass)]
        return {index: at for at, index in enumerate(sorted(left, key=lambda index: -1 if index is None else index))}

    def _notices(self) -> str:
        told = ""
        for call in self.calls:
            if call.told:
                told += after("said" if self.said or told else "", call.told)
        return told


def _index(piece: object) -> int | None:
    index = whole(piece, "index")
    return index if index is not None and index >= 0 else None


def _chunk(chunk: object, choice: object) -> object:
    return with_fields(chunk, choices=[choice])
