"""What leaves a chat gate beside decided calls: signs of life, and notes to the model."""

from __future__ import annotations

import json

from litellm_bighub.wire.gating import Pass, Release
from tests.wire.chat import streams as s
from tests.wire.driving import WITHHELD

EDITED = Pass({"a": "edited"}, "a person changed it")


def test_a_waiting_choice_says_nothing():
    driven = s.driven()
    driven.feed(s.role(), *s.said("hi"), *s.call(0), s.end())
    before = s.joined(driven.events)
    [alive] = driven.gate.keep_alive().events

    assert alive["choices"] == [{"index": 0, "delta": {"content": ""}, "finish_reason": None, "logprobs": None}]
    driven.events.append(alive)
    assert s.joined(driven.events) == before
    driven.answer(Pass())
    assert s.joined(driven.events)[0]["tool_calls"][0]["function"]["name"] == "name_t0"


def test_the_sign_of_life_is_of_a_choice_that_has_not_ended():
    driven = s.driven()
    driven.feed(s.role(), s.role(1), *s.call(0, index=1), s.end("stop", 0), s.end(index=1))
    [alive] = driven.gate.keep_alive().events
    assert [choice["index"] for choice in alive["choices"]] == [1]


def test_who_waits_for_nothing_says_nothing():
    driven = s.driven()
    driven.feed(s.role(), *s.said("hi"))
    assert driven.gate.keep_alive() == Release()


def test_the_model_is_told_of_an_edit_in_the_content():
    driven = s.run([s.role(), *s.said("hi"), *s.call(0), s.end()], EDITED)

    [message] = s.joined(driven.events).values()
    assert message["content"] == "hi\n\na person changed it"
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"a": "edited"}
    assert message["finish_reason"] == "tool_calls"


def test_each_of_two_calls_keeps_its_own_words():
    driven = s.run([s.role(), *s.call(0), *s.call(1), s.end()], EDITED, WITHHELD)

    [message] = s.joined(driven.events).values()
    assert message["content"] == "a person changed it\n\nnot now"
    assert [call["id"] for call in message["tool_calls"]] == ["call_t0"]
