"""The calls of one answer, by what became of them, and what an answer may not tell of them beside their places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import JSON, Arguments, ToolCall
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.formats.answers.lookalike_calls import Content, DialectCall, TooMuchError, content_of, only_counts
from litellm_bighub.formats.payload.copies import json_text
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass

_NOISE = re.compile(r"[\s\\]+")
_SHORT = 6
"""Shorter texts stand anywhere by chance."""

_OWNER_NAMES = ("name", "type", "id", "call_id")


class DecidedCalls:
    """Those that pass and those that do not. The latter are calls that are withheld, and what a person has edited.

    Args:
        torn: whether a text that ends in the middle of an object is taken for the beginning of a call, as in pieces of
            a stream; nothing that comes in fields of no list passes after it.
    """

    def __init__(self, *, torn: bool = False) -> None:
        self._torn = torn
        self._begun = False
        self._passed: list[ToolCall] = []
        self._withheld: list[_Withheld] = []

    def add(self, call: ToolCall, outcome: Outcome) -> None:
        """Take in what became of a call."""
        if not isinstance(outcome, Pass):
            self._withheld.append(_withheld(call, call.id))
            return
        self._passed.append(call if outcome.edited is None else replace(call, arguments=outcome.edited))
        if outcome.edited is not None and _canonical(outcome.edited) != _canonical(call.arguments):
            self._withheld.append(_withheld(call, ""))

    def found_in_unlisted(self, owner: JsonMapping, key: str, value: object) -> bool:
        """Whether a field holds a call that does not pass, or one that nobody decided on.

        Args:
            owner: the fields beside it: one of them may name what this one calls.
            key: the field's name.
            value: what it holds.
        """
        beside: dict[str, object] = {name: owner[name] for name in _OWNER_NAMES if isinstance(owner.get(name), str)}
        try:
            content = content_of({**beside, key: value} if key not in beside else value)
            self._begun = self._begun or (self._torn and content.torn)
            if self._begun or self._undecided(content):
                return True
            return bool(self._withheld) and self._tells_of_withheld(content_of({key: value}))
        except TooMuchError:
            return True

    def found_in_details(self, value: object) -> bool:
        """Whether a field that is known holds a call that does not pass, or one that nobody decided on."""
        if not self._withheld and only_counts(value):
            return False
        try:
            content = content_of(value)
        except TooMuchError:
            return True
        return self._undecided(content) or self._tells_of_withheld(content)

    def found_in_settings(self, value: object) -> bool:
        """Whether an echo of the request holds a call that does not pass."""
        if not self._withheld:
            return False
        try:
            content = content_of(value)
        except TooMuchError:
            return True
        return any(
            call.id_in(content) or call.arguments_in(content) or (call.is_telling and call.name_in(content))
            for call in self._harmful()
        )

    def _undecided(self, content: Content) -> bool:
        return any(not self._is_copy(found) for found in content.calls)

    def _tells_of_withheld(self, content: Content) -> bool:
        return any(
            call.id_in(content) or call.arguments_in(content) or call.name_in(content) for call in self._harmful()
        )

    def _harmful(self) -> Iterator[_Withheld]:
        """What is withheld; of one whose like passes only its id counts."""
        for call in self._withheld:
            passes = any(
                passed.name == call.name and _canonical(passed.arguments) == call.canonical for passed in self._passed
            )
            yield replace(call, tells=False) if passes else call

    def _is_copy(self, found: DialectCall) -> bool:
        """Whether it is the copy of a call that passes, or a part of such a copy's payload."""
        return any(_names(found.name, call.name) and _says(found.payload, call.arguments) for call in self._passed) or (
            found.within is not None and self._is_copy(found.within)
        )


@dataclass(frozen=True, slots=True)
class _Withheld:
    """What tells that a call stands somewhere.

    Attributes:
        call_id: its id; empty if that may be told.
        name: of its tool.
        canonical: its arguments in one writing; empty if there are none.
        written: the same as texts tell it, without blanks and backslashes.
        leaves: the texts and numbers in them.
        tells: whether anything but its id counts.
    """

    call_id: str
    name: str
    canonical: str
    written: frozenset[str]
    leaves: tuple[str, ...]
    tells: bool = True

    @property
    def is_telling(self) -> bool:
        """Whether its arguments say something that hardly stands anywhere by chance."""
        return any(len(leaf) >= _SHORT for leaf in self.leaves)

    def id_in(self, content: Content) -> bool:
        if not self.call_id:
            return False
        if len(self.call_id) < _SHORT:
            return self.call_id in content.texts
        return any(self.call_id in text for text in content.texts)

    def arguments_in(self, content: Content) -> bool:
        if not self.tells or not self.written:
            return False
        if any(_canonical(each) == self.canonical for each in content.objects):
            return True
        bare = [_bare(text) for text in content.texts]
        return any(written in text for written in self.written for text in bare)

    def name_in(self, content: Content) -> bool:
        """Whether its name is told, and with it all that its arguments say; tokens may say that, too."""
        if not self.tells:
            return False
        if any("token_ids" in text for text in content.texts):
            return True
        name = self.name.rpartition(".")[2]  # without its namespace
        return bool(name) and all(_is_told(wanted, content.texts) for wanted in (name, *self.leaves))


def _withheld(call: ToolCall, call_id: str) -> _Withheld:
    arguments = call.arguments
    writings = (json_text(arguments), json.dumps(arguments)) if arguments else ()
    plain = [arguments["input"]] if set(arguments) == {"input"} and isinstance(arguments["input"], str) else []
    return _Withheld(
        call_id,
        call.name,
        _canonical(arguments),
        frozenset(bare for text in (*writings, *plain) if len(bare := _bare(text)) >= _SHORT),
        tuple(filter(None, _leaves(arguments))),
    )


def _is_told(wanted: str, texts: list[str]) -> bool:
    if len(wanted) >= _SHORT:
        bare = _bare(wanted)
        return any(bare in _bare(text) for text in texts)
    word = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)")
    return any(word.search(text) for text in texts)


def _leaves(value: JSON) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif value is not None and not isinstance(value, bool):
        yield value if isinstance(value, str) else json.dumps(value)


def _bare(text: str) -> str:
    return _NOISE.sub("", text)


def _canonical(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return ""


def _names(found: str, name: str) -> bool:
    last = found.removeprefix("functions.")
    return last in {"", name, name.rpartition(".")[2]}


def _says(payload: object, arguments: Arguments) -> bool:
    """Whether a payload says no more than these arguments."""
    if payload is None:
        return False
    if isinstance(payload, str):
        try:
            read = read_arguments(payload)
        except UnreadableArguments:
            whole = {_bare(json_text(arguments)), _bare(json.dumps(arguments)), _bare(str(arguments.get("input", "")))}
            return any(_bare(payload) in text for text in whole)
        return _canonical(read) == _canonical(arguments)
    if isinstance(payload, Mapping):
        try:
            if _canonical(read_arguments(cast("JsonMapping", payload))) == _canonical(arguments):
                return True
        except UnreadableArguments:
            return False
    return any(_canonical(payload) == _canonical(value) for value in arguments.values())
