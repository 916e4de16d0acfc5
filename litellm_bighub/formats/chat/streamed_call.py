"""What the pieces of one streamed call say, put together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.formats.chat.calls import PAYLOADS
from litellm_bighub.formats.payload.copies import json_text, plain, text
from litellm_bighub.formats.payload.fields import get, members

_TELLING: Final = re.compile(r'["\\{}]')
_LABELS: Final = frozenset({"index", "id", "type", *PAYLOADS})


@dataclass(frozen=True, slots=True)
class CallPiece:
    """One piece of a call, with what it says.

    Attributes:
        id: the call's id, empty if the piece has none.
        type: the declared type, empty if there is none.
        kind: the field that holds what is to be done; empty if there is none.
        name: of the tool, empty if the piece does not tell it.
        told: a part of the arguments.
        joins: whether `told` can be put together with what other pieces tell; parsed arguments cannot.
        readable: whether it is clear what the piece tells.
    """

    id: str
    type: str
    kind: str
    name: str
    told: str
    joins: bool = True
    readable: bool = True

    @property
    def is_blank(self) -> bool:
        """Whether it tells nothing of the arguments."""
        return not self.told.strip()


def read_piece(item: object) -> CallPiece:
    """Read an element of a delta's `tool_calls`."""
    kinds = [kind for kind in PAYLOADS if get(item, kind) is not None]
    kind = kinds[0] if kinds else ""
    payload = get(item, kind) if kind else None
    return _read(text(item, "id"), text(item, "type"), kind, payload, clear=len(kinds) <= 1)


def read_legacy_piece(item: object) -> CallPiece:
    """Read a delta's `function_call`."""
    return _read("", "", "function", item, clear=True)


def says_nothing(item: object) -> bool:
    """Whether an element of a delta's `tool_calls` tells nothing but a place."""
    piece = read_piece(item)
    return not (piece.id or piece.name or piece.told or not piece.readable) and not any(
        value and key not in _LABELS for key, value in members(item).items()
    )


def _read(call_id: str, declared: str, kind: str, payload: object, *, clear: bool) -> CallPiece:
    told: object = get(payload, PAYLOADS[kind]) if kind else None
    joins = not isinstance(told, Mapping)
    readable = clear and (told is None or isinstance(told, str | Mapping))
    if isinstance(told, Mapping):
        try:
            told = json_text(plain(cast("JsonMapping", told)))
        except (TypeError, ValueError, RecursionError):
            readable = False
    told = told if isinstance(told, str) else ""
    return CallPiece(call_id, declared, kind, text(payload, "name") if kind else "", told, joins, readable)


class _ObjectScan:
    """Follows a text to the end of its first object, each character once."""

    def __init__(self) -> None:
        self._seen = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._complete = False

    def is_complete(self, texts: list[str]) -> bool:
        """Whether the pieces of text, of which there are more each time, hold a whole object."""
        for told in texts[self._seen :]:
            self._follow(told)
        self._seen = len(texts)
        return self._complete

    def _follow(self, told: str) -> None:
        at = 0
        while not self._complete and at < len(told):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = _TELLING.search(told, at)
            if found is None:
                return
            at = found.end()
            match found[0]:
                case "\\":
                    self._escaped = self._in_string
                case '"':
                    self._in_string = not self._in_string
                case brace if not self._in_string:
                    self._depth += 1 if brace == "{" else -1
                    self._complete = self._depth == 0
                case _:
                    pass


@dataclass(slots=True, eq=False)
class StreamedCall:
    """A call of which pieces come.

    Attributes:
        legacy: it is a `function_call`, not an element of `tool_calls`.
        id: the first one that a piece told.
        ids: all of them; some providers make up a new one for each piece.
        name: of the tool.
        type: the declared one.
        kind: the field that holds what is to be done.
        torn: what it says cannot be told: the pieces contradict each other.
        names: how many pieces told a name.
        uneven: a later piece tells an id or a name, which some clients put together, or the first one tells none.
    """

    legacy: bool = False
    id: str = ""
    ids: set[str] = field(default_factory=set)
    name: str = ""
    type: str = ""
    kind: str = ""
    torn: bool = False
    names: int = 0
    uneven: bool = False
    _texts: list[str] = field(default_factory=list)
    _parsed: bool = False
    _begun: bool = False
    _doubtful: bool = False
    _renewed: int = 0
    _scan: _ObjectScan = field(default_factory=_ObjectScan)

    @property
    def told(self) -> str:
        """The arguments so far."""
        return "".join(self._texts)

    @property
    def is_blank(self) -> bool:
        """Whether no piece told anything of the arguments."""
        return not any(told.strip() for told in self._texts)

    @property
    def is_complete(self) -> bool:
        """Whether the arguments so far are a whole object. A text of a custom tool may always go on."""
        return self.kind != "custom" and self._scan.is_complete(self._texts)

    def doubt(self) -> None:
        """Another piece may have been a call of its own, unless there are arguments in the end."""
        self._doubtful = True

    def doubt_id(self) -> None:
        """The next piece's new id may be that of another call, unless each piece has a new one."""
        self._doubtful = True
        self._renewed = len(self.ids) + 1

    def hear(self, piece: CallPiece) -> None:
        """Take in the next piece."""
        if piece.id:
            self.ids.add(piece.id)
            self.uneven = self.uneven or self._begun
            self.id = self.id or piece.id
        if piece.name:
            self.names += 1
            self.torn = self.torn or self.name not in {"", piece.name}
            self.uneven = self.uneven or self._begun
            self.name = self.name or piece.name
        if piece.type:
            self.torn = self.torn or self.type not in {"", piece.type}
            self.type = self.type or piece.type
        if piece.kind:
            self.torn = self.torn or self.kind not in {"", piece.kind}
            self.kind = self.kind or piece.kind
        self._hear_told(piece)
        self._begun = True

    def end(self) -> None:
        """No more pieces will come."""
        self.torn = self.torn or (self._doubtful and self.is_blank) or (0 < self._renewed == len(self.ids))

    def whole(self) -> JsonObject:
        """The call as it stands in a whole message."""
        kind = self.kind or "function"
        payload: JsonObject = {PAYLOADS[kind]: self.told}
        if self.name:
            payload = {"name": self.name, **payload}
        if self.legacy:
            return payload
        labels = {"id": self.id, "type": self.type}
        return {**{label: told for label, told in labels.items() if told}, kind: payload}

    def forget(self) -> None:
        """Forget the arguments, which nobody asks for any more."""
        self._texts.clear()

    def _hear_told(self, piece: CallPiece) -> None:
        self.torn = self.torn or not piece.readable
        if not piece.told:
            return
        if self._parsed or not (piece.joins or self.is_blank):
            self.torn = True
        self._parsed = not piece.joins
        self.uneven = self.uneven or self._parsed
        self._texts.append(piece.told)
