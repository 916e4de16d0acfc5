"""What leaves a Messages gate beside decided calls: signs of life."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.formats.stream.gate_protocol import Pass, Withhold
from tests.formats.messages import streams as s

EDITED = Pass({"a": "edited"})


def test_a_waiting_stream_pings():
    driven = s.driven()
    driven.feed(*s.stream(s.said(0, "hi"), s.call(1)))
    assert driven.gate.keep_alive().events == (s.PING,)


@pytest.mark.parametrize("form", [bytes, str])
def test_a_ping_has_the_form_of_its_stream(form):
    raw = s.sse(*s.stream(s.call(0)))
    driven = s.driven()
    driven.feed(raw if form is bytes else raw.decode())
    [ping] = driven.gate.keep_alive().events
    assert isinstance(ping, form)
    assert s.unwritten([ping]) == [s.PING]


def test_of_an_edited_call_the_answer_says_nothing():
    """The model is told with its result."""
    driven = s.run(s.stream(s.said(0, "hi"), s.call(1), s.said(2, "bye")), EDITED)

    content = s.joined(driven.events)["content"]
    assert [block["type"] for block in content] == ["text", "tool_use", "text"]
    assert content[1]["input"] == {"a": "edited"}
    assert content[2]["text"] == "bye"


@given(
    kinds=st.text("tc", max_size=6),
    outcomes=st.lists(st.sampled_from([Pass(), EDITED, Withhold("no")]), min_size=6, max_size=6),
    raw=st.booleans(),
    late=st.booleans(),
)
def test_whatever_is_put_in_indices_follow_each_other(kinds, outcomes, raw, late):
    events = s.stream(*(s.said(at, f"x{at}") if kind == "t" else s.call(at) for at, kind in enumerate(kinds)))
    driven = s.driven()
    keys = 0
    for event in events:
        driven.feed(s.sse(event) if raw else event)
        for key in () if late else sorted(driven.gate.unanswered):
            driven.answer(outcomes[keys], key)
            keys += 1
    for key in sorted(driven.gate.unanswered):
        driven.answer(outcomes[keys], key)
        keys += 1
    driven.finish()

    told = s.unwritten(driven.events)
    starts = [event["index"] for event in told if event["type"] == "content_block_start"]
    stops = [event["index"] for event in told if event["type"] == "content_block_stop"]
    assert starts == stops == list(range(len(kinds)))
    content = s.joined(told)["content"]
    assert [block["text"] for block in content if block.get("text", "").startswith("x")] == [
        f"x{at}" for at, kind in enumerate(kinds) if kind == "t"
    ]
