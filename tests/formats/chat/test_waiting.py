"""What leaves a chat gate beside decided calls: signs of life, and notes on edits."""

from __future__ import annotations

import json

from litellm_bighub.formats.stream.gate_protocol import Pass, Release
from tests.formats.chat import streams as s
from tests.formats.driving import WITHHELD

EDITED = Pass({"a": "edited"}, "A person did it.")


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


def test_of_an_edited_call_the_answer_says_nothing():
    """The model is told with its result."""
    driven = s.run([s.role(), *s.said("hi"), *s.call(0), s.end()], EDITED)

    [message] = s.joined(driven.events).values()
    assert message["content"] == "hi"
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"a": "edited"}
    assert message["finish_reason"] == "tool_calls"


def test_the_model_is_told_in_the_content_of_an_edited_function_call_whose_result_names_no_call():
    driven = s.run([s.role(), *s.said("hi"), *s.legacy(), s.end("function_call")], EDITED)

    [message] = s.joined(driven.events).values()
    assert message["content"] == "hi\n\nA person did it."
    assert json.loads(message["function_call"]["arguments"]) == {"a": "edited"}
    assert message["finish_reason"] == "function_call"


def test_a_person_who_approves_is_heard_beside_a_function_call_that_stays_as_it_is():
    noted = Pass(note="A person said it.", told="it")
    driven = s.run([s.role(), *s.said("hi"), *s.legacy(), s.end("function_call")], noted)
    [message] = s.joined(driven.events).values()
    assert (message["content"], message["function_call"]["arguments"]) == ("hi\n\nA person said it.", '{"a": "t"}')

    driven = s.run([s.role(), *s.said("hi"), *s.call(0), s.end()], noted)
    [message] = s.joined(driven.events).values()
    assert message["content"] == "hi"


def test_each_of_two_calls_keeps_its_own_words():
    driven = s.run([s.role(), *s.call(0), *s.legacy(), s.end()], WITHHELD, EDITED)

    [message] = s.joined(driven.events).values()
    assert message["content"] == "not now\n\nA person did it."


def test_the_tokens_of_an_edited_call_are_not_told():
    piece = s.call(0)[0]
    [choice] = piece["choices"]
    choice["logprobs"] = {"content": [{"token": "model's own", "logprob": -1.0}]}
    driven = s.run([s.role(), piece, s.end()], EDITED)
    assert "model's own" not in repr(driven.events)
