"""A tool call is one value, and a name that cannot be read makes it unreadable wherever it is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_bighub.domain.call import ReasoningMark, ToolCall
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.domain.tool_name import UNREADABLE_NAME


def test_the_digest_does_not_depend_on_the_order_of_keys():
    one = ToolCall("c1", "function", "pay", {"a": 1, "b": {"x": 1, "y": 2}})
    other = ToolCall("c2", "function", "refund", {"b": {"y": 2, "x": 1}, "a": 1})

    assert one.digest == other.digest
    assert len(one.digest) == 64


def test_other_arguments_have_another_digest():
    assert ToolCall("c", "function", "pay", {"a": 1}).digest != ToolCall("c", "function", "pay", {"a": 2}).digest


def test_a_call_that_cannot_be_read_has_no_digest():
    assert ToolCall("c", "function", "pay", unreadable="arguments are not valid JSON").digest == ""


@pytest.mark.parametrize("name", ["pay\nrefund", "pa\u200by", "x" * 10_000])
def test_a_name_that_cannot_be_read_makes_the_call_unreadable(name):
    call = ToolCall("c", "function", name, {"amount": 1})

    assert call.unreadable == UNREADABLE_NAME
    assert call.arguments == {}
    assert call.name != name
    assert call.digest == ""


def test_a_call_without_a_name_stays_readable():
    assert ToolCall("c", "shell", "", {"action": "ls"}).unreadable is None


def test_the_item_that_holds_a_call_does_not_tell_it_from_another():
    assert ToolCall("c", "function", "pay", item_id="fc_1") == ToolCall("c", "function", "pay", item_id="fc_2")


def test_the_reasoning_before_a_call_does_not_tell_it_from_another():
    behind = ToolCall("c", "function", "pay", reasoning=ReasoningMark("rs_1"))
    assert behind == ToolCall("c", "function", "pay")
    assert behind.reasoning
    assert not ToolCall("c", "function", "pay").reasoning


@pytest.mark.parametrize("path", ["output[1]", "output[1] after apr_1", "output[1] approved by req_1"])
def test_its_place_is_the_same_in_every_question(path):
    assert ToolCall("call_1", "function", "pay", path=path).place == "output[1]"


def test_arguments_are_redacted_once_for_all_who_ask_in_the_same_way():
    redactor, other = Redactor(), Redactor(patterns=["pong"])
    call = ToolCall("c", "function", "pay", {"password": "hunter2", "note": "pong"})

    first = call.redacted(redactor.redact)

    assert call.redacted(redactor.redact) is first
    assert first == {"password": "[redacted]", "note": "pong"}
    assert call.redacted(other.redact)["note"] == "[redacted]"
    assert call.arguments["password"] == "hunter2"


def test_a_measured_call_keeps_what_was_made_of_its_arguments():
    redact = Redactor().redact
    call = ToolCall("c", "function", "pay", {"amount": 3})
    digest, redacted = call.digest, call.redacted(redact)

    measured = call.measured(value=3.0, target="bank", action="refund")

    assert (measured.value, measured.target, measured.action) == (3.0, "bank", "refund")
    assert measured.redacted(redact) is redacted
    assert measured.digest == digest


def test_a_call_with_other_arguments_keeps_nothing_of_the_old_ones():
    redact = Redactor().redact
    call = ToolCall("c", "function", "pay", {"amount": 3})
    digest = call.digest
    call.redacted(redact)

    other = replace(call, arguments={"amount": 4})

    assert other.digest != digest
    assert other.redacted(redact) == {"amount": 4}
