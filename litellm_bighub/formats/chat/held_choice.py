"""One choice of a chat stream: its calls, which are decided on together when it finishes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.formats.chat import chunks
from litellm_bighub.formats.chat.call_assembly import CallAssembly
from litellm_bighub.formats.chat.calls import CALL_REASONS, after
from litellm_bighub.formats.chat.held_call import HeldCall
from litellm_bighub.formats.chat.streamed_call import StreamedCall, read_legacy_piece
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
        self._assembly = CallAssembly()
        self._calls: dict[StreamedCall, HeldCall] = {}
        self._legacy: HeldCall | None = None
        self._owners: deque[HeldCall | None] = deque()
        self._skipped = False
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
        heard: set[StreamedCall] = set()
        for piece in pieces:
            said = self._assembly.take(piece)
            self._skipped = self._skipped or said is None
            if said in heard:  # official clients take the elements of a first delta for so many calls
                said.uneven = True
            if said is not None:
                heard.add(said)
            self._owners.append(None if said is None else self._calls.setdefault(said, HeldCall(said)))
        if legacy is not None:
            self._legacy = self._legacy or HeldCall(StreamedCall(legacy=True))
            self._legacy.said.hear(read_legacy_piece(legacy))

    def read(self, answer_id: str, *, unfinished: bool) -> list[tuple[HeldCall, ToolCall]]:
        """The calls to be decided on; no more pieces will come.

        Args:
            answer_id: of which ids are made for calls without one.
            unfinished: whether the choice was cut off.
        """
        self._assembly.end()
        read: list[tuple[HeldCall, ToolCall]] = []
        for at, call in enumerate(self.calls):
            path = f"{self._path}.function_call" if call.legacy else f"{self._path}.tool_calls[{at}]"
            read.append((call, call.read(path, answer_id, unfinished=unfinished)))
        return read

    def replay(self, chunk: object) -> list[object]:
        """What is released in place of a chunk that tells of this choice alone. Every call of it is decided."""
        untouched = all(call.outcome == Pass() for call in self.calls)
        if untouched and not self._skipped and not any(call.said.uneven for call in self.calls):
            return [chunk]
        released: list[object] = []
        [choice] = get(chunk, "choices")
        if not self._notices_told:
            self._notices_told = True
            if notices := self._notices():
                released.append(_chunk(without(chunk, "usage"), chunks.with_content(choice, notices)))
        kept = self._replayed(choice if untouched else chunks.without_probabilities(choice))
        if kept is not None or get(chunk, "usage") is not None:
            released.append(_chunk(chunk, chunks.without_calls(choice) if kept is None else kept))
        return released

    def _replayed(self, choice: object) -> object | None:
        """The choice with the pieces that are left, `None` if it says nothing any more."""
        calls, legacy = chunks.pieces(choice)
        left = self._pieces(calls)
        left_legacy = None if legacy is None or self._legacy is None else self._legacy.replay(legacy)
        kept = chunks.with_calls(choice, left, left_legacy)
        reason = text(choice, "finish_reason")
        if reason in CALL_REASONS and not any(isinstance(call.outcome, Pass) for call in self.calls):
            kept = with_fields(kept, finish_reason="stop")
        return kept if left or left_legacy is not None or reason or chunks.says_anything(choice) else None

    def _pieces(self, pieces: Iterable[object]) -> list[object]:
        """What is left of the next pieces, one of each call, with indices as if the others had never been."""
        left: dict[HeldCall, object] = {}
        for piece in pieces:
            call = self._owners.popleft()
            replayed = None if call is None else call.replay(piece)
            if call is not None and replayed is not None:
                left[call] = call.joined(left[call], replayed) if call in left else replayed
        passed = [call for call in self._calls.values() if isinstance(call.outcome, Pass)]
        dense = {call: at for at, call in enumerate(passed)}
        return [
            piece if whole(piece, "index") == dense[call] else with_fields(piece, index=dense[call])
            for call, piece in left.items()
        ]

    def _notices(self) -> str:
        texts = ""
        for call in self.calls:
            if call.content_text:
                texts += after("said" if self.said or texts else "", call.content_text)
        return texts


def _chunk(chunk: object, choice: object) -> object:
    return with_fields(chunk, choices=[choice])
