"""The parts of a shell text: its commands through all wrappers, the files that they name, and what cannot be read."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from litellm_bighub.policy.parts import shell_tree, shell_words
from litellm_bighub.policy.parts.part import Part, Unknown
from litellm_bighub.policy.parts.path_use import Directories, PathUse
from litellm_bighub.policy.parts.shell_command import Argv, Command, Word
from litellm_bighub.policy.parts.shell_tree import Redirect, TreeCommand
from litellm_bighub.policy.parts.shell_wrappers import RESERVED, Runs, unwrap

MAX_NESTING: Final = 8
MAX_PARTS: Final = 400
MAX_TEXTS: Final = 24
"""Texts within the text, as behind `eval`. What may be a command in a text that is not understood may hold the next."""
MAX_KEPT_LENGTH: Final = 1000
_SEPARATORS: Final = re.compile(r"[;&|<>()`\n]+")
_READ_ONLY: Final = frozenset(
    {"cat", "head", "tail", "ls", "wc", "grep", "egrep", "fgrep", "rg", "stat", "du", "df", "cmp", "md5sum", "sha1sum"}
    | {
        "sha256sum",
        "basename",
        "dirname",
        "realpath",
        "readlink",
        "test",
        "cd",
        "pwd",
        "which",
        "diff",
        "cut",
        "tr",
        "nl",
    }
)
"""Commands that write to no operand of theirs."""
_NO_PATHS: Final = frozenset({"echo", "printf", "true", "false", "kill", "sleep", "exit", "return"})
_PATTERN_FIRST: Final = {**dict.fromkeys(("grep", "egrep", "fgrep"), "ABCDdefm"), "rg": "ABCEMTdefgjmrt"}
"""Commands whose first word is a pattern, with the letters of options that take the next word."""
_PATTERN_OPTION: Final = re.compile(r"-[A-Za-z]*[ef].*|--(?:r|f).*")
_FILES_OPTION: Final = re.compile(r"-g|--i?glob|--include")
_WILD: Final = frozenset("*?[")
_CHANGES: Final = frozenset({"cd", "pushd", "popd"})
"""Commands that change the directory."""
_URL: Final = re.compile(r"(?!file:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_ASSIGNED: Final = re.compile(r"[=:,@]")
MAX_LETTERS: Final = 64
"""So many letters of options in one word are looked at."""
_FILE_LETTERS: Final = frozenset("aCdfFiKoTX")
"""Letters of options behind which a name without dot or slash may be a file."""
_NO_FILES: Final = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty"})
_DUPLICATE: Final = re.compile(r"\d+-?|-")


@dataclass(slots=True)
class _Draft:
    """A command that is not joined to its pipelines yet."""

    argv: Argv
    assigns: bool
    moved: bool
    restricts_only: bool
    stages: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Parts:
    """Collects what a text and the texts within it hold."""

    drafts: list[_Draft] = field(default_factory=list)
    paths: dict[PathUse, None] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    texts: int = 0

    @property
    def full(self) -> bool:
        return len(self.drafts) + len(self.paths) > MAX_PARTS or self.texts > MAX_TEXTS

    def text(
        self,
        text: str,
        directories: Directories,
        *,
        depth: int = 0,
        around: _Draft | None = None,
    ) -> None:
        """Take a text apart that is run as it is, or by the command around it."""
        if depth > MAX_NESTING or self.full:
            self.unknown["it is too deeply nested"] = None
            return
        tree = shell_tree.read(text)
        first_pipeline = self.texts * shell_tree.MAX_BYTES
        self.texts += 1
        self.functions |= tree.functions
        for problem in (*tree.problems, *tree.unclear):
            self.unknown[problem] = None
        outer = () if around is None else around.stages
        if tree.problems:
            for argv in _guesses(text):
                self.command(
                    _Draft(argv, assigns=False, moved=False, restricts_only=True, stages=outer), directories, depth
                )
        everything: list[TreeCommand | Redirect] = [*tree.commands, *tree.redirects]
        if len(everything) > 1:
            everything.sort(key=lambda one: one.start)
        for found in everything:
            if isinstance(found, Redirect):
                self._redirect(found, directories)
                continue
            draft = _Draft(
                tuple(found.words),
                found.assigns or (around is not None and around.assigns),
                around is not None and around.moved,
                around is not None and around.restricts_only,
                (*outer, *((first_pipeline + begins, stage) for begins, stage in found.stages)),
            )
            self.command(draft, directories, depth, stdin=found.stdin)
            directories = self._moved(_after(found, directories), directories)

    def _moved(self, after: Directories, before: Directories) -> Directories:
        """What follows reads the folder that it runs in."""
        for folder in set(after.current).difference(before.current):
            if folder is None:
                self.unknown["its folder is known only when it runs"] = None
            else:
                self.paths[PathUse(folder, "read", after.contains(folder))] = None
        return after

    def command(
        self,
        draft: _Draft,
        directories: Directories,
        depth: int,
        *,
        stdin: str | None = None,
        known_words: bool = False,
    ) -> None:
        """One command, and what it runs. Its words may be known as those of the command around it."""
        if depth > MAX_NESTING or self.full:
            self.unknown["it is too deeply nested"] = None
            return
        name = draft.argv[0]
        if not name.sure or name.glob:
            self.unknown["its command is known only when it runs"] = None
            return
        runs, nothing_else = unwrap(draft.argv, stdin=stdin)
        plain = not draft.assigns and "/" not in name.text
        only = draft.restricts_only or (nothing_else and plain)
        self.drafts.append(_Draft(draft.argv, draft.assigns, draft.moved, only, draft.stages))
        if name.text not in RESERVED and not (nothing_else and plain) and not known_words:
            self._operands(draft, directories)
            known_words = True
        if name.text.rpartition("/")[2] == "git":
            self._repository(directories)
        for run in runs:
            self._run(run, draft, directories, depth, known_words=known_words)

    def _repository(self, directories: Directories) -> None:
        """What git looks for in a folder below the workspace: the configuration there may name what it runs."""
        for folder in directories.current:
            if folder and folder != directories.workspace and directories.contains(folder):
                self.paths[PathUse(posixpath.join(folder, ".git"), "read", restricts_only=True)] = None

    def _run(self, run: Runs, outer: _Draft, directories: Directories, depth: int, *, known_words: bool) -> None:
        assigns, moved = outer.assigns or run.assigns, outer.moved or run.moved
        only = outer.restricts_only or moved
        if isinstance(run.what, str):
            around = _Draft(outer.argv, assigns, moved, only, outer.stages)
            self.text(run.what, directories, depth=depth + 1, around=around)
        elif run.what is not None:
            inner = _Draft(run.what, assigns, moved, only, outer.stages)
            self.command(inner, directories, depth + 1, known_words=known_words)
        else:
            if run.why:
                self.unknown[run.why] = None
            for guess in run.guesses:
                self.drafts.append(_Draft(guess, assigns, moved, restricts_only=True, stages=outer.stages))

    def _redirect(self, redirect: Redirect, directories: Directories) -> None:
        operator = redirect.operator
        for target in redirect.target:
            if operator in {">&", "<&"} and target.sure and _DUPLICATE.fullmatch(target.text):
                continue
            if (
                not target.sure or target.glob or len(redirect.target) > 1 or target.text == "!"
            ):  # `>!` is one operator for zsh
                self.unknown["a file is known only when it runs"] = None
                continue
            for path in directories.resolve(target.text):
                if path not in _NO_FILES:
                    self.paths[PathUse(path, "read" if operator in {"<", "<&"} else "write")] = None

    def _operands(self, draft: _Draft, directories: Directories) -> None:
        """The files that its words may name. What is inside the workspace can only make the answer stricter."""
        name = draft.argv[0].text.rpartition("/")[2]
        if name in _NO_PATHS:
            return
        skip = None
        if name in _PATTERN_FIRST and not any(_PATTERN_OPTION.fullmatch(word.text) for word in draft.argv[1:]):
            skip = _pattern(draft.argv, _PATTERN_FIRST[name])
        words: Sequence[Word] = [word for word in draft.argv[1:] if word is not skip]
        if globs := _wildcards(draft.argv, name):
            words = [word._replace(glob=True) if word in globs else word for word in words]
        for word in dict.fromkeys(words):
            for text in _possible_paths(word):
                for path in directories.resolve(text):
                    inside = draft.restricts_only or directories.contains(path)
                    if path not in _NO_FILES:
                        self.paths[PathUse(path, "read", inside, word.glob)] = None
                        if name not in _READ_ONLY:
                            self.paths[PathUse(path, "write", inside, word.glob)] = None

    def parts(self) -> list[Part]:
        """Everything, as parts."""
        stages: dict[int, dict[int, list[Argv]]] = {}
        for draft in self.drafts:
            for pipeline, stage in draft.stages:
                stages.setdefault(pipeline, {}).setdefault(stage, []).append(draft.argv)
        pipelines = {
            number: tuple(tuple(of.get(stage, ())) for stage in range(max(of) + 1)) for number, of in stages.items()
        }
        found: list[Part] = [
            Command(
                draft.argv,
                assigns=draft.assigns,
                moved=draft.moved,
                restricts_only=draft.restricts_only,
                pipelines=tuple((pipelines[number], stage) for number, stage in draft.stages),
            )
            for draft in self.drafts
        ]
        if self.functions and any(draft.argv[0].text in self.functions for draft in self.drafts):
            self.unknown["it calls a function of its own"] = None
        return [*found, *self.paths, *(Unknown(why) for why in self.unknown)]


def of_text(text: str, directories: Directories) -> tuple[Part, ...]:
    """The parts of a text that a shell runs; never none.

    A call is judged several times on its way, so the parts of the last short texts are kept.
    """
    return _kept(text, directories) if len(text) <= MAX_KEPT_LENGTH else read_anew(text, directories)


def read_anew(text: str, directories: Directories) -> tuple[Part, ...]:
    """The same, without a look at what is kept."""
    collected = _Parts()
    collected.text(text, directories)
    return tuple(collected.parts()) or (Unknown("it holds no command"),)


_kept = lru_cache(maxsize=512)(read_anew)


def of_argv(argv: Sequence[str], directories: Directories, *, assigns: bool = False, moved: bool = False) -> list[Part]:
    """The parts of a command that runs without a shell, perhaps with variables of its own or as somebody else."""
    if not argv or any("\0" in word for word in argv):
        return [Unknown("it holds no command")]
    collected = _Parts()
    words = tuple(Word(word) for word in argv)
    collected.command(_Draft(words, assigns, moved, restricts_only=False, stages=()), directories, 0)
    return collected.parts()


def _after(command: TreeCommand, directories: Directories) -> Directories:
    """Where the commands behind it begin."""
    name, words = command.words[0].text, command.words[1:]
    if name in {"pushd", "popd", "eval"} or (name != "cd" and _CHANGES.intersection([one.text for one in words[:3]])):
        return directories.changed(None, certain=False)
    if name != "cd":
        return directories
    to = [word for word in words if word.text != "--"]
    certain = command.certain_cd and not command.assigns
    if len(to) == 1 and to[0].sure and not to[0].glob and not to[0].text.startswith("-"):
        return directories.changed(to[0].text or ".", certain=certain)
    return directories.changed("~" if not to else None, certain=certain)


def _wildcards(argv: Argv, name: str) -> frozenset[Word]:
    """Words whose wildcards the command replaces, quoted or not."""
    if name == "git":
        words = argv[1:]
    elif name in _PATTERN_FIRST:
        words = tuple(
            word
            for before, word in itertools.pairwise(argv)
            if _FILES_OPTION.match(word.text) or _FILES_OPTION.fullmatch(before.text)
        )
    else:
        return frozenset()
    return frozenset(word for word in words if not _WILD.isdisjoint(word.text))


def _pattern(argv: Argv, with_value: str) -> Word | None:
    """The word that a search is for; `None` if it may be the value of an option before it."""
    for before, word in itertools.pairwise(argv):
        if not word.text.startswith("-"):
            option = before.text
            may_take_it = (option.startswith("--") and option != "--") or (
                option[:1] == "-" and option[-1] in with_value
            )
            return None if may_take_it and "=" not in option else word
    return None


def _possible_paths(word: Word) -> Iterator[str]:
    """What in a word may be a path: the word, and what stands in it behind an option's letter, `=`, `:`, `,` or `@`."""
    text = word.text
    if text.isalnum() and word.sure:
        yield text
        return
    if not word.sure and not word.glob:
        if text.startswith("~/"):
            yield text
        return
    if not text.startswith("-"):
        yield text
        if _URL.match(text):
            return
    elif not text.startswith("--"):
        yield from _attached(text)
    for piece in _ASSIGNED.split(text)[1:]:
        if piece:
            yield piece


def _attached(options: str) -> Iterator[str]:
    """What may be the value of one of the letters in `-rf.env`: only the command knows which of them takes one."""
    if len(options) <= MAX_LETTERS and options[1:].isalnum():
        yield from [options[at:] for at in range(2, len(options)) if options[at - 1] in _FILE_LETTERS]
        return
    first = next((at for at, sign in enumerate(options) if at and not sign.isalnum()), len(options))
    if first > MAX_LETTERS:
        yield options[first:]
    for at in range(2, min(len(options), first + 1, MAX_LETTERS + 1)):
        letters, value = options[1:at], options[at:]
        if "=" not in value and (letters[-1] in _FILE_LETTERS or not value.isalnum()):
            yield value


def _guesses(text: str) -> Iterator[Argv]:
    """Commands in a text that is not understood, for rules that block or ask: what stands between separators."""
    for piece in _SEPARATORS.split(text[: shell_tree.MAX_BYTES])[:100]:
        words: list[Word] = []
        for raw in piece.split()[:100]:
            read = shell_words.words(raw)
            words.extend(read if read is not None else (Word(raw.strip("'\"$"), sure=False),))
        for at in range(min(len(words), 4)):
            if words[at].text and words[at].sure:
                yield tuple(words[at:])
