"""Patterns of commands: `rm -r *`, `git push * --force *`, `curl * | sh`.

A pattern is words. `*` as a word is any number of words; within a word it stands for any characters. Options that it
names may stand anywhere before `--`, in any order, joined or apart, short or long. A rule that allows fits only what is
surely meant; one that blocks or asks also fits what may be meant: by its last name, with other global options, with
long options cut short as GNU programs take them, and with words that are known only when the command runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from litellm_bighub.policy.parts.linear_pattern import Fits, literal, whole
from litellm_bighub.policy.parts.part import Part
from litellm_bighub.policy.parts.shell_command import Argv, Command, Word

MAX_ELEMENTS: Final = 64
_ANY: Final = "*"
_SAME: Final = (
    frozenset({"r", "R", "recursive"}),
    frozenset({"f", "force"}),
    frozenset({"n", "dry-run"}),
    frozenset({"o", "output"}),
    frozenset({"d", "delete"}),
    frozenset({"a", "all"}),
    frozenset({"v", "verbose"}),
    frozenset({"q", "quiet"}),
    frozenset({"y", "yes"}),
    frozenset({"i", "in-place"}),
)
"""Options that commonly mean the same. That one stands for the other counts where a rule blocks or asks."""
_SAME_FOR: Final = frozenset({"rm"})
"""Commands of which that is sure, so that it counts where a rule allows, too."""
_LONG_WITH_ONE_DASH: Final = frozenset(
    {"find", "go", "java", "javac", "terraform", "openssl", "ffmpeg", "convert", "magick", "xcodebuild", "swift"}
)
_OPTION: Final = re.compile(r"--?[A-Za-z0-9][^\s]*")


@dataclass(frozen=True, slots=True)
class _Option:
    """An option that a pattern names, without dashes."""

    name: str
    short: bool

    def other_names(self) -> frozenset[str]:
        return next((names for names in _SAME if self.name in names), frozenset({self.name}))


class _Element(NamedTuple):
    """A word that a pattern names, and what stands in it before the first wildcard."""

    fits: Fits
    head: str


@dataclass(frozen=True, slots=True)
class _Stage:
    """One command of a pattern.

    Attributes:
        name: of the command.
        words: the words that have to stand in this order; `None` for any number.
        options: the options that must be there.
    """

    name: str
    words: tuple[_Element | None, ...]
    options: tuple[_Option, ...]
    _name: Fits = field(repr=False, compare=False)
    _last_name: Fits = field(repr=False, compare=False)
    _first: Fits | None = field(repr=False, compare=False)

    def fits(self, argv: Argv, *, allows: bool, bare: bool) -> bool:
        """Whether the words are such a command.

        Args:
            argv: the words.
            allows: be sure.
            bare: nothing is set before it, and no wrapper moves it.
        """
        name = argv[0]
        if allows:
            if not bare or not name.sure or name.glob or not self._name(name.text):
                return False
            if "/" in name.text and "/" not in self.name:
                return False
            if not all([word.sure for word in argv]):  # noqa: C419 - a generator costs more than most words
                return False
        elif name.sure and not name.glob and not self._last_name(name.text.rpartition("/")[2]):
            return False
        if self._first is not None and not _may_hold(argv, self._first):
            return False
        rest = _without_options(argv, self.options, allows=allows)
        if rest is None:
            return False
        return _matches(self.words, rest, allows=allows)


@dataclass(frozen=True, slots=True)
class CommandPattern:
    """A pattern of one command, or of neighbours in a pipeline."""

    text: str
    _stages: tuple[_Stage, ...] = field(repr=False, compare=False)

    @classmethod
    def compile(cls, text: str) -> CommandPattern:
        """Read a pattern.

        Raises:
            ValueError: it is none.
        """
        stages = tuple(_stage(stage, text) for stage in _split(text))
        return cls(text, stages)

    @property
    def only_name(self) -> str | None:
        """The last name of the only commands that can fit; `None` if there are several."""
        names = [stage.name.rpartition("/")[2] for stage in self._stages]
        return names[0] if len(names) == 1 and not {"*", "?"} & set(names[0]) else None

    def fits(self, part: Part, *, allows: bool) -> bool:
        """Whether the part is such a command, and its neighbours are the others of the pattern."""
        if not isinstance(part, Command):
            return False
        bare = not part.assigns and not part.moved
        if len(self._stages) == 1:
            return self._stages[0].fits(part.argv, allows=allows, bare=bare)
        return any(self._fits_at(part, position, allows=allows, bare=bare) for position in range(len(self._stages)))

    def _fits_at(self, part: Command, position: int, *, allows: bool, bare: bool) -> bool:
        """Whether it is the command at this position of the pattern."""
        if not self._stages[position].fits(part.argv, allows=allows, bare=bare):
            return False
        for pipeline, index in part.pipelines:
            first = index - position
            if first < 0 or first + len(self._stages) > len(pipeline):
                continue
            if all(
                at == position or any(stage.fits(argv, allows=allows, bare=True) for argv in pipeline[first + at])
                for at, stage in enumerate(self._stages)
            ):
                return True
        return False


def _split(text: str) -> list[list[tuple[str, bool]]]:
    """The stages, each the words with whether they were quoted."""
    stages: list[list[tuple[str, bool]]] = [[]]
    for match in re.finditer(r"""\s*(?:'([^']*)'|"([^"]*)"|(\S+))""", text):
        if match[3] == "|":
            stages.append([])
        elif match[3] is not None:
            stages[-1].append((match[3], False))
        else:
            stages[-1].append((match[1] if match[1] is not None else match[2], True))
    return stages


