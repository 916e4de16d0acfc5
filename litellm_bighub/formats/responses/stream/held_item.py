"""One item that is held back, from its first event to its last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.answers.unreadable_calls import UNFINISHED
from litellm_bighub.formats.payload.copies import json_text, text, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.responses import approval_request
from litellm_bighub.formats.responses.calls import edited_payload, fingerprint, read_call
from litellm_bighub.formats.responses.event_kinds import ADDED, CALL_TEXT
from litellm_bighub.formats.responses.item_kinds import is_call, may_be_call
from litellm_bighub.formats.responses.stream.call_versions import TWO_VERSIONS, CallVersions
from litellm_bighub.formats.responses.stream.item_events import item_events
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass, Withhold


class HeldState(Enum):
    """Where a held item is on its way.

    ```
    OPEN ──complete──▶ ASKED ──answer──▶ PASSED | WITHHELD
      ╰───complete, and the provider runs it──▶ FREE
    ```
    """

    OPEN = "open"
    ASKED = "asked"
    FREE = "free"
    PASSED = "passed"
    WITHHELD = "withheld"


@dataclass(slots=True, eq=False)
class HeldItem:
    """What the gate knows of one held item.

    Attributes:
        index: its `output_index`; where the stream names none, the first that was free.
        item: the complete item, until its outcome is known.
        fingerprint: tells this version of the call from others; empty while open.
        begun: some of its events have been released or replaced.
        superseded_by: another version of it that is asked in its place.
        supersedes: the other way round.
    """

    index: int
    state: HeldState = HeldState.OPEN
    versions: CallVersions = field(default_factory=CallVersions)
    item: object = None
    fingerprint: str = ""
    begun: bool = False
    superseded_by: HeldItem | None = None
    supersedes: HeldItem | None = None
    _call_id: str = ""
    _payload: JsonObject | None = None
    _edit_told: bool = False
    _has_deltas: bool = False
    _notice: JsonObject | None = None
    _vanishes: bool = False

    @property
    def undecided(self) -> bool:
        """Whether nothing of it may leave yet."""
        return self.state is HeldState.OPEN or self.state is HeldState.ASKED

    def complete(self, item: object, *, cut: bool = False) -> ToolCall | None:
        """Take the complete item, from an envelope if the stream cut it off.

        Returns:
            the call to be decided on, `None` if the provider runs it.
        """
        agree = self.versions.agree(item, cut=cut)
        self._has_deltas = bool(self.versions.deltas)
        if agree and not is_call(item):
            self.versions = CallVersions()
            self.state = HeldState.FREE
            return None
        if not may_be_call(item):  # it was announced as a call: that version is asked about
            return self.abandon(TWO_VERSIONS)
        call = read_call(item, self.path)
        self.fingerprint = fingerprint(item, call)
        self.item = item
        return self._ask(call if agree else replace(call, arguments={}, unreadable=TWO_VERSIONS))

    def abandon(self, reason: str = UNFINISHED) -> ToolCall:
        """Give up waiting for the complete item. Answers an unreadable call."""
        heard = self.versions.early[-1] if self.versions.early else None
        call = read_call(heard, self.path)
        self.item = heard
        return self._ask(replace(call, arguments={}, unreadable=reason))

    @property
    def path(self) -> str:
        """The item's place in the response."""
        return f"output[{self.index}]"

    @property
    def call_id(self) -> str:
        """The call's id on the wire, as far as it is known."""
        return self._call_id or next((text(early, "call_id") for early in self.versions.early), "")

    def decide(self, outcome: Outcome, in_place: Callable[[Withhold, object], JsonObject]) -> None:
        """Take the outcome. `in_place` makes the item that takes the place of a withheld call."""
        match outcome:
            case Pass(edited):
                self.state = HeldState.PASSED
                self._payload = None if edited is None else edited_payload(self.item, edited)
            case Withhold():
                self.state = HeldState.WITHHELD
                self._notice = in_place(outcome, self.item)
                self._vanishes = outcome.vanishes
        self.item = None
        if self.supersedes is not None:
            self.supersedes._follow(self)  # noqa: SLF001 - the same class

    def _follow(self, other: HeldItem) -> None:
        self.state = other.state
        self._payload = other._payload
        self._notice = other._notice
        self._vanishes = other._vanishes
        self.item = None
        if self.supersedes is not None:
            self.supersedes._follow(self)  # noqa: SLF001

    def replay(self, event: object) -> list[object]:
        """What is released in place of one of the item's events."""
        begun, self.begun = self.begun, True
        if self._notice is not None:
            return [] if begun or self._vanishes else self._notice_events(event)
        if self._payload is None:
            return [event]
        edited = self._edited_event(event, self._payload)
        return [] if edited is None else [edited]

    def copy_in_envelope(self, item: object) -> object:
        """What stands in an envelope in place of the item."""
        if self._notice is not None:
            return self._notice
        return item if self._payload is None else with_fields(item, **self._payload)

    @property
    def rewrites(self) -> bool:
        """Whether the item's copies in envelopes have to be changed."""
        return self._notice is not None or self._payload is not None

    def _ask(self, call: ToolCall) -> ToolCall:
        self.state = HeldState.ASKED
        self._call_id = call.id
        self.versions = CallVersions()
        return call

    def _notice_events(self, event: object) -> list[object]:
        assert self._notice is not None  # noqa: S101 - for the type checkers; asked by the caller
        asks = text(self._notice, "type") == approval_request.TYPE
        events = (approval_request.request_events if asks else item_events)(self._notice, self.index)
        number: object = get(event, "sequence_number")
        return [{**made, "sequence_number": number} if number is not None else made for made in events]

    def _edited_event(self, event: object, payload: JsonObject) -> object | None:
        event_type = text(event, "type")
        item: object = get(event, "item")
        if item is not None:
            told_later = event_type == ADDED and self._has_deltas
            return with_fields(event, item=with_fields(item, **(dict.fromkeys(payload, "") if told_later else payload)))
        if event_type not in CALL_TEXT:
            return None  # tells a command, or the unedited call in a way that nobody knew when this was written
        key = CALL_TEXT[event_type]
        if key == "delta" and self._edit_told:
            return None
        self._edit_told = True
        return with_fields(event, **{key: _edited_text(payload, event_type)})


def _edited_text(payload: JsonObject, event_type: str) -> str:
    if "input" not in payload:
        return str(payload.get("arguments", ""))
    # LiteLLM tells a custom tool's input as a function's arguments.
    return str(payload["input"]) if "custom_tool_call" in event_type else json_text({"content": payload["input"]})
