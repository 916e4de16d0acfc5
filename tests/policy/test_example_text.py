"""Calls beside rules: a text is a command, one call is a list of one."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from litellm_bighub.policy.example_text import CallText, EarlierText, ExamplesText


def test_a_text_is_a_command_and_one_call_is_a_list_of_one():
    examples = ExamplesText.model_validate({"block": "ls", "allow": {"tool": "t"}, "require_approval": ["a", "b"]})
    assert examples.block == [CallText(command="ls")]
    assert examples.allow == [CallText(tool="t")]
    assert [call.command for call in examples.require_approval] == ["a", "b"]


@pytest.mark.parametrize("history", ["verify", ["verify"], {"tool": "verify"}, [{"tool": "verify"}]])
def test_an_earlier_call_may_be_its_tool_alone_and_one_is_a_list_of_one(history):
    assert CallText.model_validate({"tool": "pay", "history": history}).history == [EarlierText(tool="verify")]


@pytest.mark.parametrize("examples", [{"deny": ["ls"]}, {"block": 5}, {"block": [{"tool": ""}]}, {"allow": [{"x": 1}]}])
def test_what_is_no_example_is_refused(examples):
    with pytest.raises(ValidationError):
        ExamplesText.model_validate(examples)
