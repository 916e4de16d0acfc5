"""One call of a streamed choice that is held back, from its first piece to its last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.formats.answers.unreadable_calls import TORN
from litellm_bighub.formats.chat.calls import PAYLOADS, edited_text, read_call, read_function_call
from litellm_bighub.formats.payload.copies import text, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass, Withhold


@dataclass(slots=True, eq=False)
class HeldCall:
    """What the pieces said so far. Clients join them differently, so pieces that leave them a choice are torn.

    Attributes:
        path: the call's place in the message.
        legacy: it is a `function_call`, not an element of `tool_calls`.
        outcome: `None` until it is decided.
        torn: the pieces contradict each other, or repeat what some clients join and others replace.
    """

    path: str
    legacy: bool = False
    outcome: Outcome | None = None
    torn: bool = False
    _labels: dict[str, str] = field(default_factory=dict[str, str])
    _texts: list[str] = field(default_factory=list[str])
    _edit_told: bool = False

    def hear(self, piece: object) -> None:
        """Take in the next piece."""
        if self.legacy:
            self._hear_payload("function", piece)
            return
        for label in ("id", "type"):
            self._hear_label(label, piece)
        for kind in PAYLOADS:
            payload: object = get(piece, kind)
            if payload is not None:
                self._hear_payload(kind, payload)

    def read(self, *, unfinished: bool) -> ToolCall:
        """The call to be decided on; no more pieces will come."""
        kind = self._labels.get("kind", "function")
        payload = {"name": self._labels.get("name"), PAYLOADS[kind]: "".join(self._texts)}
        if self.legacy:
            call = read_function_call(payload, self.path, unfinished=unfinished)
        else:
            labels = {label: self._labels.get(label) for label in ("id", "type")}
            call = read_call({**labels, kind: payload}, self.path, unfinished=unfinished)
        self._texts.clear()
        return replace(call, arguments={}, unreadable=TORN) if self.torn else call

    def check(self, outcome: Outcome) -> None:
        """Raise `PayloadError` if the outcome has edited arguments that have no place in this call."""
        if isinstance(outcome, Pass) and outcome.edited is not None:
            edited_text(self._labels.get("kind", "function"), outcome.edited)

    def replay(self, piece: object) -> object | None:
        """What is released in place of one of the pieces, `None` for nothing. Its index is the caller's concern."""
        match self.outcome:
            case Pass(edited=None):
                return piece
            case Pass(edited=edited) if edited is not None:
                kind = self._labels.get("kind", "function")
                told = "" if self._edit_told else edited_text(kind, edited)
                self._edit_told = True
                key = PAYLOADS[kind]
                if self.legacy:
                    return with_fields(piece, **{key: told})
                payload: object = get(piece, kind)
                told_in = {key: told} if payload is None else with_fields(payload, **{key: told})
                return with_fields(piece, **{kind: told_in})
            case _:
                return None

    @property
    def notice(self) -> str | None:
        """The text in the place of a withheld call."""
        return self.outcome.notice if isinstance(self.outcome, Withhold) else None

    @property
    def told(self) -> str | None:
        """What the message's content has to say of the call."""
        if self.legacy and isinstance(self.outcome, Pass) and self.outcome.edited is not None:
            return self.outcome.note or None
        return self.notice

    def _hear_label(self, label: str, owner: object) -> None:
        if told := text(owner, label):
            self.torn = self.torn or self._labels.setdefault(label, told) != told

    def _hear_payload(self, kind: str, payload: object) -> None:
        self.torn = self.torn or self._labels.setdefault("kind", kind) != kind
        if name := text(payload, "name"):  # some clients join names that come in pieces, others take the last
            self.torn = self.torn or "name" in self._labels
            self._labels["name"] = name
        said: object = get(payload, PAYLOADS[kind])
        if isinstance(said, str):
            self._texts.append(said)
        else:
            self.torn = self.torn or said is not None
