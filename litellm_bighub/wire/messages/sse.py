"""Server-sent events out of bytes that are cut anywhere, and back, with every untouched event byte for byte.

The parsers of the installed libraries answer events and forget their bytes, so that a comment, a line ending or the
writing of a number would change on the way; this one cuts at blank lines and reads nothing else of the format than
`event` and `data`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, cast

_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(r"\r\n|\n|\r")
_BYTE_ORDER_MARK = "\ufeff"
_DONE = "[DONE]"


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
        event = cast("dict[str, Any]", self.event)
        written = f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n"
        return written.encode() if self.form is bytes else written

    def changed(self, event: object) -> Frame:
        """Another event in this frame's form."""
        return Frame(event, None, self.form)


class UnreadableFrame(ValueError):  # noqa: N818 - says what it is; caught where the frame is dropped
    """A frame of which two clients may read something different."""


def parse(raw: bytes, form: type[bytes | str]) -> Frame:
    """Read one frame.

    Raises:
        UnreadableFrame: no UTF-8, no JSON object, a key twice, or a name that is not the event's type.
    """
    try:
        said = raw.decode()
        name, data = _fields(said)
        event = None if data is None else {"type": data} if data == _DONE else _event(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableFrame("the frame cannot be read") from error
    if event is not None and name and event.setdefault("type", name) != name:
        raise UnreadableFrame("the frame's name is not its event's type")
    return Frame(event, raw if form is bytes else said, form)


def _fields(said: str) -> tuple[str, str | None]:
    name, data = "", None
    for line in _LINE_END.split(said.removeprefix(_BYTE_ORDER_MARK)):
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            name = value
        elif key == "data":
            data = value if data is None else f"{data}\n{value}"
    return name, data


def _event(data: str) -> dict[str, Any]:
    event: object = json.loads(data, object_pairs_hook=_unique)
    if not isinstance(event, dict):
        raise UnreadableFrame("the data is no object")
    return cast("dict[str, Any]", event)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise UnreadableFrame("the data names a key twice")
    return read
