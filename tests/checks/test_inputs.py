"""Chat messages are made for a guardrail that asks for them, and for no other."""

from __future__ import annotations

from copy import deepcopy

import pytest

from litellm_bighub.checks.inputs import STRUCTURED, Inputs

MESSAGES = [{"role": "user", "content": "hello"}]


class Making:
    """Counts how often the messages are made."""

    def __init__(self, made=MESSAGES):
        self.made = made
        self.times = 0

    def __call__(self):
        self.times += 1
        return self.made


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda inputs: inputs[STRUCTURED], id="by key"),
        pytest.param(lambda inputs: inputs.get(STRUCTURED), id="by get"),
        pytest.param(lambda inputs: STRUCTURED in inputs and inputs[STRUCTURED], id="after a look"),
        pytest.param(lambda inputs: deepcopy(inputs)[STRUCTURED], id="of a copy"),
    ],
)
def test_whoever_asks_for_messages_gets_them(ask):
    making = Making()

    assert ask(Inputs({"texts": ["hello"]}, making)) == MESSAGES
    assert making.times == 1


def test_they_are_made_once():
    making = Making()
    inputs = Inputs({"texts": []}, making)

    assert inputs[STRUCTURED] is inputs.get(STRUCTURED)
    assert making.times == 1


def test_whoever_does_not_ask_causes_none():
    making = Making()
    inputs = Inputs({"texts": ["hello"], "model": "m"}, making)

    assert dict(inputs) == {"texts": ["hello"], "model": "m"}
    assert inputs == {"texts": ["hello"], "model": "m"}
    assert [*inputs, len(inputs)] == ["texts", "model", 2]
    assert (inputs.get("images", []), "texts" in inputs) == ([], True)
    assert making.times == 0


@pytest.mark.parametrize("make", [None, Making(None)], ids=["no maker", "nothing is made"])
def test_without_messages_the_key_is_absent(make):
    inputs = Inputs({}, make)

    assert STRUCTURED not in inputs
    assert inputs.get(STRUCTURED, "none") == "none"
    with pytest.raises(KeyError):
        inputs[STRUCTURED]


def test_what_a_guardrail_wrote_itself_stays():
    making = Making()
    inputs = Inputs({STRUCTURED: []}, making)

    assert inputs.get(STRUCTURED) == []
    assert making.times == 0


def test_another_key_that_is_absent_is_an_error():
    with pytest.raises(KeyError):
        Inputs({}, Making())["images"]
