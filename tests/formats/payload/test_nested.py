"""Everything that a payload holds is found, however deep."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from litellm_bighub.formats.payload.nested import holds_call, nested


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")


def test_every_value_is_found():
    payload = {"a": [1, ({"b": "two"},)], "c": Model(d=3)}

    found = list(nested(payload))
    assert found[0] is payload
    assert {value for value in found if isinstance(value, int | str)} == {1, "two", 3}


def test_a_deep_payload_is_no_recursion():
    payload: list = []
    for _ in range(100_000):
        payload = [payload]

    assert sum(1 for _ in nested(payload)) == 100_001


@pytest.mark.parametrize(
    "call",
    [
        {"tool_calls": [{}]},
        {"function_call": {"name": "pay"}},
        {"name": "pay", "arguments": "{}"},
        {"name": "pay", "input": ""},
        Model(name="pay", arguments="{}"),
    ],
)
def test_a_call_of_any_format_is_noticed(call):
    assert holds_call({"unknown": [call]})


@pytest.mark.parametrize(
    "value",
    [{"name": "pay"}, {"arguments": "{}"}, {"tool_calls": []}, {"name": "pay", "arguments": None}, "tool_calls"],
)
def test_what_is_no_call(value):
    assert not holds_call({"unknown": [value]})


def test_the_payload_itself_is_not_asked_about():
    assert not holds_call({"name": "pay", "arguments": "{}"})
