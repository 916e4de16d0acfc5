"""A text in runs, with a mark on each that deceives the eye.

Marked are characters that nobody sees (written as their escape), letters that look like others, and blanks that push
what follows out of sight. Nothing of the text is lost: a run without a mark is the text as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from litellm_bighub.control_plane.inbox.readable import is_unseen, visible

Mark: TypeAlias = Literal["", "unseen", "alike", "gap"]
Style: TypeAlias = Literal["", "keyword", "text"]

_TOKEN: Final = re.compile(r"\w+|[^\w\x20-\x7e\n\t]|[ \t]{16,}|(?:[ \t]{0,15}\n){8,}")
_LIKE_PUNCTUATION: Final = frozenset(
    "\u2215\u2044\u29f8\u2024\u2010\u2011\u2043\u02d7\u2236\u0589\u201a\u01c3\ua789\u2212"
)
_FOREIGN: Final = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
_LIKE_LATIN: Final = frozenset(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u04cf\u051b\u051d"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bd\u03bf\u03c1\u03b9"
)
"""Cyrillic and Greek letters that print like Latin ones."""


@dataclass(frozen=True, slots=True)
class TextRun:
    """A piece of a text.

    Attributes:
        text: as it is shown.
        mark: what is wrong with it; empty for nothing.
        told: what is wrong, in words.
        style: what it is in a language.
    """

    text: str
    mark: Mark = ""
    told: str = ""
    style: Style = ""


Runs: TypeAlias = tuple[TextRun, ...]


def text_runs(text: str) -> Runs:
    """The text in runs. It may hold line breaks and tabs; everything else that is unseen is escaped."""
    if text.isascii() and text.isprintable() and " " * 16 not in text:
        return (TextRun(text),) if text else ()
    return tuple(_joined(_runs(text)))


def has_marks(runs: Runs) -> bool:
    """Whether something in it deceives the eye."""
    return any(run.mark for run in runs)


def _runs(text: str) -> Iterator[TextRun]:
    passed_off = _passed_off(text)
    at = 0
    for token in _TOKEN.finditer(text):
        if (run := _marked(token[0], passed_off=passed_off)) is not None:
            yield TextRun(text[at : token.start()])
            yield run
            at = token.end()
    yield TextRun(text[at:])


def _marked(token: str, *, passed_off: bool) -> TextRun | None:
    first = token[0]
    if first in " \t\n" and len(token) > 1:
        lines = token.count("\n")
        told = f"{lines} empty lines" if lines else f"{len(token)} blanks"
        return TextRun(f"\u27e8{told}\u27e9" + ("\n" if lines else ""), "gap", told)
    if token.isascii() and token.isprintable():
        return None
    if not token.isprintable() or any(is_unseen(character) for character in token):
        return TextRun(visible(token), "unseen", "characters that cannot be seen")
    if first in _LIKE_PUNCTUATION or (len(token) == 1 and not token.isalnum() and _plain(token).isascii()):
        return TextRun(token, "alike", _named(token))
    if odd := _odd_letters(token, passed_off=passed_off):
        return TextRun(token, "alike", ", ".join(_named(letter) for letter in odd[:3]))
    return None


def _odd_letters(word: str, *, passed_off: bool) -> list[str]:
    """The letters of a word that look like those of another script and stand among them."""
    letters = [character for character in word if character.isalpha()]
    foreign = [letter for letter in letters if _is_foreign(letter)]
    styled = [letter for letter in letters if ord(letter) > 0xFF and _plain(letter).isascii()]
    digits = [character for character in word if character.isdecimal() and not character.isascii()]
    latin = any(_is_latin(letter) for letter in letters)
    if foreign and (latin or (passed_off and all(letter in _LIKE_LATIN for letter in foreign))):
        return foreign
    if styled:
        return styled
    return digits if digits and (latin or any(character in "0123456789" for character in word)) else []


def _passed_off(text: str) -> bool:
    """Whether words of look-alike letters alone are not words of a language that the text is written in."""
    letters = {character for character in text if not character.isascii() and character.isalpha()}
    return not any(_is_foreign(letter) and letter not in _LIKE_LATIN for letter in letters)


def _is_foreign(letter: str) -> bool:
    return not letter.isascii() and unicodedata.name(letter, "").startswith(_FOREIGN)


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")


def _plain(character: str) -> str:
    return unicodedata.normalize("NFKC", character)


def _named(character: str) -> str:
    return unicodedata.name(character, f"U+{ord(character):04X}").lower()


def _joined(runs: Iterator[TextRun]) -> Iterator[TextRun]:
    """Neighbours with the same mark as one."""
    last: TextRun | None = None
    for run in runs:
        if not run.text:
            continue
        if last is not None and last.mark == run.mark == "unseen":
            last = TextRun(last.text + run.text, last.mark, last.told)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last
