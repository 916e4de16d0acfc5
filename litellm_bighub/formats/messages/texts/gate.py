"""The gate through which the texts of a Messages stream leave.

LiteLLM hands this stream over as the upstream's bytes, cut anywhere; an event that nothing was rewritten in leaves byte
for byte. A thinking block is signed: one in which a text was rewritten would be refused by its provider when it comes
back, so it is left out, and the blocks behind it move up. Until its last event nobody knows, so it leaves whole.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.messages.sse import Frame, Splitter, parse
from litellm_bighub.formats.messages.texts.event_texts import START, STOP, may_stream, read
from litellm_bighub.formats.payload.copies import text, whole, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.payload.slots import TextKind
from litellm_bighub.formats.stream.event_texts import Place
from litellm_bighub.formats.stream.gate_protocol import Hold, Release
from litellm_bighub.formats.stream.text_gate import Scan, TextGate
from litellm_bighub.formats.stream.text_items import Item
from litellm_bighub.formats.stream.text_part import Mode

_PING: Final = "ping"
_SIGNED: Final = "thinking"
_SIGNATURE: Final = "signature"
_PARTS: Final = ("content_block", "delta")
_PARTS_OF_MESSAGE: Final[frozenset[Place]] = frozenset({("text",), ("thinking",)})


class _Parsed(dict[str, object]):
    """An event that came as bytes or text. A copy in which something was rewritten has no `raw`."""

    __slots__ = ("raw",)

    def __init__(self, event: JsonObject, raw: object) -> None:
        super().__init__(event)
        self.raw = raw


class MessagesTextGate:
    """One stream's gate for texts.

    Args:
        mode: how texts are scanned that arrive in deltas.
    """

    def __init__(self, mode: Mode | None = None) -> None:
        self._gate = TextGate(read, may_stream=may_stream, mode=mode, message_of=_message_of)
        self._splitter = Splitter()
        self._form: type[bytes | str] | None = None
        self._signed = SignedBlocks()
        self._aside: list[object] = []
        self._left: list[object] = []
        self._closing = False
        self._ended = False
        self._begun = False

    def feed(self, *events: object) -> Release | Scan | Hold:
        """Take the upstream's next events, or its next bytes.

        Raises:
            UnreadableAnswerError: two clients may read something different in a frame.
        """
        taken: list[object] = []
        for event in events:
            if isinstance(event, str | bytes | bytearray):
                self._form = str if isinstance(event, str) else bytes
                data = event.encode(errors="surrogatepass") if isinstance(event, str) else bytes(event)
                taken += self._parsed(self._splitter.feed(data))
            else:
                taken += self._sorted(event, event)
        return self._stepped(self._gate.feed(*taken))

    def answer(self, texts: Sequence[str]) -> Release | Scan:
        """Take the answers to the outstanding scan."""
        step = self._gate.answer(texts)
        return self._finished(step) if self._closing else self._released(step)

    def finish(self) -> Release | Scan:
        """The upstream has no more events. What is still pending has to be scanned, or never leaves."""
        self._closing = True
        return self._finished(self._gate.feed(*self._parsed(self._splitter.close())))

    def _finished(self, step: Release | Scan | Hold) -> Release | Scan:
        """Close the inner gate as soon as the last event has left it."""
        if isinstance(step, Scan):
            return step
        if isinstance(step, Release):
            self._left += step.events
        self._closing = False
        self._ended = True
        return self._released(self._gate.finish())

    def _parsed(self, frames: list[bytes]) -> list[object]:
        taken: list[object] = []
        for raw in frames:
            frame = parse(raw, self._form or bytes)
            taken += self._sorted(frame.event, frame.raw)
        return taken

    def _sorted(self, event: object, raw: object) -> list[object]:
        """The event if it has texts. Comments and pings keep a stream alive, and overtake what is held."""
        if event is None or text(event, "type") == _PING:
            self._aside.append(raw)
            return []
        event = event if raw is event else _Parsed(cast("JsonObject", event), raw)
        self._signed.came(event)
        return [event]

    def _stepped(self, step: Release | Scan | Hold) -> Release | Scan | Hold:
        step = self._released(Release() if isinstance(step, Hold) else step)
        return step if isinstance(step, Scan) or step.events else Hold()

    def _released(self, step: Release | Scan) -> Release | Scan:
        if isinstance(step, Scan):
            return step
        left = self._signed.left([*self._left, *step.events], ended=self._ended)
        written = [self._written(event) for event in left]
        released = [*self._aside, *written] if self._begun else [*written, *self._aside]
        self._begun = self._begun or bool(written)
        self._aside, self._left = [], []
        return Release(tuple(released))

    def _written(self, event: object) -> object:
        return event.raw if isinstance(event, _Parsed) else Frame(event, None, self._form).released


def _message_of(item: Item, place: Place, kind: TextKind) -> Hashable | None:
    """The text blocks of an answer are parts of one, and so are its thoughts."""
    del item, kind
    return place if place in _PARTS_OF_MESSAGE else None


@dataclass(slots=True)
class _SignedBlock:
    """A thinking block: what the upstream told in it, and what is left of that."""

    told: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    signed: bool = False

    @property
    def is_broken(self) -> bool:
        """Whether the signature is that of another text."""
        return self.signed and "".join(self.told) != "".join(self.left)


class SignedBlocks:
    """Leaves out thinking blocks in which a text was rewritten, and numbers the others anew."""

    def __init__(self) -> None:
        self._blocks: dict[int, _SignedBlock] = {}
        self._waiting: deque[object] = deque()
        self._stopped: set[int] = set()
        self._whole: set[int] = set()
        self._dropped: list[int] = []
        self._gone = 0
        self._left_out: dict[int, int] = {}

    def came(self, event: object) -> None:
        """The upstream told this."""
        index = whole(event, "index")
        if index is None:
            return
        block: object = get(event, "content_block")
        if text(event, "type") == START and text(block, "type") == _SIGNED:
            self._blocks[index] = _SignedBlock()
        known = self._blocks.get(index)
        if known is not None:
            known.told.append(_thought(event))
            known.signed = known.signed or any(text(get(event, key), _SIGNATURE) for key in _PARTS)

    def left(self, events: Sequence[object], *, ended: bool) -> list[object]:
        """What may be sent of these events, which left the gate in this order, and of those before them."""
        if not self._blocks:  # nor does any of them wait
            self._gone += len(events)
            return [*events]
        for event in events:
            self._waiting.append(event)
            index = whole(event, "index")
            known = None if index is None else self._blocks.get(index)
            if index is not None and known is not None:
                known.left.append(_thought(event))
                if text(event, "type") == STOP:
                    self._stopped.add(index)
        ready: list[object] = []
        while self._waiting:
            index = whole(self._waiting[0], "index")
            if index in self._blocks and index not in self._whole:
                if index not in self._stopped and not ended:
                    break
                self._settle(index)
                continue
            event = self._waiting.popleft()
            self._gone += 1
            if index is None or self._gone > self._left_out.get(index, 0):
                ready.append(self._numbered(event, index))
        return ready

    def _settle(self, index: int) -> None:
        if self._blocks[index].is_broken:
            self._left_out[index] = self._gone + len(self._waiting)
            insort(self._dropped, index)
        self._whole.add(index)

    def _numbered(self, event: object, index: int | None) -> object:
        before = bisect_left(self._dropped, index) if index is not None else 0
        return with_fields(event, index=index - before) if index is not None and before else event


def _thought(event: object) -> str:
    """What an event tells of a thinking block's text."""
    return "".join(text(get(event, key), _SIGNED) for key in _PARTS)
