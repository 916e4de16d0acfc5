"""A second look at texts as a person or model reads them: the parts of a message joined, without invisible characters.

The first look is exact: each text on its own, as it stands. A secret that is split over two parts of a message, or has
an invisible character within, shows only in the second. What a guardrail rewrites there is put back where it stands;
of a secret that is split, every part is masked. What it only adds masks nothing, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Final, NamedTuple

from litellm_bighub.checks.contract import Guardrail, name_of
from litellm_bighub.checks.differences import Change, differences
from litellm_bighub.checks.text_check import TextAnswer, TextQuestion, check
from litellm_bighub.errors import GuardrailAnswerError

_JOINERS: Final = "\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Those with which other scripts and emoji are written. They are invisible in an English word."""
_OTHERS: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_INVISIBLE: Final = re.compile(f"[{_JOINERS}{_OTHERS}]*[{_OTHERS}][{_JOINERS}{_OTHERS}]*|(?<=[!-~])[{_JOINERS}]+")
"""What Unicode calls default ignorable code points."""


class Parts(NamedTuple):
    """Texts that stand one behind the other in a message.

    Attributes:
        indices: which of the texts in question.
        before: what stands before them, and cannot be changed any more.
    """

    indices: Sequence[int]
    before: str = ""


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Which texts are looked at twice.

    Attributes:
        join_parts: those of a message that has several.
        ignore_invisible: those with invisible characters.
    """

    join_parts: bool = True
    ignore_invisible: bool = True

    def needed(self, text: str) -> bool:
        """Whether a text that is alone is looked at twice."""
        return self.ignore_invisible and not text.isascii() and _INVISIBLE.search(text) is not None

    def views(self, texts: Sequence[str], messages: Iterable[Parts] = ()) -> list[View]:
        """What is looked at.

        Args:
            texts: as the first look has left them.
            messages: which of them belong together.
        """
        views: list[View] = []
        joined: list[Sequence[int]] = []
        all_present = all(texts)
        for message in messages if self.join_parts else ():
            present = message.indices if all_present else [index for index in message.indices if texts[index]]
            if len(present) + bool(message.before) > 1:
                joined.append(present)
                views.append(View(present, [*map(texts.__getitem__, present)], self._visible, message.before))
        if not all(map(str.isascii, texts)):
            seen = set(chain.from_iterable(joined))
            alone = (index for index, text in enumerate(texts) if index not in seen and self.needed(text))
            views += (View([index], [texts[index]], self._visible) for index in alone)
        return [view for view in views if view.text]

    def _visible(self, text: str) -> Iterator[tuple[int, int]] | None:
        """The pieces of a text that can be seen, from where to where; `None` if that is all of it."""
        return _pieces(text) if self.needed(text) else None


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """What stands around all that is invisible."""
    start = 0
    for found in _INVISIBLE.finditer(text):
        yield start, found.start()
        start = found.end()
    yield start, len(text)


class View:
    """Texts as they are seen together, and where each character of them stands.

    Args:
        indices: of the texts.
        texts: what they say.
        visible: the pieces of a text that can be seen; `None` if that is all of it.
        before: what stands before them, and cannot be changed.

    Attributes:
        text: what is seen.
    """

    def __init__(
        self,
        indices: Sequence[int],
        texts: Sequence[str],
        visible: Callable[[str], Iterable[tuple[int, int]] | None],
        before: str = "",
    ) -> None:
        self._indices = indices
        self._texts = texts
        self._visible = visible
        self._before = before
        joined = before + "".join(texts)
        # What is invisible in a text is so in the joined one, too: if nothing is there, no text has to be looked into.
        self.text = joined if visible(joined) is None else "".join(self._shown)

    @property
    def _shown(self) -> Iterator[str]:
        for _, text, start, end in self._seen:
            yield text[start:end]

    @property
    def _seen(self) -> Iterator[tuple[int | None, str, int, int]]:
        """Every piece that is seen: of which text, that text, and from where to where in it."""
        parts = zip(self._indices, self._texts, strict=True)
        for index, text in chain(((None, self._before),), parts):
            for start, end in self._visible(text) or ((0, len(text)),):
                if end > start:
                    yield index, text, start, end

    @cached_property
    def _pieces(self) -> Sequence[_Piece]:
        """They are needed only where something was changed, which is seldom."""
        pieces: list[_Piece] = []
        at = 0
        for index, _, start, end in self._seen:
            pieces.append(_Piece(at, index, start, end))
            at += end - start
        return pieces

    def write(self, seen: str, texts: MutableSequence[str]) -> bool:
        """Put into the texts what has changed in what is seen of them; `False` if nobody can tell where."""
        changes = [] if seen == self.text else differences(self.text, seen)
        if changes is None:
            return False
        for change in reversed(changes):
            if change.start == change.end:
                continue  # what is only added masks nothing
            spans = self._spans(change)
            for index, (start, end, shared) in reversed(spans.items()):
                if index is not None:
                    text = texts[index]
                    texts[index] = text[:start] + (change.text if len(spans) == 1 else shared) + text[end:]
        return True

    def _spans(self, change: Change) -> dict[int | None, tuple[int, int, str]]:
        """Of each text that a change touches: from where to where, and what takes that place.

        A mask as long as what it masks is divided between the parts. Another one stands in each.
        """
        spans: dict[int | None, tuple[int, int, str]] = {}
        is_divided = len(change.text) == change.end - change.start
        for piece in self._pieces:
            low, high = max(change.start, piece.at), min(change.end, piece.at + piece.end - piece.start)
            if low >= high:
                continue
            start, end = low - piece.at + piece.start, high - piece.at + piece.start
            first, _, before = spans.get(piece.part, (start, 0, ""))
            own = change.text[low - change.start : high - change.start]
            spans[piece.part] = (first, end, before + own if is_divided else change.text)
        return spans


class _Piece(NamedTuple):
    """A piece of a text that is seen: from where in the view, and from where to where in the text."""

    at: int
    part: int | None
    start: int
    end: int


async def check_again(
    guardrail: Guardrail,
    question: TextQuestion,
    answer: TextAnswer,
    views: Sequence[View],
    *,
    each: bool,
    limit: int,
) -> TextAnswer:
    """Ask a guardrail for its second look.

    Args:
        guardrail: of either contract.
        question: what it was asked first.
        answer: what it answered.
        views: what it looks at now, not empty.
        each: as for `check`.
        limit: as for `check`.

    Returns:
        The answer with what the second look changed.

    Raises:
        GuardrailAnswerError: an answer that cannot be mapped back to the texts.
        Exception: whatever the guardrail raises.
    """
    context = {"model": question.context["model"]} if "model" in question.context else {}
    again = TextQuestion(
        [view.text for view in views], context, None, question.request_data, question.input_type, question.logging_obj
    )
    looked = await check(guardrail, again, each=each, limit=limit)
    if all(view.text == seen for view, seen in zip(views, looked.texts, strict=True)):
        return answer
    texts = list(answer.texts)
    for view, seen in zip(views, looked.texts, strict=True):
        if not view.write(seen, texts):
            problem = "changed the joined texts of a message in ways that cannot be written back"
            raise GuardrailAnswerError(name_of(guardrail), problem)
    return answer._replace(texts=texts, first_texts=answer.texts)
