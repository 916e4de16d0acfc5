"""One tool_use block that is held back, from its start to its stop."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.formats.answers.unreadable_calls import TORN
from litellm_bighub.formats.messages.calls import read_call, rewrite_arguments
from litellm_bighub.formats.payload.copies import json_text, text, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass, Withhold


@dataclass(slots=True, eq=False)
class HeldBlock:
    """What the gate knows of one call.

    Attributes:
        index: its place in the message; where the stream names none, the first that was free.
        block: the block as it was announced.
        torn: two clients may read different calls out of its events.
        complete: its stop has come, or will not come any more.
        outcome: `None` until it is decided.
    """

    index: int
    block: object
    torn: bool = False
    complete: bool = False
    outcome: Outcome | None = None
    _deltas: list[str] = field(default_factory=list)
    _has_deltas: bool = False
    _notice_told: bool = False
    _edit_told: bool = False

    def hear(self, delta: object) -> None:
        """Take in the next delta."""
        piece: object = get(delta, "partial_json")
        if text(delta, "type") != "input_json_delta" or not isinstance(piece, str):
            self.torn = True
        else:
            self._deltas.append(piece)
            self._has_deltas = True

    def read(self, *, unfinished: bool) -> ToolCall:
        """The call to be decided on; no more events will come."""
        joined = "".join(self._deltas)
        self._deltas.clear()
        block = with_fields(self.block, input=joined) if joined else self.block
        call = read_call(block, f"content[{self.index}]", unfinished=unfinished)
        announced: object = get(self.block, "input")
        # Some clients take what was announced, others the deltas.
        contradicts = bool(joined and announced) and call.arguments != read_call(self.block, "").arguments
        return replace(call, arguments={}, unreadable=TORN) if self.torn or contradicts else call

    def replay(self, event: object) -> list[object]:
        """What is released in place of one of the block's events."""
        match self.outcome:
            case Pass(edited=None):
                return [event]
            case Pass(edited=edited) if edited is not None:
                return self._edited(event, edited)
            case Withhold(notice=notice) if not self._notice_told:
                self._notice_told = True
                return notice_events(self.index, notice) if notice else []
            case _:
                return []

    @property
    def vanishes(self) -> bool:
        """Whether nothing is to stand in its place."""
        return isinstance(self.outcome, Withhold) and self.outcome.vanishes

    def _edited(self, event: object, edited: Arguments) -> list[object]:
        match text(event, "type"):
            case "content_block_start":
                block = rewrite_arguments(get(event, "content_block"), {} if self._has_deltas else edited)
                return [with_fields(event, content_block=block)]
            case "content_block_delta" if self._edit_told:
                return []
            case "content_block_delta":
                self._edit_told = True
                return [
                    with_fields(event, delta=with_fields(get(event, "delta"), partial_json=json_text(dict(edited))))
                ]
            case _:
                return [event]


def notice_events(index: int, notice: str) -> list[object]:
    """The events of a text block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": notice}},
        {"type": "content_block_stop", "index": index},
    ]
