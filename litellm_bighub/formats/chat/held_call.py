"""One call of a streamed choice that is held back, from its first piece to its last."""

from __future__ import annotations

from dataclasses import dataclass, replace

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.formats.answers.unreadable_calls import TORN
from litellm_bighub.formats.chat.calls import PAYLOADS, edited_text, made_up_id, read_call, read_function_call
from litellm_bighub.formats.chat.streamed_call import StreamedCall
from litellm_bighub.formats.payload.copies import json_text, plain, text, with_fields, without
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass, Withhold


@dataclass(slots=True, eq=False)
class HeldCall:
    """A call with what becomes of it.

    Attributes:
        said: what its pieces say.
        outcome: `None` until it is decided.
    """

    said: StreamedCall
    outcome: Outcome | None = None
    _id: str = ""
    _begun: bool = False

    @property
    def legacy(self) -> bool:
        """Whether it is a `function_call`, not an element of `tool_calls`."""
        return self.said.legacy

    def read(self, path: str, answer_id: str, *, unfinished: bool) -> ToolCall:
        """The call to be decided on; no more pieces will come.

        Args:
            path: its place in the message.
            answer_id: of which an id is made where there is none.
            unfinished: whether the choice was cut off.
        """
        if self.legacy:
            call = read_function_call(self.said.whole(), path, unfinished=unfinished)
        else:
            self._id = self.said.id or made_up_id(answer_id, path)
            call = read_call({**self.said.whole(), "id": self._id}, path, unfinished=unfinished)
        self.said.forget()
        return replace(call, arguments={}, unreadable=TORN) if self.said.torn else call

    def check(self, outcome: Outcome) -> None:
        """Raise `PayloadError` if the outcome has edited arguments that have no place in this call."""
        if isinstance(outcome, Pass) and outcome.edited is not None:
            edited_text(self._kind, outcome.edited)

    def replay(self, piece: object) -> object | None:
        """What is released in place of one of the pieces, `None` for nothing. Its index is the caller's concern."""
        if not isinstance(self.outcome, Pass):
            return None
        begins, self._begun = not self._begun, True
        if self.said.uneven:
            piece = self._evened(piece, begins=begins)
        if self.outcome.edited is None:
            return piece
        edited = edited_text(self._kind, self.outcome.edited) if begins else ""
        return self._with_payload(piece, {PAYLOADS[self._kind]: edited})

    def joined(self, first: object, second: object) -> object:
        """Two pieces in one."""
        key = PAYLOADS[self._kind]
        told = text(get(first, self._kind), key) + text(get(second, self._kind), key)
        return self._with_payload(first, {key: told})

    @property
    def notice(self) -> str | None:
        """The text in the place of a withheld call."""
        return self.outcome.notice if isinstance(self.outcome, Withhold) else None

    @property
    def content_text(self) -> str | None:
        """What the message's content has to say of the call."""
        if self.legacy and isinstance(self.outcome, Pass):
            return self.outcome.note or None
        return self.notice

    @property
    def _kind(self) -> str:
        return self.said.kind or "function"

    def _evened(self, piece: object, *, begins: bool) -> object:
        """The piece with id and name if it is the first one, else without, since clients put them together."""
        payload: object = piece if self.legacy else get(piece, self._kind)
        told: object = get(payload, PAYLOADS[self._kind])
        written = told if isinstance(told, str) else "" if told is None else json_text(plain(told))
        if not self.legacy:
            piece = with_fields(piece, id=self._id) if begins else without(piece, "id")
        named = {"name": self.said.name} if begins else {}
        bare = piece if begins or not text(payload, "name") else self._without_name(piece)
        return self._with_payload(bare, {**named, PAYLOADS[self._kind]: written})

    def _without_name(self, piece: object) -> object:
        if self.legacy:
            return without(piece, "name")
        return with_fields(piece, **{self._kind: without(get(piece, self._kind), "name")})

    def _with_payload(self, piece: object, fields: dict[str, object]) -> object:
        if self.legacy:
            return with_fields(piece, **fields)
        payload: object = get(piece, self._kind)
        return with_fields(piece, **{self._kind: fields if payload is None else with_fields(payload, **fields)})
