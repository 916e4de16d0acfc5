"""A tool call is one value, and a name that cannot be read makes it unreadable wherever it is made."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import (
    COLUMNS,
    FOR_PEOPLE,
    LEDGERS,
    MAX_CHARACTERS,
    STORED,
    UNREADABLE_NAME,
    CallContext,
    ReasoningMark,
    ToolCall,
    is_readable,
    restored_context,
    shown,
    stored_context,
)
from litellm_bighub.domain.decision import Block
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.formats.requests.hosted_tools import find_own_tools
from litellm_bighub.gateway.mcp.mcp_calls import mcp_call
from litellm_bighub.gateway.pipeline.enforcement_modes import Withholding
from litellm_bighub.policy.evaluation import evaluate
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import build
from litellm_bighub.testing import ScriptedDecider
from tests.formats.absent import of_format

chat = of_format("litellm_bighub.formats.chat.calls")
messages = of_format("litellm_bighub.formats.messages.calls")
responses = of_format("litellm_bighub.formats.responses.calls")


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


READABLE = [
    *("lookup_a", "lookup-a", "a", "7", "server.tool", "mcp/server/tool", "web_search", "computer-preview", "ns::tool"),
    *("browser.zoom", "github:issues.list", "x" * MAX_CHARACTERS),
]
ODD = [
    *("lookup_\0danger", "lookup_x\ndanger", "lookup_x\n", "lookup_\x1b[2J", "lookup_\x7f", "lookup_\u2028x"),
    *("lookup_../danger", "lookup_..", "lookup_/../x", "lookup_a//b", "lookup_a/", "/lookup_a", "lookup_a/./b"),
    *("lookup_a b", "lookup_ü", "lookup_\u0430", "lookup_\u200b", "lookup_\\x", "lookup_%2e%2e", "lookup_\ud800"),
    *("lookup_" + "x" * MAX_CHARACTERS, "lookup_" + "../" * MAX_CHARACTERS, " ", "."),
]


@pytest.mark.parametrize("name", READABLE)
def test_plain_names_are_readable(name):
    call = ToolCall("c", "function", name, {"a": 1})
    assert is_readable(name)
    assert (call.name, call.unreadable, call.arguments) == (name, None, {"a": 1})


READERS = {
    "chat": lambda name: chat.read_call({"id": "c", "type": "function", "function": {"name": name}}, "p"),
    "chat custom": lambda name: chat.read_call(
        {"id": "c", "type": "custom", "custom": {"name": name, "input": ""}}, "p"
    ),
    "chat legacy": lambda name: chat.read_function_call({"name": name, "arguments": "{}"}, "p"),
    "messages": lambda name: messages.read_call({"type": "tool_use", "id": "c", "name": name, "input": {}}, "p"),
    "messages toolset": lambda name: messages.read_call(
        {"type": "tool_use", "id": "c", "toolset_name": name, "name": "n", "input": {}}, "p"
    ),
    "responses": lambda name: responses.read_call({"type": "function_call", "call_id": "c", "name": name}, "p"),
    "responses namespace": lambda name: responses.read_call(
        {"type": "function_call", "call_id": "c", "namespace": name, "name": "n"}, "p"
    ),
    "responses type": lambda name: responses.read_call({"type": f"{name}_call", "call_id": "c", "input": "x"}, "p"),
    "mcp": lambda name: mcp_call({"mcp_tool_name": name, "mcp_server_name": "s", "mcp_arguments": {}}),
    "server": lambda name: mcp_call({"mcp_tool_name": "t", "mcp_server_name": name, "mcp_arguments": {}}),
    "listed": lambda name: find_own_tools({"tools": [{"type": name}]})[0].call,
}
"""Every road on which a name comes in."""

FULL = {
    "messages toolset": "{}.n",
    "responses namespace": "{}.n",
    "responses type": "{}_call",
    "mcp": "s.{}",
    "server": "{}.t",
}
"""What the name is part of, on the roads where it is not the whole."""


@pytest.mark.parametrize("road", READERS)
@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_other_names_make_their_call_unreadable_on_every_road(name, road):
    if is_readable(FULL.get(road, "{}").format(name)):
        return
    call = READERS[road](name)
    assert call.unreadable == UNREADABLE_NAME
    assert call.arguments == {}
    assert call.digest == ""
    assert call.name.isascii()
    assert call.name.isprintable()
    assert "\\" not in call.name


@settings(max_examples=300, derandomize=True)
@given(st.text(st.one_of(st.sampled_from("a_./:-\0\n\\ ü\u2028"), st.characters()), min_size=1, max_size=300))
def test_what_is_shown_holds_nothing_that_a_terminal_or_a_model_would_read(name):
    told = shown(name)
    assert told.isascii()
    assert told.isprintable()
    assert shown(told) == told
    assert is_readable(told) is is_readable(name)
    if is_readable(name):
        assert told == name


@pytest.mark.parametrize("name", ODD, ids=ascii)
async def test_nobody_is_asked_about_such_a_call_and_its_notice_does_not_echo_it(name):
    decider = ScriptedDecider()
    call = ToolCall("c", "function", name)
    (decision,) = await ToolDecisions(decider, fail_mode="open").decide([call], CallContext())
    assert isinstance(decision, Block)
    assert (decision.reason, decision.basis.blocked_by) == (UNREADABLE_NAME, "unreadable_name")
    assert decider.asked == []
    notice = Withholding().outcome(call, decision).notice
    assert json.dumps(notice).isprintable()
    assert name in notice if name.isprintable() and shown(name) == name else f'"{name}"' not in notice


def test_the_policy_itself_lets_no_such_name_fit_a_pattern():
    """Whoever asks it: the gateway, a dry run, the command line or a question over HTTP."""
    policy = build(parse_policy("version: 1\ndefault: allow\nrules: [{name: l, tool: 'lookup_*', effect: allow}]", "p"))
    for name in ODD:
        judged = evaluate(policy, ToolCall("c", "function", name), CallContext(), now=0.0)
        assert (judged.verdict, judged.blocked_by) == ("blocked", "unreadable")


@given(st.builds(CallContext, **{each.name: st.text() for each in fields(CallContext)}))
def test_a_stored_context_comes_back_whole(context):
    again = restored_context(context.actor, context.domain, stored_context(context))
    assert again == replace(context, **dict.fromkeys(LEDGERS, ""))


def test_every_field_has_a_column_or_is_stored():
    assert {*COLUMNS, *LEDGERS, *FOR_PEOPLE, *STORED} == {each.name for each in fields(CallContext)}
    assert stored_context(CallContext()).keys() == set(STORED)


def test_what_an_older_release_did_not_store_is_empty():
    assert restored_context("a", "d", {"user": "ann", "reason": "another field"}) == CallContext("a", "d", user="ann")
