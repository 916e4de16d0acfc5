"""Governed functions in code tell what came back: labels hold and rules ask for earlier calls, in every format."""

from __future__ import annotations

import pytest

from litellm_bighub import ToolDecisions
from litellm_bighub.control_plane.decisions.database_ledger import DatabaseLedger
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.testing import function_call
from tests.gateway.sdk.sdk_calls import Api, each_api, litellms_types, whole_and_streamed

pytestmark = litellms_types

POLICY = """\
version: 1
tools: {fetch: {output: untrusted}}
rules:
  - {name: verify, tool: verify}
  - {name: refund, tool: refund, after: {tool: verify, same: customer}, max_per_conversation: 1}
  - {name: after the web, tool: send, taint: untrusted, effect: block}
  - {name: the web, tool: [fetch, send]}
"""
PERSON = '{"customer": "c-1"}'
CALLS = {
    "verify": function_call("verify", {"customer": "c-1"}, call_id="c-verify"),
    "refund": function_call("refund", {"customer": "c-1"}, call_id="c-refund"),
    "fetch": function_call("fetch", {}, call_id="c-fetch"),
    "send": function_call("send", {}, call_id="c-send"),
}


@pytest.fixture
async def decisions(tmp_path):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    decider = EmbeddedDecider.from_policy_file(tmp_path / "bighub_policy.yaml")
    made = ToolDecisions(decider, ledger=DatabaseLedger(decider.plane))
    yield made
    await made.aclose()


def brought(api: Api) -> dict:
    """The request behind the answer, with the results of `verify` and `fetch`."""
    asked = [("verify", PERSON), ("fetch", "{}")]
    if api.wire_format == "responses":
        items = [
            item
            for name, arguments in asked
            for item in (
                {"type": "function_call", "call_id": f"c-{name}", "name": name, "arguments": arguments},
                {"type": "function_call_output", "call_id": f"c-{name}", "output": "yes"},
            )
        ]
        return {"input": [{"role": "user", "content": "go"}, *items]}
    said = [{"role": "user", "content": "go"}]
    if api.wire_format == "chat":
        functions = [
            {"id": f"c-{name}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for name, arguments in asked
        ]
        results = [{"role": "tool", "tool_call_id": f"c-{name}", "content": "yes"} for name, _ in asked]
        return {"messages": [*said, {"role": "assistant", "tool_calls": functions}, *results]}
    uses = [
        {"type": "tool_use", "id": "c-verify", "name": "verify", "input": {"customer": "c-1"}},
        {"type": "tool_use", "id": "c-fetch", "name": "fetch", "input": {}},
    ]
    results = [{"type": "tool_result", "tool_use_id": f"c-{name}", "content": "yes"} for name, _ in asked]
    return {"messages": [*said, {"role": "assistant", "content": uses}, {"role": "user", "content": results}]}


@whole_and_streamed
@each_api
async def test_what_came_back_holds_for_the_calls_that_follow(upstream, decisions, api, streamed):
    """Beside its verification no refund, behind it one; and nothing is sent after a page, also in a new turn."""

    async def released(*names, actor="AI_AGENT", **request):
        upstream.reset()
        upstream.script(lambda _: True, [CALLS[name] for name in names])
        arguments = api.arguments(upstream, stream=streamed, **request)
        answer = await api.awaited(**arguments, tool_decisions=decisions, actor=actor)
        return api.calls(api.joined([event async for event in answer]) if streamed else answer)

    assert await released("verify", "refund", "fetch", "send") == ["verify", "fetch", "send"]
    results = brought(api)
    assert await released("refund", "send", actor="somebody else", **results) == []
    assert await released("refund", "send", **results) == ["refund"]
    assert await released("refund", **results) == []
    assert await released("refund", "send") == []
    assert await released("refund", "send", actor="another") == ["send"]
