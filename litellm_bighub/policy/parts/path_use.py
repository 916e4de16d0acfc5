"""Paths that a call reads or writes, as far as they can be told from its text; links on the disk cannot."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from litellm_bighub.policy.parts.linear_pattern import Fits, literal, whole
from litellm_bighub.policy.parts.part import Part

Use: TypeAlias = Literal["read", "write"]
MAX_DIRECTORIES: Final = 4
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")
_HOMES: Final = "(?:~|/root|/home/[^/]+|/Users/[^/]+)"
_WILD: Final = frozenset("*?[")


class PathUse(NamedTuple):
    """One file or folder.

    Attributes:
        path: normalised; `None` if it is known only when the call runs.
        kind: whether it is read or written.
        restricts_only: for what may be an operand of a command, inside the workspace.
        glob: whether it stands for all files that fit it.
    """

    path: str | None
    kind: Use
    restricts_only: bool = False
    glob: bool = False

    @property
    def shown(self) -> str:
        """The path."""
        return "<a path>" if self.path is None else self.path


@dataclass(frozen=True, slots=True)
class Directories:
    """Where relative paths may begin.

    Attributes:
        workspace: an absolute path, or empty if none is known.
        current: all that the current directory may be; relative if no workspace is known, `None` for anything.
    """

    workspace: str = ""
    current: tuple[str | None, ...] = ("",)

    @classmethod
    def at(cls, workspace: str, directory: str = "") -> Directories:
        """The workspace, and a directory given beside the call."""
        base = cls(workspace, (workspace,))
        return cls(workspace, base.resolve(directory)) if directory else base

    def resolve(self, path: str) -> tuple[str | None, ...]:
        """All that a path may be."""
        if path.startswith("/"):
            return ("/" + posixpath.normpath(path).lstrip("/"),)
        if path == "~" or path.startswith("~/"):
            normal = posixpath.normpath(path)
            return (normal if normal.startswith("~") else None,)
        if path.startswith("~"):
            return (None,)
        if _DRIVE.match(path):
            return ("/" + posixpath.normpath(path.replace("\\", "/")),)
        return tuple(dict.fromkeys([None if at is None else _below(at, path) for at in self.current]))

    def changed(self, to: str | None, *, certain: bool) -> Directories:
        """After a `cd`, which may have failed unless what follows depends on it."""
        new = (None,) if to is None else self.resolve(to)
        both = new if certain else tuple(dict.fromkeys((*self.current, *new)))
        return Directories(self.workspace, both if len(both) <= MAX_DIRECTORIES else (None,))

    def contains(self, path: str | None) -> bool:
        """Whether the path is inside the workspace; without one, below wherever the call runs."""
        if path is None:
            return False
        if not self.workspace:
            return not path.startswith(("/", "~", "../")) and path != ".."
        return path == self.workspace or path.startswith(self.workspace.rstrip("/") + "/")


@lru_cache(maxsize=1024)
def _below(directory: str, path: str) -> str:
    """A path below a directory. Agents name the same ones again and again."""
    return posixpath.normpath(posixpath.join(directory, path))


@dataclass(frozen=True)  # without slots: the expressions are kept
class PathPattern:
    """A pattern of paths: `*` and `?` within a name, `**` for any number of folders.

    Attributes:
        text: beginning with `/`, `~/` or `**`, or relative to the workspace, as everything behind `./`.
    """

    use: Use
    text: str
    workspace: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no pattern.

        Raises:
            ValueError: it is not one.
        """
        if not self.text or "\0" in self.text:
            raise ValueError("a path pattern is not empty")
        if ".." in self.text.split("/"):
            raise ValueError("a path pattern has no `..`; write the path that is meant")
        _ = self._sure, self._lenient

    def fits(self, part: Part, *, allows: bool) -> bool:
        """Whether the path is one of these."""
        if not isinstance(part, PathUse) or part.kind != self.use or part.path is None:
            return False
        if self.text.startswith("./") and not Directories(self.workspace).contains(part.path):
            return False
        if allows:
            return self._contains_all(part.path) if part.glob else bool(self._sure(part.path))
        if part.glob and any(
            _may_meet(_tokens(text), _tokens(part.path, files=True))
            for text in (self._text, self._text.removeprefix("**/"))
        ):
            return True
        return bool(self._lenient(part.path))

    @property
    def _text(self) -> str:
        if self.text.startswith("./"):
            return posixpath.join(self.workspace, self.text[2:])
        if self.text.startswith(("/", "~/", "**")) or not self.workspace or self.text == "~":
            return self.text
        return posixpath.join(self.workspace, self.text)

    @cached_property
    def _sure(self) -> Fits:
        return whole(_expression(self._text))

    @cached_property
    def _lenient(self) -> Fits:
        at_home = self._text.startswith("~")
        expression = _HOMES + _expression(self._text[1:]) if at_home else _expression(self._text)
        return whole("(?i)" + expression)

    def _contains_all(self, path: str) -> bool:
        """Whether the pattern is a whole folder, and everything that the wildcards stand for is in it."""
        folder = self._text.removesuffix("**")
        return self._text.endswith("**") and _WILD.isdisjoint(folder) and path.startswith(folder)


