"""A transcript tells the same words several times: as a text, in segments, word by word, and by the numbers of tokens.

A guardrail looks at each of them alone. A secret that stands whole in the text stands in pieces beside it, so pieces
that no longer say what the text says are left out. Subtitles (`srt`, `vtt`) are pieces themselves: their words are
shown once more without what stands between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import Found, Slot, TextKind

_PIECES: Final = {"segments": "text", "words": "word"}
_TEXT: Final = "text"
_WORDS: Final = "words of subtitles"
_TIMES: Final = re.compile(r"^(?:.*-->.*|\s*\d+\s*|WEBVTT.*)$", re.MULTILINE)


def add_subtitles(answer: Payload, found: Found) -> None:
    """Have the words of subtitles checked as one text, too."""
    text = fields.get(answer, _TEXT)
    if isinstance(text, str) and "-->" in text:
        words = _without_times(text)
        found.slots.append(Slot({_WORDS: words}, _WORDS, words, TextKind.TEXT, (None, _WORDS)))


def settle(answer: object, found: Found) -> None:
    """Leave out what stands beside a rewritten text and no longer fits it.

    Raises:
        PayloadError: what was rewritten in subtitles reaches from one to the next, so that they cannot be told.
    """
    text = fields.get(answer, _TEXT)
    if not isinstance(text, str):
        text = ""
    for slot in found.slots:
        if slot.key == _WORDS and slot.text != _without_times(text):
            raise PayloadError(_TEXT, "was rewritten over more than one subtitle")
    for key, word in _PIECES.items():
        pieces = _listed(fields.get(answer, key))
        for piece in pieces:
            if fields.get(piece, "tokens"):
                fields.put(piece, "tokens", [])
        if pieces and _said("".join(str(fields.get(piece, word)) for piece in pieces)) != _said(text):
            fields.put(answer, key, [])


def _without_times(text: str) -> str:
    return " ".join(_TIMES.sub(" ", text).split())


def _said(text: str) -> str:
    """The words alone: how pieces are set apart, and whether they end in a full stop, makes no difference."""
    return "".join(filter(str.isalnum, text))


def _listed(value: Payload) -> Sequence[Payload]:
    return cast("Sequence[Payload]", value) if isinstance(value, (list, tuple)) else ()
