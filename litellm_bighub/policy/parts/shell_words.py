r"""What bash makes of the text of one word: quotes, escapes, braces, tildes and wildcards.

tree-sitter says where a word and its expansions are. This reads the characters by bash's own rules and does not take
its word for it: a text that bash would not read as one word gives `None`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from litellm_bighub.policy.parts.shell_command import Word

MAX_WORDS: Final = 64
"""So many words may a word with braces become."""
_PLAIN: Final = re.compile(r"[\w./+%,-][\w./+%,:@=^-]*", re.ASCII)
"""Nothing in such a word means anything to bash."""
_ENDS_WORDS: Final = frozenset(" \t\n;&|<>()")
_IN_DOUBLE_QUOTES: Final = frozenset({"$", "`", '"', "\\"})
_BEGINS_EXPANSION: Final = re.compile(r"[\w{(\[*@#?$!-]", re.ASCII)
_ESCAPES: Final = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPES_MORE: Final = {"v": "\v", "\\": "\\", "'": "'", '"': '"', "?": "?"}
_NUMBER: Final = re.compile(r"x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})")


class _Character(NamedTuple):
    """One character of a word, or with no text an expansion, whose text is known only when it runs."""

    text: str
    quoted: bool = False
    stands_for: str = ""


_EMPTY_QUOTES: Final = _Character("", quoted=True, stands_for="''")


class _NotOneWordError(Exception):
    pass


def words(text: str, expansions: Sequence[tuple[int, int]] = ()) -> tuple[Word, ...] | None:
    """The words that bash makes of it; several with braces. `None`: bash does not read it as a word.

    Args:
        text: as it stands in the command.
        expansions: where `$x`, `$(…)` and their like begin and end in it, in order.
    """
    if _PLAIN.fullmatch(text):
        return (Word(text),)
    if text.startswith("#") or "\0" in text:
        return None
    try:
        characters = list(_characters(text, expansions))
    except _NotOneWordError:
        return None
    spread = _spread(characters)
    if spread is None:
        return (Word(_text(characters), sure=False),)
    return tuple(_word(alternative) for alternative in spread)


def _characters(text: str, expansions: Sequence[tuple[int, int]]) -> Iterator[_Character]:
    """The characters of a word as bash takes them."""
    begins = dict(expansions)
    at = 0
    while at < len(text):
        character = text[at]
        if at in begins:
            yield _expansion(text, at, begins)
            at = begins[at]
        elif character == "'":
            at = yield from _single_quoted(text, at + 1)
        elif character == '"':
            at = yield from _double_quoted(text, at + 1, begins)
        elif text.startswith("$'", at):
            at = yield from _ansi(text, at + 2)
        elif text.startswith('$"', at):
            at += 1
        elif character == "\\" and at + 1 < len(text):
            if text[at + 1] != "\n":
                yield _Character(text[at + 1], quoted=True)
            at += 2
        elif character in _ENDS_WORDS or character == "\\":
            raise _NotOneWordError
        else:
            yield _Character(_no_expansion(text, at))
            at += 1


def _single_quoted(text: str, at: int) -> Generator[_Character, None, int]:
    yield _EMPTY_QUOTES
    end = text.find("'", at)
    if end < 0:
        raise _NotOneWordError
    yield from (_Character(character, quoted=True) for character in text[at:end])
    return end + 1


def _double_quoted(text: str, at: int, begins: Mapping[int, int]) -> Generator[_Character, None, int]:
    yield _EMPTY_QUOTES
    while at < len(text):
        character, following = text[at], text[at + 1 : at + 2]
        if at in begins:
            yield _expansion(text, at, begins)
            at = begins[at]
        elif character == '"':
            return at + 1
        elif character == "\\" and following == "\n":
            at += 2
        elif character == "\\" and following in _IN_DOUBLE_QUOTES:
            yield _Character(following, quoted=True)
            at += 2
        else:
            yield _Character(_no_expansion(text, at), quoted=True)
            at += 1
    raise _NotOneWordError


def _expansion(text: str, at: int, begins: Mapping[int, int]) -> _Character:
    expansion = text[at : begins[at]]
    return _Character("", stands_for="~" if expansion in {"$HOME", "${HOME}"} else expansion)


def _no_expansion(text: str, at: int) -> str:
    """The character, which is none that begins an expansion that tree-sitter has not seen."""
    character = text[at]
    if character == "`" or (character == "$" and _BEGINS_EXPANSION.match(text, at + 1)):
        raise _NotOneWordError
    return character


def _ansi(text: str, at: int) -> Generator[_Character, None, int]:
    r"""The inside of `$'…'`. Returns where the word goes on."""
    yield _EMPTY_QUOTES
    while at < len(text):
        character, following = text[at], text[at + 1 : at + 2]
        if character == "'":
            return at + 1
        if character != "\\":
            at += 1
            yield _Character(character, quoted=True)
        elif (plain := _ESCAPES.get(following) or _ESCAPES_MORE.get(following)) is not None:
            at += 2
            yield _Character(plain, quoted=True)
        elif (number := _NUMBER.match(text, at + 1)) is not None:
            at = number.end()
            yield _Character(_numbered(number), quoted=True)
        else:
            raise _NotOneWordError
    raise _NotOneWordError


def _numbered(number: re.Match[str]) -> str:
    hexadecimal = number[1] or number[3] or number[4]
    code = int(hexadecimal, 16) if hexadecimal else int(number[2], 8)
    by_byte = number[1] or number[2]
    if code == 0 or (by_byte and code > 0x7F) or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        raise _NotOneWordError  # the end of the text for bash, or a byte of a character
    return chr(code)


def _spread(characters: list[_Character]) -> list[list[_Character]] | None:
    """The word for each alternative in its braces; `None` if that is less simple than `a{b,c}`."""
    spread: list[list[_Character]] = [[]]
    at = 0
    while at < len(characters):
        if characters[at] != _Character("{"):
            spread = [[*word, characters[at]] for word in spread]
            at += 1
            continue
        end = next((end for end in range(at, len(characters)) if characters[end] == _Character("}")), None)
        if end is None:
            return None
        inside = characters[at + 1 : end]
        if not inside:
            spread = [[*word, *characters[at : end + 1]] for word in spread]
        else:
            alternatives = _alternatives(inside)
            if alternatives is None or len(spread) * len(alternatives) > MAX_WORDS:
                return None
            spread = [[*word, *alternative] for word in spread for alternative in alternatives]
        at = end + 1
    return spread


def _alternatives(inside: list[_Character]) -> list[list[_Character]] | None:
    if _Character("{") in inside or _Character(",") not in inside:
        return None
    found: list[list[_Character]] = [[]]
    for character in inside:
        if character == _Character(","):
            found.append([])
        else:
            found[-1].append(character)
    return found if all(found) else None


def _word(characters: list[_Character]) -> Word:
    text = _text(characters)
    unquoted = [character.text for character in characters if not character.quoted]
    glob = not {"*", "?", "["}.isdisjoint(unquoted)
    expands = any(not character.text and not character.quoted for character in characters)
    # A name of a file may look like an option.
    sure = not expands and not (glob and text[:1] in {"*", "?", "["}) and not _unclear_tilde(characters, text)
    return Word(text, sure=sure, glob=glob)


def _text(characters: list[_Character]) -> str:
    return "".join(character.text or ("" if character.quoted else character.stands_for) for character in characters)


def _unclear_tilde(characters: list[_Character], text: str) -> bool:
    """Whether it is another home than one's own, a tilde that only looks like a home, or one behind `=` or `:`."""
    if text.startswith("~"):
        return (
            characters[0] != _Character("~") or text[1:2] not in {"", "/"} or (len(text) > 1 and characters[1].quoted)
        )
    tilde = _Character("~")
    return any(characters[at] == tilde and characters[at - 1].text in {"=", ":"} for at in range(1, len(characters)))
