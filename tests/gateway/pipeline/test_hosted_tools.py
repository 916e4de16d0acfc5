"""What becomes of decided tools: those that a request lists, and those that the gateway is about to call."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from litellm.types.llms.base import HiddenParams
from litellm.types.mcp import MCPPostCallResponseObject
from mcp.types import TextContent

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.decision import Allow, Block, RequireApproval
from litellm_bighub.gateway.mcp.mcp_calls import govern_mcp_call, mcp_call
from litellm_bighub.gateway.mcp.mcp_results import tell_approval
from litellm_bighub.gateway.pipeline.enforcement import Enforcement
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding
from litellm_bighub.gateway.pipeline.hosted_tools import HostedTools
from litellm_bighub.testing import ScriptedDecider
from litellm_bighub.wording import ENGLISH
from tests.deciders.fakes import Kept

REMOTE = {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example", "authorization": "s3cret"}
FUNCTION = {"type": "function", "name": "pay"}


def enforcement(answer, events=None, **withholding):
    decisions = ToolDecisions(ScriptedDecider(otherwise=answer), sinks=[events] if events else [])
    return Enforcement(decisions, Withholding(**withholding))


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        pytest.param(Allow(), [FUNCTION, REMOTE], id="allowed"),
        pytest.param(Block("no"), [FUNCTION], id="blocked"),
        pytest.param(RequireApproval("ask", "apr_1"), [FUNCTION], id="waits"),
        pytest.param(
            Allow(
                edited={"type": "mcp", "server_label": "crm", "allowed_tools": ["read"], "authorization": "[redacted]"}
            ),
            [
                FUNCTION,
                {"type": "mcp", "server_label": "crm", "allowed_tools": ["read"], "authorization": "s3cret"},
            ],
            id="allowed with other settings",
        ),
    ],
)
async def test_what_a_request_is_left_with(answer, left):
    request, events = {"tools": [FUNCTION, REMOTE]}, Kept()
    await HostedTools(enforcement(answer, events)).govern(request, CallContext)

    assert request == {"tools": left}
    (event,) = events.events
    assert (event.type, event.tool, event.path) == ("mcp", "mcp", "tools[1]")
    assert "s3cret" not in str(event)


@pytest.mark.parametrize(("more", "left"), [([], {}), ([FUNCTION], {"tools": [FUNCTION]})])
async def test_the_server_of_our_own_requests_for_approval_is_taken_out_undecided(more, left):
    events = Kept()
    ours = {"type": "mcp", "server_label": "litellm_bighub", "server_url": "https://gateway.example"}
    request = {"tools": [ours, *more]}
    await HostedTools(enforcement(Allow(), events)).govern(request, CallContext)

    assert request == left
    assert events.events == []


async def test_an_operator_may_have_a_request_fail_whose_tool_waits():
    waiting = enforcement(RequireApproval("ask", "apr_1"), on_approval="error")
    with pytest.raises(ToolCallWithheld) as withheld:
        await HostedTools(waiting).govern({"tools": [REMOTE]}, CallContext)

    assert (withheld.value.status_code, withheld.value.approval_id) == (400, "apr_1")
    assert "apr_1" in str(withheld.value.detail)


async def test_a_blocked_tool_is_taken_out_where_blocked_calls_fail_too():
    """Clients such as Codex list `web_search` with every request; none has been called."""
    request = {"tools": [FUNCTION, REMOTE]}
    await HostedTools(enforcement(Block("no"), on_block="error")).govern(request, CallContext)

    assert request == {"tools": [FUNCTION]}


async def test_an_edited_mcp_call_is_made_with_the_edited_arguments():
    data = {"mcp_tool_name": "pay", "mcp_server_name": "crm", "mcp_arguments": {"amount": 900}}
    await govern_mcp_call(enforcement(Allow(edited={"amount": 5})), data, CallContext())

    assert data["modified_arguments"] == {"amount": 5}


async def test_the_caller_of_an_edited_mcp_call_is_told_with_its_result():
    """Once, behind what the server said; of a call that nobody edited nothing is told."""
    record: dict[str, object] = {}
    for decision in (Allow(edited={"amount": 5}), Allow()):
        data = {
            "mcp_tool_name": "pay",
            "mcp_server_name": "crm",
            "mcp_arguments": {"amount": 900},
            "litellm_logging_obj": SimpleNamespace(model_call_details=record),
        }
        await govern_mcp_call(enforcement(decision), data, CallContext())
        said = TextContent(type="text", text="paid")
        result = MCPPostCallResponseObject(mcp_tool_call_response=[said], hidden_params=HiddenParams())
        told = decision.edited is not None

        assert tell_approval(record, result) is told
        assert not tell_approval(record, result)
        texts = [part.text for part in result.mcp_tool_call_response]
        expected = ENGLISH.edited.format(tool="crm.pay", call_id="MCP", arguments='{"amount":5}')
        assert texts == (["paid", expected] if told else ["paid"])


@pytest.mark.parametrize("answer", [Block("no"), RequireApproval("ask", "apr_1")], ids=["blocked", "waits"])
async def test_an_mcp_call_that_may_not_be_made_is_an_error(answer):
    with pytest.raises(ToolCallWithheld, match=r"crm\.pay"):
        await govern_mcp_call(enforcement(answer), {"mcp_tool_name": "pay", "mcp_server_name": "crm"}, CallContext())


@pytest.mark.parametrize(
    ("data", "name", "unreadable"),
    [
        pytest.param({"mcp_tool_name": "pay", "mcp_server_name": "crm"}, "crm.pay", False, id="a server's"),
        pytest.param({"mcp_tool_name": "pay"}, "pay", False, id="nobody's"),
        pytest.param({"mcp_server_name": "crm"}, "", True, id="nameless"),
        pytest.param({"mcp_tool_name": "pay", "mcp_arguments": {"a": float("nan")}}, "pay", True, id="no JSON"),
        pytest.param({"mcp_tool_name": "pay", "mcp_arguments": [1]}, "pay", True, id="no object"),
    ],
)
def test_an_mcp_call_in_one_shape(data, name, unreadable):
    call = mcp_call(data)

    assert (call.type, call.name, call.unreadable is not None) == ("mcp", name, unreadable)
