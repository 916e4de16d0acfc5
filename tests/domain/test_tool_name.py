"""A name that two readers may read differently makes its call unreadable, wherever the call comes from."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Block
from litellm_bighub.domain.tool_name import MAX_CHARACTERS, UNREADABLE_NAME, is_readable, shown
from litellm_bighub.formats.chat import calls as chat
from litellm_bighub.formats.messages import calls as messages
from litellm_bighub.formats.requests.hosted_tools import find_own_tools
from litellm_bighub.formats.responses import calls as responses
from litellm_bighub.gateway.mcp.mcp_calls import mcp_call
from litellm_bighub.gateway.pipeline.enforcement_modes import Withholding
from litellm_bighub.policy.evaluation import evaluate
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import build
from litellm_bighub.testing import ScriptedDecider

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
    "custom": lambda name: chat.read_call({"id": "c", "type": "custom", "custom": {"name": name, "input": ""}}, "p"),
    "legacy": lambda name: chat.read_function_call({"name": name, "arguments": "{}"}, "p"),
    "messages": lambda name: messages.read_call({"type": "tool_use", "id": "c", "name": name, "input": {}}, "p"),
    "toolset": lambda name: messages.read_call(
        {"type": "tool_use", "id": "c", "toolset_name": name, "name": "n", "input": {}}, "p"
    ),
    "responses": lambda name: responses.read_call({"type": "function_call", "call_id": "c", "name": name}, "p"),
    "namespace": lambda name: responses.read_call(
        {"type": "function_call", "call_id": "c", "namespace": name, "name": "n"}, "p"
    ),
    "type": lambda name: responses.read_call({"type": f"{name}_call", "call_id": "c", "input": "x"}, "p"),
    "mcp": lambda name: mcp_call({"mcp_tool_name": name, "mcp_server_name": "s", "mcp_arguments": {}}),
    "server": lambda name: mcp_call({"mcp_tool_name": "t", "mcp_server_name": name, "mcp_arguments": {}}),
    "listed": lambda name: find_own_tools({"tools": [{"type": name}]})[0].call,
}
"""Every road on which a name comes in."""

FULL = {"toolset": "{}.n", "namespace": "{}.n", "type": "{}_call", "mcp": "s.{}", "server": "{}.t"}
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
