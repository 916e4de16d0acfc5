"""What looks like a tool call in a value of unknown shape, in the dialects in which models and providers write them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache, lru_cache
from typing import cast

from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.formats.payload.fields import is_object, members

MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_ATTEMPTS = 2_000

_NAMES = ("name", "tool_name", "toolName", "function_name", "functionName", "tool", "function", "recipient")
_IDS = ("call_id", "tool_call_id", "tool_use_id", "toolUseId")
_PAYLOADS = ("arguments", "partial_json", "tool_input", "toolInput", "tool_args", "function_args", "raw_arguments")
"""Fields that say what a call does, whatever stands beside them."""
_NAMED_PAYLOADS = ("input", "args", "parameters", "params", "kwargs")
"""Fields that do so beside the name or the id of what is called."""
_TYPED_PAYLOADS = ("action", "actions", "operation", "code", "command", "commands")
"""Fields that do so in an object that says of itself that it is a call."""
_CALLS = frozenset(
    {"tool_calls", "toolCalls", "tool_call", "toolCall", "function_call", "functionCall", "function_calls"}
    | {"tool_use", "toolUse", "tool_uses", "invoke", "invocations"}
)
"""Fields that hold calls."""
_TELLING = _CALLS.union(_NAMES, _IDS, _PAYLOADS, _NAMED_PAYLOADS, _TYPED_PAYLOADS, ("type", "content"))
"""The names of all fields by which something may look like a call."""
_NUMBERS = frozenset({bool, int, float})
_FEW_LEVELS, _SHORT = 4, 40
_PLAIN_WORD = re.compile(r"(?!e[yw])[a-z_]{1,40}")
"""One that is no JSON, no base64 of any, and no mark of a call."""
_MARKS = re.compile(r"<\|?/?(?:tool_call|function|invoke|tool_use|python_tag)|\[/?TOOL_CALL|to=functions\.")
_RECIPIENTS = frozenset({"", "all", "assistant", "user", "final"})
_BASE64 = re.compile(r"(?:ey|ew|W[0-9A-Za-z])[A-Za-z0-9+/_\-\s]{6,}={0,2}")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class DialectCall:
    """Something that looks like a call, or like a piece of one.

    Attributes:
        name: of what is called; empty where it is not said.
        payload: what is to be done, as it stands there; `None` if it cannot be told.
        field: the name of the field that holds the payload.
        within: the call whose payload holds this one.
    """

    name: str
    payload: object
    field: str = ""
    within: DialectCall | None = None


class TooMuchError(ValueError):
    """The value is too deep or too large to be looked through."""


@dataclass(frozen=True, slots=True)
class Content:
    """All that a value of unknown shape holds.

    Attributes:
        calls: what looks like calls.
        texts: every key and every text in it.
        objects: every object and list in it, as plain containers, those written in texts too.
        torn: a text in it, and not in the payload of a call, holds the beginning of an object and not its end.
    """

    calls: list[DialectCall]
    texts: list[str]
    objects: list[object]
    torn: bool


def only_counts(value: object) -> bool:
    """Whether a value holds numbers under plain names, as a usage does, or one plain word: it can hold no call.

    Values of most answers are such, and `content_of` takes many times as long to find nothing in them.
    """
    return _is_plain_word(value) if type(value) is str else _counts_plainly(value, 0)


def content_of(value: object) -> Content:
    """Look through a value.

    Raises:
        TooMuchError: it is too deep or too large.
    """
    reader = _Reader()
    reader.read(value, 0)
    return Content(reader.calls, reader.texts, reader.objects, reader.torn)


def _counts_plainly(value: object, depth: int) -> bool:
    if value is None or type(value) in _NUMBERS:
        return True
    if not is_object(value):
        return value == [] and type(value) is list
    if depth >= _FEW_LEVELS:
        return False
    for key, field in members(value).items():
        if type(key) is not str or len(key) > _SHORT or not _is_plain_name(key):
            return False
        if field is not None and type(field) not in _NUMBERS and not _counts_plainly(field, depth + 1):
            return False
    return True


@lru_cache(maxsize=1024)
def _is_plain_name(key: str) -> bool:
    return _is_plain_word(key) and key not in _TELLING


def _is_plain_word(text: str) -> bool:
    return _PLAIN_WORD.fullmatch(text) is not None


class _Reader:
    def __init__(self) -> None:
        self.calls: list[DialectCall] = []
        self.texts: list[str] = []
        self.objects: list[object] = []
        self.torn = False
        self._within: DialectCall | None = None
        self._left = MAX_NODES
        self._attempts = MAX_ATTEMPTS

    def read(self, value: object, depth: int) -> None:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise TooMuchError
        if isinstance(value, str):
            self._read_text(value.value if isinstance(value, Enum) else value, depth)
        elif isinstance(value, bytes | bytearray):
            self._read_text(bytes(value).decode(errors="replace"), depth)
        elif is_object(value):
            self._read_object({str(key): field for key, field in members(value).items() if field is not None}, depth)
        elif isinstance(value, list | tuple | set | frozenset):
            self._read_list(list(cast("list[object]", value)), depth)
        elif value is not None:
            self.texts.append(_written(value))

    def _read_object(self, fields: JsonMapping, depth: int) -> None:
        self.objects.append(fields)
        call = call_in(fields)
        if call is not None:
            call = self._take(call)
        for key, field in fields.items():
            before, outer = len(self.calls), self._within
            self._read_text(key, depth)
            if call is not None and key == call.field:
                self._within = call
            self.read(field, depth + 1)
            self._within = outer
            if key in _CALLS and before == len(self.calls) and not _counts(field):
                self._take(DialectCall("", None))

    def _take(self, call: DialectCall) -> DialectCall:
        taken = replace(call, within=self._within)
        self.calls.append(taken)
        return taken

    def _read_list(self, elements: list[object], depth: int) -> None:
        self.objects.append(elements)
        if elements and all(type(each) is int and 0 <= each < 256 for each in elements):
            self._read_text(bytes(cast("list[int]", elements)).decode(errors="replace"), depth)
            return
        for each in elements:
            self.read(each, depth + 1)
        pieces = [members(each).get("token") if is_object(each) else each for each in elements]
        if len(pieces) > 1 and all(type(piece) is str for piece in pieces):  # tokens, of which a call may be made
            self._read_text("".join(cast("list[str]", pieces)), depth)

    def _read_text(self, text: str, depth: int) -> None:
        self.texts.append(text)
        before = len(self.calls)
        at = 0
        while (at := _opening(text, at)) >= 0:
            self._attempts -= 1
            if self._attempts < 0:
                raise TooMuchError
            try:
                value, at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                self.torn = self.torn or (text[at] == "{" and self._within is None)
                at += 1
            else:
                self.read(value, depth + 1)
        if (decoded := _from_base64(text)) is not None:
            self.read(decoded, depth + 1)
        if before == len(self.calls) and _MARKS.search(text):
            self._take(DialectCall("", None))


def call_in(fields: JsonMapping) -> DialectCall | None:
    """The call that an object is by its own fields, `None` if it is none."""
    kind = fields.get("type")
    kind = kind if isinstance(kind, str) else ""
    if kind in _no_calls():
        return None
    name = next((fields[key] for key in _NAMES if isinstance(fields.get(key), str)), "")
    called = bool(name) or any(key in fields for key in _IDS) or _is_call_type(kind)
    for key in _PAYLOADS:
        if key in fields and (called or isinstance(fields[key], str | Mapping)):
            return DialectCall(name, fields[key], key)
    if called:
        for key in _NAMED_PAYLOADS:
            if key in fields and not _is_schema(fields, key):
                return DialectCall(name, fields[key], key)
    if _is_call_type(kind) or any(key in fields for key in _IDS):
        payload = {key: fields[key] for key in _TYPED_PAYLOADS if key in fields}
        if payload:
            return DialectCall(name, payload)
    recipient = fields.get("recipient")
    if isinstance(recipient, str) and recipient not in _RECIPIENTS and "content" in fields:
        return DialectCall(recipient, _said(fields["content"]), "content")
    return None


@cache
def _no_calls() -> frozenset[str]:
    """The types of objects that make nobody act in any format. The two that hold texts are looked through."""
    # The formats themselves stand on this module.
    from litellm_bighub.formats.registry import FORMATS  # noqa: PLC0415

    return frozenset[str]().union(*(known.no_calls for known in FORMATS)) - {"message", "text"}


def _is_call_type(kind: str) -> bool:
    return kind in {"function", "custom"} or (
        ("call" in kind or "tool_use" in kind or "toolUse" in kind) and not kind.endswith(("_output", "_result"))
    )


def _is_schema(fields: JsonMapping, key: str) -> bool:
    """Whether a field describes what a tool takes, and does not call it."""
    if key not in {"parameters", "params"}:
        return False
    schema = fields[key]
    return "description" in fields or (isinstance(schema, Mapping) and _is_json_schema(schema))


def _is_json_schema(schema: JsonMapping) -> bool:
    return "properties" in schema or "$ref" in schema or schema.get("type") == "object"


def _said(content: object) -> object:
    """The text of a message, of which some write lists of parts."""
    if isinstance(content, list | tuple):
        parts = [members(part).get("text") for part in cast("list[object]", content)]
        return "".join(part for part in parts if isinstance(part, str))
    return content


def _counts(value: object) -> bool:
    """Whether a value only counts something, or is empty."""
    if is_object(value):
        return all(_counts(field) for field in members(value).values())
    return not value or isinstance(value, bool | int | float)


def _opening(text: str, at: int) -> int:
    """The first place at which an object or a list may begin."""
    brace, bracket = text.find("{", at), text.find("[", at)
    return max(brace, bracket) if min(brace, bracket) < 0 else min(brace, bracket)


def _from_base64(text: str) -> object | None:
    """The JSON that a text is when it is base64."""
    if not _BASE64.fullmatch(text):
        return None
    packed = re.sub(r"\s", "", text).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return cast("object", json.loads(base64.b64decode(packed + "=" * (-len(packed) % 4))))
    except (ValueError, binascii.Error, RecursionError):
        return None


def _written(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)