def _stage(words: Sequence[tuple[str, bool]], text: str) -> _Stage:
    if not words:
        raise ValueError(f"a pattern names a command{' on both sides of |' if '|' in text else ''}")
    if len(words) > MAX_ELEMENTS:
        raise ValueError(f"a pattern has at most {MAX_ELEMENTS} words")
    for word, quoted in words:
        if not quoted and re.search(r"[;&|<>`$\\]", word):
            raise ValueError(
                f"`{word}` is no word of a pattern; a pattern is one command, or several with ` | ` between"
            )
    (name, quoted), *rest = words
    if not quoted and not name.strip("*?"):
        raise ValueError("a pattern begins with the name of a command; without `command` a rule fits every one")
    options: list[_Option] = []
    elements: list[_Element | None] = []
    for word, is_quoted in rest:
        if not is_quoted and word == _ANY:
            elements.append(None)
        elif not is_quoted and _OPTION.fullmatch(word) and "*" not in word:
            names, value = _options(name, word)
            options += names
            if value is not None:
                elements.append(_element(value, quoted=False))
        else:
            elements.append(_element(word, quoted=is_quoted))
    return _Stage(
        name,
        tuple(elements),
        tuple(options),
        _word(name, quoted=quoted),
        _word(name.rpartition("/")[2], quoted=quoted),
        next((element.fits for element in elements if element is not None), None),
    )


