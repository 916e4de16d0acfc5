"""One text of a stream on its way out: what has been heard of it, what was scanned, and what may leave.

Let P be the text that is pending, and C a little of what was released before it, as the client got it. The guardrail
is asked about C + P, and answers C + A. (If it touches C, it is asked again about P alone.)

At the end A leaves. Before the end, a *cut* is made: P = X + S, where S has at least `overlap` characters and came back
unchanged at the end of A. What stands before S in A leaves, S stays pending and is scanned again with what follows it.

**No secret of at most `overlap` characters leaves.** Look at one in the raw text, and at the first scan after which any
of its characters is no longer pending. Nothing of it was cut off before, so it begins in that scan's P. If it ended
after P, then at most `overlap` - 1 of its characters were in P, all of them in S, and all of them are still pending: a
contradiction. So the whole of it was in the text that was scanned, and what left is the guardrail's answer to that.

A cut falls between two deltas wherever it can, so that they leave as the objects they are, and beside white space, so
that a rule about whole words reads the next P as it stands. C serves rules that look behind where there is none.

Where sentences leave as soon as they are complete, a cut falls at the end of the last one that came back unchanged
behind it; then only a secret within one sentence is surely found. A longer sentence is cut like any text.

**Scanning is linear.** After a scan that leaves k characters pending, the next one comes when at least
max(`size` - `overlap`, k / 2) more have arrived, or a sentence has ended and at least k / 2 more have, or at the end.
"""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeAlias, cast

from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.payload.json_escapes import unescaped
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where, verify
from litellm_bighub.formats.stream.event_texts import Place, with_delta


@dataclass(frozen=True, slots=True)
class WholeText:
    """Hold every text until its end, and scan it once."""


@dataclass(frozen=True, slots=True)
class Window:
    """Scan a text while it arrives, and hold back only as far as a rewrite could still reach.

    Attributes:
        size: scan as soon as so many characters are pending.
        overlap: the longest secret that is surely found wherever deltas cut it, in characters.
        context: how many characters that have left already are shown to the guardrail again.
        sentences: scan at the end of each sentence too, and let the sentence leave; `overlap` then holds within one.
    """

    size: int = 256
    overlap: int = 128
    context: int = 32
    sentences: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.overlap < self.size or self.context < 0:
            raise ValueError("a window needs 0 < overlap < size and 0 <= context")


Mode: TypeAlias = WholeText | Window

_SENTENCE_END = re.compile(r"([.!?…]['\"’”»)\]]{0,4}(?=\s)|[。！？]['\"’”」』）]{0,4}|\n)\s*")  # noqa: RUF001 - quotation marks of many languages
_LONGEST_END = 6
_WHOLE = frozenset({TextKind.JSON, TextKind.NAME, TextKind.TOKENS})
"""Kinds of texts that are held whole: a part of one means nothing, or cannot be rewritten alone."""


@dataclass(slots=True, eq=False)
class Delta:
    """A piece of a text that waits to leave.

    Attributes:
        event: its event; `None` for a piece that only a done event or item told.
        text: as much of it as is still pending.
        keys: the way from the event to the piece.
        out: events that may leave in its place.
        settled: no more will come out of it.
        blocker: the text that it is a piece of.
    """

    event: object | None
    text: str
    keys: Place = ()
    out: list[object] = field(default_factory=list)
    settled: bool = False
    blocker: object = None

    def let_go(self, text: str, *, last: bool) -> None:
        """Let text leave in this piece's place; the last of it, or more will follow."""
        self.settled = last
        if self.event is None:
            return
        if text == self._told and last and not self.out:
            self.out.append(self.event)
        elif text:
            self.out.append(with_delta(self.event, self.keys, text))

    @property
    def _told(self) -> object:
        """What the event told."""
        value = self.event
        for key in self.keys:
            value = cast("list[object]", value)[key] if isinstance(key, int) else get(value, key)
        return value


