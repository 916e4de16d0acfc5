"""Server-sent events out of bytes that are cut anywhere, and back, with every untouched event byte for byte.

The parsers of the installed libraries answer events and forget their bytes, so that a comment, a line ending or the
writing of a number would change on the way; this one cuts at blank lines and knows no other lines than
the format's four fields and comments. A frame that two clients may read differently is none.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, NoReturn, cast

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.stream.stream_failure import StreamFailure

_BLANK_LINE: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END: Final = re.compile(r"\r\n|\n")  # a carriage return alone ends lines for some clients only
_COMMENT: Final = re.compile(r":(?!.*data:)[\t -z|~]*")
"""Printable ASCII: some clients split lines at form feeds or U+2028, and some look for `data:` or `{` anywhere."""

_FIELDS: Final = {
    "data": re.compile(r"[^\r]*"),  # one JSON object: of what is split in it, no part is one
    "event": re.compile(r" ?[A-Za-z0-9_.-]*"),
    "id": re.compile(r" ?[A-Za-z0-9_.:-]*"),
    "retry": re.compile(r" ?[0-9]*"),
}
_DONE: Final = "[DONE]"
_PING: Final = "ping"


class _StrangeLineError(ValueError):
    """A line that clients read differently."""


class Splitter:
    """Cuts a stream of bytes behind each blank line. Each byte is searched once."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take some bytes. Answers the frames that are complete now."""
        self._buffer += data
        frames: list[bytes] = []
        while (found := _BLANK_LINE.search(self._buffer, self._searched)) is not None:
            end = found.end()
            if end == len(self._buffer) and self._buffer.endswith(b"\r"):
                break  # perhaps the first half of a line ending
            frames.append(bytes(self._buffer[:end]))
            del self._buffer[:end]
            self._searched = 0
        self._searched = max(0, len(self._buffer) - 3)
        return frames

    def close(self) -> list[bytes]:
        """There are no more bytes. Answers what was left, if anything."""
        left, self._buffer = bytes(self._buffer), bytearray()
        return [left] if left else []


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, with the form in which it came and in which it leaves.

    Attributes:
        event: a dict or model; `None` for a frame without data (a comment).
        raw: what came; `None` for events that were made or changed here.
        form: what leaves: bytes, text, or the event itself.
    """

    event: object
    raw: object = None
    form: type[bytes | str] | None = None

    @property
    def released(self) -> object:
        """What is sent on."""
        if self.raw is not None:
            return self.raw
        if self.form is None:
            return self.event
        event = cast("JsonObject", self.event)
        written = f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n"
        return written.encode() if self.form is bytes else written

    def changed(self, event: object) -> Frame:
        """Another event in this frame's form."""
        return Frame(event, None, self.form)


def failed_stream(failure: StreamFailure) -> list[bytes]:
    """The event with which a stream ends that goes on no further.

    It is one even where nothing was sent yet.
    Source: https://platform.claude.com/docs/en/build-with-claude/streaming, "Error events".
    """
    kind = "api_error" if failure.is_servers else "invalid_request_error"
    error = {"type": "error", "error": {"type": kind, "message": failure.message}}
    return [f"event: error\ndata: {json.dumps(error)}\n\n".encode()]


def parse(raw: bytes, form: type[bytes | str]) -> Frame:
    """Read one frame: lines of known fields, comments of plain text, one event.

    Raises:
        UnreadableAnswerError: two clients may read something different in it.
    """
    try:
        said = raw.decode()
        name, data = _fields(said)
        event = None if data is None else {"type": data} if data == _DONE else _event(data)
    except (KeyError, ValueError, RecursionError) as error:
        raise UnreadableAnswerError("a frame of the stream cannot be read") from error
    if event is None and name not in {"", _PING}:
        raise UnreadableAnswerError("a frame of the stream names an event and has no data")
    if event is not None and name and event.setdefault("type", name) != name:
        raise UnreadableAnswerError("a frame of the stream names another event than its data")
    return Frame(event, raw if form is bytes else said, form)


def _fields(said: str) -> tuple[str, str | None]:
    """The name and the data. Each line is one that every client reads alike, wherever it looks for line ends."""
    found: dict[str, str] = {}
    for line in _LINE_END.split(said):
        if not line or _COMMENT.fullmatch(line):
            continue
        key, colon, value = line.partition(":")
        if not colon or key in found or not _FIELDS[key].fullmatch(value):  # an unknown key is a KeyError
            raise _StrangeLineError
        found[key] = value.removeprefix(" ")
    if not found.keys().isdisjoint({"id", "retry"}) and "data" not in found:
        raise _StrangeLineError
    return found.get("event", ""), found.get("data")


def _event(data: str) -> JsonObject:
    event: object = _READER.decode(data)
    if not isinstance(event, dict):
        raise ValueError("the data is no object")  # noqa: TRY004 - as what is no JSON
    return cast("JsonObject", event)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("the data names a key twice")
    return read


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"the data holds {constant}, which is no JSON")


_READER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