def _options(command: str, word: str) -> tuple[list[_Option], str | None]:
    """The options in one word of a pattern, and the value behind `=`."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return [_Option(name, short=False)], value if equals else None
    if command.rpartition("/")[2] in _LONG_WITH_ONE_DASH or not word[1:].isalnum():
        return [_Option(word[1:], short=False)], None
    return [_Option(letter, short=True) for letter in word[1:]], None


def _element(text: str, *, quoted: bool) -> _Element:
    return _Element(_word(text, quoted=quoted), text if quoted else _head(text))


def _head(text: str) -> str:
    """What a word with wildcards surely begins with; nothing of a home."""
    return "" if text.startswith("~") else re.split(r"[*?[]", text, maxsplit=1)[0]


def _word(text: str, *, quoted: bool) -> Fits:
    start = text if quoted else text.rstrip("*")
    if quoted or not {"*", "?"} & set(start):  # most words; comparing is cheaper than an expression
        return text.__eq__ if quoted or start == text else lambda word: word.startswith(start)
    wild = {"*": "(?s:.*)", "?": "(?s:.)"}
    return whole("".join(wild.get(character) or literal(character) for character in text))


def _without_options(argv: Argv, options: Sequence[_Option], *, allows: bool) -> list[Word] | None:
    """The words behind the name without the options that a pattern names; `None` if one is missing."""
    one_dash = argv[0].text.rpartition("/")[2] in _LONG_WITH_ONE_DASH
    words = [part for word in argv[1:] for part in _at_equals(word, one_dash=one_dash)]
    if not options:
        return words
    end = next((at for at, word in enumerate(words) if word.sure and word.text == "--"), len(words))
    may_hide = not allows and any(not word.sure for word in words[:end])
    missing = set(options)
    kept: list[Word] = []
    for word in words[:end]:
        found = _options_in(word, options, allows=allows, command=argv[0].text.rpartition("/")[2])
        if found:
            missing -= found
        else:
            kept.append(word)
    if missing and not may_hide:
        return None
    return [*kept, *words[end:]]


def _at_equals(word: Word, *, one_dash: bool) -> tuple[Word, ...]:
    """`--output=x` is `--output x`; so is `-output=x` of commands whose long options have one dash."""
    name, equals, value = word.text.partition("=")
    if equals and len(name) > 2 and name.startswith("-" if one_dash else "--"):
        return Word(name, word.sure), Word(value, word.sure, word.glob)
    return (word,)


def _options_in(word: Word, options: Sequence[_Option], *, allows: bool, command: str) -> set[_Option]:
    """Which of them a word holds. To allow, the whole word must be made of them."""
    text = word.text
    if not text.startswith("-") or len(text) < 2:
        return set()
    if text.startswith("--"):
        name = text[2:]
        if allows:
            return {option for option in options if name in _surely_same(option, command)}
        return {
            option
            for option in options
            if any(long == name or (len(long) > 1 and name and long.startswith(name)) for long in option.other_names())
        }
    letters = text[1:]
    whole = {option for option in options if not option.short and option.name == letters}
    if whole:
        return whole
    if allows:
        short = [(option, name) for option in options for name in _surely_same(option, command) if len(name) == 1]
        return {option for option, name in short if name in letters} if set(letters) <= {n for _, n in short} else set()
    if command in _LONG_WITH_ONE_DASH:
        return set()
    return {option for option in options if any(len(name) == 1 and name in letters for name in option.other_names())}


def _surely_same(option: _Option, command: str) -> frozenset[str]:
    """What is the same option of this very command."""
    return option.other_names() if command in _SAME_FOR else frozenset({option.name})


def _matches(pattern: Sequence[_Element | None], words: Sequence[Word], *, allows: bool) -> bool:
    """Whether the words fit the elements, `None` any number of them. Time grows with the product of both, no more."""
    if allows:  # each word at the beginning has one meaning
        at = pattern.index(None) if None in pattern else len(pattern)
        if len(words) < at or not all(map(_is, pattern[:at], words)):
            return False
        pattern, words = pattern[at:], words[at:]
        if len(pattern) < 2:
            return bool(pattern) or not words
    reached = _skipping({0}, pattern)
    beside = [False] * len(words) if allows else _beside_the_point(words)
    for word, is_beside in zip(words, beside, strict=True):
        following = {found for at in reached for found in _after(pattern, at, word, allows=allows)}
        reached = _skipping(following | reached if is_beside else following, pattern)
    return len(pattern) in reached


def _is(element: _Element | None, word: Word) -> bool:
    """Whether a word is surely that of a pattern."""
    return element is not None and word.sure and not word.glob and bool(element.fits(word.text))


def _may_be(element: _Element, word: Word) -> bool:
    """Whether one of the files that a word stands for may be that of a pattern."""
    head = _head(word.text)
    return head.startswith(element.head) or element.head.startswith(head)


def _may_hold(argv: Argv, element: Fits) -> bool:
    """Whether a word behind the name, or what stands behind `=` in one, may be that of a pattern."""
    for text, sure, glob in argv[1:]:  # noqa: SIM110 - a generator costs more than most words
        if not sure or glob or "=" in text or element(text):
            return True
    return False


def _beside_the_point(words: Sequence[Word]) -> list[bool]:
    """Which words are options, or may be the value of one that stands before the first other word."""
    found: list[bool] = []
    plain = False
    for at, word in enumerate(words):
        is_option = word.text.startswith("-")
        found.append(is_option or (not plain and at > 0 and words[at - 1].text.startswith("-")))
        plain = plain or not found[-1]
    return found


def _after(pattern: Sequence[_Element | None], at: int, word: Word, *, allows: bool) -> Iterator[int]:
    """Where in the pattern one may be behind the word."""
    if at == len(pattern):
        if not allows and not word.sure:
            yield at
        return
    element = pattern[at]
    if element is None:
        yield at
    elif _is(element, word) or (not allows and word.glob and word.sure and _may_be(element, word)):
        yield at + 1
    if not allows and not word.sure:
        yield from range(at, len(pattern) + 1)


def _skipping(positions: set[int], pattern: Sequence[_Element | None]) -> set[int]:
    """The positions, and those behind elements that may be no word at all."""
    found = set(positions)
    for at in sorted(positions):
        while at < len(pattern) and pattern[at] is None:
            at += 1  # noqa: PLW2901 - walks on from each
            found.add(at)
    return found