class TextPart:
    """One text of a stream.

    Attributes:
        kind: what has to hold for its rewrite.
        announced: what an `added` event told of it before the first delta.
        ended: no more of it will come.
        finished: all of it was scanned, and may leave.
        diverged: how many raw characters left before the first that was rewritten, `None` if there is none.
        left: how many raw characters were scanned and let go.
    """

    def __init__(self, mode: Mode, kind: TextKind, where: Where) -> None:
        window = mode if isinstance(mode, Window) and kind not in _WHOLE else None
        self._overlap = window.overlap if window else 0
        self._step: float = window.size - window.overlap if window else math.inf
        self._keep = window.context if window else 0
        self._due_at: float = window.size if window else math.inf
        self._sentences = bool(window and window.sentences)
        self._sentence_ended = False
        self._sentence_due_at = 0
        self._latest = ""
        self.kind = kind
        self._where = where
        self._raw: list[str] = []
        self._out: list[str] = []
        self._pending: deque[Delta] = deque()
        self._length = 0
        self._tail = ""
        self._alone = False
        self._has_deltas = False
        self._beginning = False
        self.announced = ""
        self.ended = False
        self.finished = False
        self.diverged: int | None = None
        self.left = 0

    @property
    def raw(self) -> str:
        """The text as the upstream told it so far."""
        return "".join(self._raw)

    @property
    def released(self) -> str:
        """The text as the client gets it, as far as it may leave."""
        return "".join(self._out)

    def end_of(self, length: int) -> str:
        """The end of the text as far as it was heard; as the client gets it, as far as it may leave."""
        pending = "".join(delta.text for delta in self._pending)
        return (self.released + pending)[-length:]

    @property
    def empty(self) -> bool:
        """Whether nothing was heard of it."""
        return not self._raw

    def announce(self, text: str) -> None:
        """An `added` event told it: its beginning, or all of it. Which of them shows at the end."""
        self.announced = text
        self._due_at = math.inf
        self._sentences = False

    def hear(self, delta: Delta) -> None:
        """Take the next piece."""
        self._has_deltas = True
        self._push(delta)

    def end(self, said: str | None) -> None:
        """No more of it comes.

        Args:
            said: the whole text, from a done event or an item. What it adds to the deltas is scanned; if it contradicts
                them, the deltas count.
        """
        self.ended = True
        deltas = self.raw
        if self.announced and (
            not deltas.startswith(self.announced) if said is None else said.startswith(self.announced + deltas)
        ):
            self._beginning = True
            self._push(Delta(None, self.announced), first=True)
        told = self.raw
        if said is not None and said != told and said.startswith(told):
            self._push(Delta(None, said[len(told) :]))
        if self._length == 0:
            self._let_go("", "")
            self.finished = True

    @property
    def due(self) -> bool:
        """Whether it has to be scanned now."""
        if self.finished or self._length == 0:
            return False
        sentence = self._sentence_ended and self._length >= self._sentence_due_at
        return self.ended or self._length >= self._due_at or sentence

    @property
    def question(self) -> str:
        """What has to be scanned."""
        pending = "".join(delta.text for delta in self._pending)
        return unescaped(pending) if self.kind is TextKind.JSON else self._context + pending

    def verify(self, answer: str) -> None:
        """Raise `PayloadError` if the answer cannot stand in the text's place."""
        verify([Slot(None, "", self.question, self.kind, self._where)], [answer])

    def answer(self, answer: str) -> bool:
        """Take the guardrail's answer to `question`. False means that there is another question."""
        if self.kind is TextKind.JSON and answer == self.question:
            answer = "".join(delta.text for delta in self._pending)  # as the upstream wrote it
        context = self._context
        if not answer.startswith(context):
            self._alone = True
            return False
        self._alone = False
        before, after = "".join(delta.text for delta in self._pending), answer[len(context) :]
        cut = len(before) if self.ended else self._cut(before, after)
        if cut or self.ended:
            kept = len(before) - cut
            self._let_go(before[:cut], after[: len(after) - kept])
        self._due_at = self._length + max(self._step, self._length // 2)
        self._sentence_due_at = self._length + self._length // 2
        self._sentence_ended = False
        self.finished = self.ended
        return True

    def announced_as(self, text: str) -> str:
        """What an `added` event that told this text has to tell now that the part is finished."""
        if self._beginning:
            if self.diverged is None:
                return text
            if self._has_deltas:
                return ""
        return self.released

    @property
    def _context(self) -> str:
        return "" if self._alone else self._tail

    def _push(self, delta: Delta, *, first: bool = False) -> None:
        delta.blocker = self
        if first:
            self._raw.insert(0, delta.text)
            self._pending.appendleft(delta)
        else:
            self._raw.append(delta.text)
            self._pending.append(delta)
            if self._sentences:
                latest = self._latest + delta.text
                _, over = _end_of_sentences(latest)
                self._sentence_ended = self._sentence_ended or over > 0
                self._latest = latest[max(over, len(latest) - _LONGEST_END) :]
        self._length += len(delta.text)

    def _cut(self, before: str, after: str) -> int:
        """Where to cut what was scanned, 0 for nowhere."""
        limit = len(before) - self._overlap
        low = max(1, len(before) - _common_suffix(before, after)) if before != after else 1
        lengths = accumulate(len(delta.text) for delta in self._pending)
        if self._sentences:
            first, last = _end_of_sentences(before)
            if last >= low:
                return next((end for end in lengths if max(first, low) <= end <= last), max(first, low))
        if limit < low:
            return 0
        ends = [end for end in lengths if low <= end <= limit]
        clean = next((end for end in reversed(ends) if _between_words(before, end)), 0)
        if clean * 2 >= limit:
            return clean
        if before == after:
            return ends[-1] if ends else 0
        words = (end for end in range(limit, max(low, limit // 2) - 1, -1) if _between_words(before, end))
        return next(words, limit)

    def _let_go(self, before: str, after: str) -> None:
        """Let the pending text `before` leave as `after`, in as many of its own events as possible."""
        pieces = self._take(len(before))
        first, last, text = len(pieces), -1, ""
        if before != after:
            prefix = _common_prefix(before, after)
            suffix = min(_common_suffix(before, after), min(len(before), len(after)) - prefix)
            first = next((n for n, (_, _, end, _) in enumerate(pieces) if end > prefix), len(pieces) - 1)
            last = max((n for n, (_, start, _, _) in enumerate(pieces) if start < len(before) - suffix), default=first)
            last = max(first, last)
            text = after[pieces[first][1] : len(after) - (len(before) - pieces[last][2])]
            if self.diverged is None:
                self.diverged = self.left + prefix
        teller = first
        if self._beginning and before != after and len(pieces) > 1:
            # The added event tells nothing any more, so the first delta tells all.
            first, last, teller = 0, max(last, 1), 1
            text = after[: len(after) - (len(before) - pieces[last][2])]
        for n, (delta, start, end, complete) in enumerate(pieces):
            told = before[start:end] if not first <= n <= last else text if n == teller else ""
            delta.let_go(told, last=complete)
        self.left += len(before)
        self._out.append(after)
        self._tail = _from_white_space((self._tail + after)[-self._keep :] if self._keep else "")

    def _take(self, length: int) -> list[tuple[Delta, int, int, bool]]:
        """Take pieces off the front: each with its offsets, and whether that is all of it."""
        pieces: list[tuple[Delta, int, int, bool]] = []
        offset = 0
        while self._pending and (offset < length or (self.ended and not self._pending[0].text)):
            delta = self._pending[0]
            end = min(offset + len(delta.text), length)
            complete = end - offset == len(delta.text)
            pieces.append((delta, offset, end, complete))
            delta.text = delta.text[end - offset :]
            if complete:
                self._pending.popleft()
            offset = end
        self._length -= length
        return pieces


def _end_of_sentences(text: str) -> tuple[int, int]:
    """Where the last complete sentence ends, and the white space behind it; zeros if none is complete."""
    return max(((found.end(1), found.end()) for found in _SENTENCE_END.finditer(text)), default=(0, 0))


def _between_words(text: str, index: int) -> bool:
    return text[index - 1].isspace() or text[index : index + 1].isspace()


def _from_white_space(text: str) -> str:
    """As much of the text's end as does not begin within a word; all of it if it is one word."""
    return next((text[n:] for n, character in enumerate(text) if character.isspace()), text)


def _common_prefix(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    return next((n for n in range(shorter) if one[n] != other[n]), shorter)


def _common_suffix(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    return next((n for n in range(shorter) if one[-1 - n] != other[-1 - n]), shorter)
