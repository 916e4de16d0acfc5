"""A call that LiteLLM makes itself while it streams the answer that holds it."""

import asyncio

import pytest

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.decision import Allow, Block
from litellm_bighub.gateway.pipeline.server_side_calls import ServerSideCalls, publish_decision
from litellm_bighub.testing import ScriptedDecider

OURS = {"type": "mcp", "server_url": "litellm_proxy", "require_approval": "never"}
CALL = ToolCall("call_1", "function", "demo-x", {"n": 1})
MADE, OWN = Allow("made"), Block("own")


def tool_decisions():
    return ToolDecisions(ScriptedDecider())


def told_of(call_id="call_1", name="demo-x"):
    record = {"mcp_tool_call_metadata": {"namespaced_tool_name": name}}
    record["litellm_params"] = {"metadata": {"tool_call_id": call_id}}
    return {"litellm_logging_obj": type("Logging", (), {"model_call_details": record})()}


async def decided(tools, *published, call=CALL, publisher=None):
    """What is decided on the call in a stream during which LiteLLM makes these calls."""
    decisions = tool_decisions()
    runs = ServerSideCalls(decisions, {"tools": tools})

    async def upstream():
        for data, arguments in published:
            publish_decision(publisher or decisions, data, ToolCall("", "mcp", "demo.x", arguments), MADE)
            yield "event"

    async def decide(calls):
        return [OWN for _ in calls]

    taken = asyncio.ensure_future(runs.decided([call], decide))
    await asyncio.sleep(0)  # the stream meets the call first
    async for _ in runs.within(upstream()):
        pass
    return (await taken)[0]


async def test_the_decision_is_taken_over():
    assert await decided([OURS], (told_of(), {"n": 1})) is MADE


@pytest.mark.parametrize(
    ("tools", "published"),
    [
        ([OURS], ()),
        ([OURS], [(told_of(), {"n": 2})]),
        ([OURS], [(told_of(call_id="call_2"), {"n": 1})]),
        ([OURS], [(told_of(name="demo-y"), {"n": 1})]),
        ([OURS], [({}, {"n": 1})]),
        ([{**OURS, "require_approval": "always"}], [(told_of(), {"n": 1})]),
        ([OURS, {"type": "function", "name": "demo-x"}], [(told_of(), {"n": 1})]),
        ([OURS, {"type": "function", "function": {"name": "demo-x"}}], [(told_of(), {"n": 1})]),
    ],
    ids=["not-made", "arguments", "id", "name", "no-record", "not-by-itself", "callers", "callers-chat"],
)
async def test_another_call_is_decided_on_in_the_stream(tools, published):
    assert await decided(tools, *published) is OWN


async def test_what_another_guardrail_decided_is_not_taken_over():
    assert await decided([OURS], (told_of(), {"n": 1}), publisher=tool_decisions()) is OWN


async def test_a_decision_is_taken_over_once():
    decisions = tool_decisions()
    runs = ServerSideCalls(decisions, {"tools": [OURS]})

    async def decide(calls):
        return [OWN for _ in calls]

    async def upstream():
        publish_decision(decisions, told_of(), ToolCall("", "mcp", "demo.x", {"n": 1}), MADE)
        yield "event"

    async for _ in runs.within(upstream()):
        pass
    assert await runs.decided([CALL, CALL], decide) == [MADE, OWN]


async def test_outside_of_the_stream_nothing_is_published():
    decisions = tool_decisions()
    runs = ServerSideCalls(decisions, {"tools": [OURS]})

    async def decide(calls):
        return [OWN for _ in calls]

    publish_decision(decisions, told_of(), ToolCall("", "mcp", "demo.x", {"n": 1}), MADE)
    runs.end()
    assert await runs.decided([CALL], decide) == [OWN]