def _expression(pattern: str) -> str:
    """The regular expression of a pattern."""
    found = ""
    at = 0
    while at < len(pattern):
        if pattern.startswith("/**", at) and at + 3 == len(pattern):
            found += "(?:/(?s:.*))?"
            at += 3
        elif pattern.startswith("**/", at):
            found += "(?:(?s:.*)/)?"
            at += 3
        elif pattern.startswith("**", at):
            found += "(?s:.*)"
            at += 2
        else:
            found += {"*": "[^/]*", "?": "[^/]"}.get(pattern[at], literal(pattern[at]))
            at += 1
    return found


_ANY: Final = "*"
_ANY_PATH: Final = "**"
_ONE: Final = "?"
_STARS: Final = frozenset({_ANY, _ANY_PATH})
_WILD_TOKENS: Final = _STARS | {_ONE}
_VISIBLE: Final = "*."
"""Before `*`: one character that is no `.`, or nothing and then the `*` is nothing, too."""


def _tokens(pattern: str, *, files: bool = False) -> list[str]:
    """Characters and wildcards; what is in brackets counts as any character.

    Args:
        pattern: of a rule, or what bash replaces by the names of files.
        files: whether it is that: a wildcard at the beginning of a name stands for no `.`.
    """
    found: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**", at):
            found.append(_ANY_PATH)
            at += 2
        elif files and pattern[at] == "*" and found[-1:] in ([], ["/"]):
            found += [_VISIBLE, _ANY]
            at += 1
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            found.append(_ONE)
            at = end + 1
        else:
            found.append(pattern[at])
            at += 1
    return found


def _may_meet(one: list[str], other: list[str]) -> bool:
    """Whether some path fits both. A path with more than a hundred signs and a wildcard may."""
    if len(one) * len(other) > 20_000:
        return True
    reached = {(0, 0)}
    stack = [(0, 0)]
    while stack:
        at = stack.pop()
        if at == (len(one), len(other)):
            return True
        following = set(_steps(one, other, *at)) - reached
        reached |= following
        stack += following
    return False


def _steps(one: list[str], other: list[str], i: int, j: int) -> Iterator[tuple[int, int]]:
    """Where one character more, or none for a wildcard, leads in both."""
    left, right = one[i] if i < len(one) else "", other[j] if j < len(other) else ""
    after = i + (left not in _STARS)
    if left in _STARS:
        yield i + 1, j
    if right in _STARS:
        yield i, j + 1
    if right == _VISIBLE:
        yield i, j + 2
        if left not in {"", "/", "."}:
            yield after, j + 1
    elif left and right and _share_a_character(left, right):
        yield after, j + (right not in _STARS)


def _share_a_character(left: str, right: str) -> bool:
    within_name = {_ANY, _ONE}
    if (left == "/" and right in within_name) or (right == "/" and left in within_name):
        return False
    return left in _WILD_TOKENS or right in _WILD_TOKENS or left.lower() == right.lower()
