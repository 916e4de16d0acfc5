from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.wire.messages.sse import Frame, Splitter, UnreadableFrame, parse

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
    pytest.param(b"id: 1\nretry: 2\n: x\n\n", None, id="no-data"),
    pytest.param(b"data: [DONE]\n\n", {"type": "[DONE]"}, id="done"),
    pytest.param(b'data: {"a":\ndata: 1}\n\n', {"a": 1}, id="two-lines"),
]


@pytest.mark.parametrize(("raw", "event"), READ)
def test_frames_are_read(raw, event):
    frame = parse(raw, bytes)
    assert frame == Frame(event, raw, bytes)
    assert frame.released is raw


@pytest.mark.parametrize("raw", [b'event: a\ndata: {"type": "b"}\n\n', b"data: " + b"[" * 100_000, b"data:\n\n"])
def test_frames_of_two_readings_are_unreadable(raw):
    with pytest.raises(UnreadableFrame):
        parse(raw, bytes)


@pytest.mark.parametrize("form", [bytes, str])
def test_changed_events_leave_in_the_form_in_which_they_came(form):
    frame = parse(b'data: {"type": "a"}\n\n', form).changed({"type": "b", "text": "ü\n\n\u2028"})
    released = frame.released
    assert isinstance(released, form)
    written = released if isinstance(released, str) else released.decode()
    assert written.count("\n") == 3
    assert json.loads(written.splitlines()[1].removeprefix("data: ")) == frame.event
