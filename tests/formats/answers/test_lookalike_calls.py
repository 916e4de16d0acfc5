"""What is found of calls in values of unknown shape, and what is not looked through since it can hold none."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.formats.answers.decided_calls import DecidedCalls
from litellm_bighub.formats.answers.lookalike_calls import content_of, only_counts
from litellm_bighub.formats.stream.gate_protocol import Withhold

NAMES = st.sampled_from(
    [
        *("input_tokens", "details", "cost", "name", "arguments", "call_id", "type", "tool_calls", "input", "action"),
        *("code", "recipient", "content", "function", "ey", "eyjhijoxfq", "W1sx", "to=functions.x", "{}", "Cost", ""),
    ]
)
NUMBERS = st.none() | st.booleans() | st.integers(-3, 300) | st.floats()
WORDS = st.sampled_from(
    ["auto", "function", "eyJhcmd1bWVudHMiOjF9", "<tool_call", '{"arguments": {}}', "to=functions."]
)


@given(
    st.recursive(
        NUMBERS | WORDS | st.text(max_size=50),
        lambda each: st.dictionaries(NAMES | st.text(max_size=4), each, max_size=4) | st.lists(each, max_size=3),
    )
)
@example({"arguments": {"code": 1}})
@example({"call_id": 1, "command": 2})
@example({"tool_calls": {"a": []}})
@example([123, 34, 97, 34, 58, 49, 125])
def test_what_only_counts_holds_no_call_and_the_beginning_of_none(value):
    if only_counts(value):
        content = content_of(value)
        assert content.calls == []
        assert not content.torn


@pytest.mark.parametrize("value", [{}, [], "auto", {"effort": None}, {"input_tokens": 3, "details": {"cached": 0}}])
def test_what_most_answers_carry_only_counts(value):
    assert only_counts(value)


@pytest.mark.parametrize(
    "value",
    [
        {"function_call": {"x": 1}},
        {"arguments": {}},
        {"input": {"command": "ls"}},
        [1],
        "eyJhIjoxfQ",
        {"a" * 41: 1},
        {"a": {"a": {"a": {"a": {"a": 1}}}}},
    ],
)
def test_everything_else_is_looked_through(value):
    assert not only_counts(value)


def test_numbers_that_tell_of_a_withheld_call_are_found():
    decided = DecidedCalls()
    decided.add(ToolCall("call_123456", "function", "x", {"amount": 999999}), Withhold("no"))

    assert decided.found_in_details({"x": 999999})
