"""A guardrail's contract is told by what its check takes."""

from __future__ import annotations

import functools
from copy import deepcopy

import pytest

from litellm_bighub.checks.contract import STRUCTURED, Contract, Inputs, contract_of, name_of


class OfTexts:
    guardrail_name = "old"

    async def apply_guardrail(self, text: str, language: str | None = None) -> str:
        raise NotImplementedError


class OfInputs:
    guardrail_name = None

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        raise NotImplementedError


class OfBoth(OfInputs):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None, text=None):
        raise NotImplementedError


class OfAnything(OfInputs):
    async def apply_guardrail(self, *args, **kwargs):
        raise NotImplementedError


class Wrapped(OfInputs):
    @functools.wraps(OfTexts.apply_guardrail)
    async def apply_guardrail(self, *args, **kwargs):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("guardrail", "expected"),
    [
        (OfTexts(), Contract.TEXT),
        (OfInputs(), Contract.INPUTS),
        (OfBoth(), Contract.INPUTS),
        (OfAnything(), Contract.INPUTS),
        (Wrapped(), Contract.TEXT),
    ],
    ids=["texts", "inputs", "both", "anything", "wrapped"],
)
def test_which_contract_a_guardrail_has(guardrail, expected):
    assert contract_of(guardrail) is expected


def test_a_check_that_was_put_into_an_instance_counts():
    guardrail = OfTexts()
    guardrail.apply_guardrail = OfInputs().apply_guardrail

    assert contract_of(guardrail) is Contract.INPUTS


@pytest.mark.parametrize(
    ("guardrail", "expected"), [(OfTexts(), "old"), (OfInputs(), "OfInputs"), (object(), "object")]
)
def test_what_errors_call_a_guardrail(guardrail, expected):
    assert name_of(guardrail) == expected


MESSAGES = [{"role": "user", "content": "hello"}]


class Making:
    """Counts how often the messages are made."""

    def __init__(self, made=MESSAGES):
        self.made = made
        self.times = 0

    def __call__(self):
        self.times += 1
        return self.made


def inputs_of(values, make):
    inputs = Inputs(values)
    inputs.make = make
    return inputs


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

    assert ask(inputs_of({"texts": ["hello"]}, making)) == MESSAGES
    assert making.times == 1


def test_they_are_made_once():
    making = Making()
    inputs = inputs_of({"texts": []}, making)

    assert inputs[STRUCTURED] is inputs.get(STRUCTURED)
    assert making.times == 1


def test_whoever_does_not_ask_causes_none():
    making = Making()
    inputs = inputs_of({"texts": ["hello"], "model": "m"}, making)

    assert dict(inputs) == {"texts": ["hello"], "model": "m"}
    assert inputs == {"texts": ["hello"], "model": "m"}
    assert [*inputs, len(inputs)] == ["texts", "model", 2]
    assert (inputs.get("images", []), "texts" in inputs) == ([], True)
    assert making.times == 0


@pytest.mark.parametrize("make", [None, Making(None)], ids=["no maker", "nothing is made"])
def test_without_messages_the_key_is_absent(make):
    inputs = inputs_of({}, make)

    assert STRUCTURED not in inputs
    assert inputs.get(STRUCTURED, "none") == "none"
    with pytest.raises(KeyError):
        inputs[STRUCTURED]


def test_what_a_guardrail_wrote_itself_stays():
    making = Making()
    inputs = inputs_of({STRUCTURED: []}, making)

    assert inputs.get(STRUCTURED) == []
    assert making.times == 0


def test_another_key_that_is_absent_is_an_error():
    with pytest.raises(KeyError):
        inputs_of({}, Making())["images"]
