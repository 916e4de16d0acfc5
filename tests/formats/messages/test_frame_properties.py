"""Whatever bytes an upstream sends: no client finds a call in what leaves that was not decided on.

Clients split lines in different ways, and some look for `data:` with no regard to lines at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import anthropic._streaming
import openai._streaming
from httpx._decoders import LineDecoder
from hypothesis import HealthCheck, example, given, settings, strategies as st

from litellm_bighub.errors import UnreadableAnswerError
from tests.formats.messages import streams as s

MODERATE = settings(max_examples=600, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def official(decoder: Callable[[], object]) -> Callable[[bytes], Iterator[str]]:
    def read(data: bytes) -> Iterator[str]:
        for event in decoder().iter_bytes(iter([data])):
            yield event.data

    return read


def by_splitlines(data: bytes) -> Iterator[str]:
    """A line at a time, as `str.splitlines()` and older httpx cut them."""
    return fields(data.decode(errors="replace").splitlines())


def by_httpx(data: bytes) -> Iterator[str]:
    decoder = LineDecoder()
    return fields([*decoder.decode(data.decode(errors="replace")), *decoder.flush()])


def by_newline(data: bytes) -> Iterator[str]:
    return fields(line.strip() for line in data.decode(errors="replace").split("\n"))


def by_any_line_end(data: bytes) -> Iterator[str]:
    """As the standard has it, and Vercel's parser."""
    said = data.decode("utf-8-sig", errors="replace")
    for frame in re.split(r"(?:\r\n|\r|\n){2}", said):
        yield "\n".join(fields(re.split(r"\r\n|\r|\n", frame)))


def by_blank_lines(data: bytes) -> Iterator[str]:
    for frame in data.decode(errors="replace").split("\n\n"):
        yield frame.partition("data:")[2]


def carelessly(data: bytes) -> Iterator[str]:
    """All that stands behind a `data:`, wherever that stands and however it is written."""
    said = data.decode(errors="replace").replace("\0", "")
    for line in re.split(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", said):
        yield from re.split(r"data\s*:", line, flags=re.IGNORECASE)[1:]
        yield line.strip().lstrip("\ufeff")


def fields(lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (line.strip().partition(":")[2] for line in lines if line.strip().lower().startswith("data"))


CLIENTS = {
    "anthropic": official(anthropic._streaming.SSEDecoder),
    "openai": official(openai._streaming.SSEDecoder),
    "splitlines": by_splitlines,
    "httpx": by_httpx,
    "newline": by_newline,
    "standard": by_any_line_end,
    "blank lines": by_blank_lines,
    "careless": carelessly,
}


def tells_call(data: str) -> bool:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and '"tool_use"' in json.dumps(event)


BLOCK = json.dumps(s.start(0, {"type": "tool_use", "id": "toolu_1", "name": "wipe", "input": {}}))
WHOLE = json.dumps({"type": "message", "content": [{"type": "tool_use", "id": "t", "name": "wipe", "input": {}}]})
TWICE = '{"type": "content_block_start", "content_block": {"type": "text", "type": "tool_use"}, "index": 0}'
PIECES = st.sampled_from(
    [
        *(
            "\n",
            "\r",
            "\r\n",
            "\n\n",
            "\r\n\r\n",
            "\v",
            "\f",
            "\x1c",
            "\x85",
            "\u2028",
            "\u2029",
            "\0",
            "\ufeff",
            " ",
            "\t",
        ),
        *(
            "data: ",
            "data:",
            " data: ",
            "DATA: ",
            "data",
            "event: ",
            "event: ping",
            ": ",
            ": ping",
            "id: 1",
            "retry: 1",
        ),
        *("event: content_block_start\n", "event: message\n", "[DONE]", "{}", '{"type": "ping"}', "null", "x", "\xa0"),
        *(BLOCK, WHOLE, TWICE, json.dumps(s.PING), json.dumps(s.message_start()), '{"a": "\u2028data: {"}'),
        *(f"data: {BLOCK}\n\n", f"data: {json.dumps(s.PING)}\n\n", ": keep-alive\n\n"),
    ]
)
STREAMS = st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=14).map("".join)


def leaves(data: bytes, places: list[int]) -> bytes:
    """What leaves of the bytes, cut at these places, while nothing is decided."""
    driven = s.driven()
    cuts = sorted(place % (len(data) + 1) for place in places)
    try:
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            driven.feed(data[begin:end])
        driven.finish()
    except UnreadableAnswerError:
        pass
    return b"".join(driven.events)


@MODERATE
@example(f": x\u2028data: {BLOCK}\n\n".encode(), [])
@example(f": x\fdata: {BLOCK}\n\n".encode(), [])
@example(f"\0data: {BLOCK}\n\n".encode(), [])
@example(f" data: {BLOCK}\n\n".encode(), [3])
@example(f"DATA: {BLOCK}\n\n".encode(), [])
@example(f"event: ping\rdata: {BLOCK}\n\n".encode(), [])
@example(f"data: {json.dumps(s.PING)}\ndata: {BLOCK}\n\n".encode(), [])
@example(f"data: {TWICE}\n\n".encode(), [])
@example(WHOLE.encode(), [9])
@given(STREAMS.map(lambda text: text.encode(errors="replace")), st.lists(st.integers(0, 10_000), max_size=4))
def test_no_client_finds_a_call_that_was_not_decided_on(data, places):
    left = leaves(data, places)
    for name, read in CLIENTS.items():
        assert not any(map(tells_call, read(left))), name


@MODERATE
@given(st.binary(max_size=60), st.lists(st.integers(0, 100), max_size=3))
def test_bytes_without_any_sense_leave_as_comments_or_not_at_all(data, places):
    left = leaves(data, places)
    assert left == b"" or data.startswith(left)


@MODERATE
@given(
    st.lists(st.text(max_size=20), max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.lists(st.integers(0, 10_000), max_size=5),
)
def test_well_formed_streams_leave_byte_for_byte(texts, end, ascii_only, places):
    """Also with U+2028 and the like within their texts, and with keep-alives between their events."""
    events = [*(event for index, text in enumerate(texts) for event in s.said(index, text)), s.PING]
    told = s.sse(s.message_start(), *events, s.STOP, end=end, ascii_only=ascii_only)
    data = f": keep-alive{end}{end}".encode() + told
    assert leaves(data, places) == data
