"""A guardrail's contract is told by what its check takes."""

from __future__ import annotations

import functools

import pytest

from litellm_bighub.checks.contract import Contract, contract_of, name_of


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
