from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.messages.sse import Frame, Splitter, parse

FRAMES = [
    pytest.param(b"a\n\nb\n\n", [b"a\n\n", b"b\n\n"], id="lf"),
    pytest.param(b"a\r\n\r\nb\r\n\r\n", [b"a\r\n\r\n", b"b\r\n\r\n"], id="crlf"),
    pytest.param(b"a\r\rb\r\r", [b"a\r\r", b"b\r\r"], id="cr"),
    pytest.param(b"a\n\r\nb\n\n", [b"a\n\r\n", b"b\n\n"], id="mixed"),
    pytest.param(b"a\r\nb\n\n", [b"a\r\nb\n\n"], id="one-line-end"),
    pytest.param(b"a\n\n\nb", [b"a\n\n", b"\nb"], id="rest"),
    pytest.param(b"", [], id="nothing"),
]


@pytest.mark.parametrize(("data", "frames"), FRAMES)
def test_frames_end_behind_blank_lines(data, frames):
    splitter = Splitter()
    assert [*splitter.feed(data), *splitter.close()] == frames
    assert splitter.close() == []


@settings(max_examples=200, derandomize=True)
@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data: x", b"event: y"])), st.data())
def test_frames_are_the_same_wherever_the_bytes_are_cut(pieces, data):
    whole = b"".join(pieces)
    at_once, cut = Splitter(), Splitter()
    expected = [*at_once.feed(whole), *at_once.close()]
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)))))
    got = [frame for a, b in zip([0, *places], [*places, len(whole)], strict=True) for frame in cut.feed(whole[a:b])]
    assert [*got, *cut.close()] == expected
    assert b"".join(expected) == whole


READ = [
    pytest.param(b'event: a\ndata: {"type": "a"}\n\n', {"type": "a"}, id="both"),
    pytest.param(b'data:{"type": "a"}\r\n\r\n', {"type": "a"}, id="no-space"),
    pytest.param(b"event: a\ndata: {}\n\n", {"type": "a"}, id="named"),
    pytest.param(b"data: {}\n\n", {}, id="neither"),
    pytest.param(b": x\n\n", None, id="comment"),
    pytest.param(b":\n:\n\n", None, id="empty-comments"),
    pytest.param(b"\n", None, id="nothing"),
    pytest.param(b"event: ping\n\n", None, id="ping-without-data"),
    pytest.param(b': x\nevent: a\nid: 1\nretry: 2\ndata: {"type": "a"}\n\n', {"type": "a"}, id="all-fields"),
    pytest.param('data: {"type": "a", "b": "ü\u2028\x85"}\n\n'.encode(), {"type": "a", "b": "ü\u2028\x85"}, id="raw"),
    pytest.param(b"data: [DONE]\n\n", {"type": "[DONE]"}, id="done"),
]


@pytest.mark.parametrize(("raw", "event"), READ)
def test_frames_are_read(raw, event):
    frame = parse(raw, bytes)
    assert frame == Frame(event, raw, bytes)
    assert frame.released is raw


CALL = b'{"type": "content_block_start", "content_block": {"type": "tool_use"}}'
ODD = [
    pytest.param(b'event: a\ndata: {"type": "b"}\n\n', id="two-names"),
    pytest.param(b"data: " + b"[" * 100_000, id="deep"),
    pytest.param(b"data:\n\n", id="no-data"),
    pytest.param(b"event: a\n\n", id="a-name-alone"),
    pytest.param(b"id: 1\n\n", id="an-id-alone"),
    pytest.param(b"retry: 1\n\n", id="a-retry-alone"),
    pytest.param(b"retry: x\ndata: {}\n\n", id="retry-is-no-number"),
    pytest.param(CALL, id="bare-json"),
    pytest.param(CALL + b"\n\n", id="bare-json-line"),
    *(
        pytest.param(start + CALL + b"\n\n", id=ascii(start))
        for start in (
            *(b" data: ", b"\tdata: ", b"DATA: ", b"Data:", b"data : ", b"\0data: ", b"da\0ta: ", b"data", b"data\0: "),
            *(b"\xef\xbb\xbfdata: ", b"\xff\xfed", b"x: ", b"\xc2\xa0data: ", b": x data: ", b": ", b": x\x0cdata: "),
            *(b": x\x0b", b": x\xc2\x85data: ", b": x\xe2\x80\xa8data: ", b": x\x1c", b": x\rdata: ", b": x\0"),
            *(b"event: x\x0cdata: ", b"event: x\xe2\x80\xa9data: ", b"event: x data: ", b"id: 1 data: "),
            *(b"id: \0\ndata: ", b"data: {}\ndata: ", b"data: {}\rdata: ", b"event: a\nevent: a\ndata: ", b"data: \r"),
            *(b"data: {}\ndata : ", b"data: {}\n data: ", b'data: {"type": "ping"}\n\tdata: '),
        )
    ),
    pytest.param(b'data: {"a":\ndata: 1}\n\n', id="two-lines"),
    pytest.param(b'data: {"type": "text", "type": "tool_use"}\n\n', id="a-key-twice"),
    pytest.param(b'data: {"a": {"b": 1, "b": 2}}\n\n', id="an-inner-key-twice"),
    pytest.param(b'data: {"a": NaN}\n\n', id="nan"),
    pytest.param(b"data: [1]\n\n", id="list"),
    pytest.param(b'data: "ping"\n\n', id="text"),
    pytest.param(b"data: null\n\n", id="null"),
    pytest.param(b'data: {"a": "\xff"}\n\n', id="no-utf-8"),
    pytest.param(b'data: {"type": "a"}\r\r', id="carriage-returns"),
]


@pytest.mark.parametrize("raw", ODD)
def test_frames_of_two_readings_are_unreadable(raw):
    with pytest.raises(UnreadableAnswerError):
        parse(raw, bytes)


@pytest.mark.parametrize("form", [bytes, str])
def test_changed_events_leave_in_the_form_in_which_they_came(form):
    frame = parse(b'data: {"type": "a"}\n\n', form).changed({"type": "b", "text": "ü\n\n\u2028"})
    released = frame.released
    assert isinstance(released, form)
    written = released if isinstance(released, str) else released.decode()
    assert written.count("\n") == 3
    assert json.loads(written.splitlines()[1].removeprefix("data: ")) == frame.event
