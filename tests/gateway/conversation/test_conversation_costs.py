"""What the ledger is asked and told, and what becomes of a call that it does not hold."""

from __future__ import annotations

import json

import pytest
from litellm.proxy._types import UserAPIKeyAuth

import litellm_bighub
from litellm_bighub import BighubGuardrail, ToolDecisions
from litellm_bighub.deciders.ledger.ledger import MemoryLedger
from litellm_bighub.domain.decision import Block
from litellm_bighub.errors import DecisionUnavailable
from litellm_bighub.formats.payload.copies import plain
from litellm_bighub.gateway.conversation.request_history import UnapprovedToolResult
from litellm_bighub.testing import ScriptedDecider, function_call, text

pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")

SECRET = "sk-abcdefghijklmnopqrstuvwxyz0123456789"


class Counted(MemoryLedger):
    """Counts how often it is used, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.written = self.asked = 0

    async def write(self, calls):
        self.written += 1
        if self.fails:
            raise DecisionUnavailable("disk full")
        await super().write(calls)

    async def find(self, search):
        self.asked += 1
        return await super().find(search)


async def ask(upstream, ledger, *, items, **more):
    upstream.script("go", items)
    decisions = ToolDecisions(ScriptedDecider({"wipe": Block("no")}), ledger=ledger)
    body = {"model": "openai/gpt-4.1", "input": "go", "api_base": upstream.base_url, "api_key": "sk-x", **more}
    return await litellm_bighub.aresponses(**body, tool_decisions=decisions)


@pytest.mark.format("responses")
@pytest.mark.parametrize(
    ("items", "more", "written", "asked"),
    [
        pytest.param([text("hi")], {}, 0, 0, id="nothing"),
        pytest.param([function_call("wipe", {})], {}, 1, 0, id="a call"),
        pytest.param([function_call("wipe", {}), function_call("lookup", {})], {}, 1, 0, id="two calls"),
        pytest.param([text("hi")], {"previous_response_id": "resp_1"}, 0, 1, id="goes on"),
        pytest.param(
            [text("hi")],
            {"input": [{"role": "user", "content": "go"}, {"type": "message", "role": "assistant", "content": "x"}]},
            0,
            0,
            id="a history without results",
        ),
    ],
)
async def test_the_ledger_is_used_only_where_it_matters(upstream, items, more, written, asked):
    ledger = Counted()
    await ask(upstream, ledger, items=items, **more)

    assert (ledger.written, ledger.asked) == (written, asked)


@pytest.mark.format("responses")
async def test_a_call_that_the_ledger_does_not_hold_is_withheld(upstream):
    response = await ask(upstream, Counted(fails=True), items=[function_call("lookup", {"a": 1})])

    [item] = plain(response.output)
    assert '"lookup" was blocked' in item["content"][0]["text"]


@pytest.fixture
def guardrail(tmp_path):
    yield BighubGuardrail(
        guardrail_name="bighub",
        decider_instance=ScriptedDecider(),
        audit_file=tmp_path / "audit.jsonl",
        on_unapproved_result="refuse",
    )
    litellm_bighub.uninstall()


FORMATS = [
    pytest.param("aresponses", {"input": [{"type": "function_call_output", "call_id": SECRET}]}, "input[0]"),
    pytest.param("acompletion", {"messages": [{"role": "tool", "tool_call_id": SECRET}]}, "messages[0]"),
    pytest.param(
        "anthropic_messages",
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": SECRET}]}]},
        "messages[0].content[0]",
    ),
]


@pytest.mark.parametrize(("call_type", "data", "path"), FORMATS)
async def test_a_refused_result_is_told_of_everywhere_without_secrets(
    guardrail, tmp_path, caplog, call_type, data, path
):
    data = {**data, "model": "gpt-4.1", "metadata": {}, "litellm_metadata": {}}
    key = UserAPIKeyAuth(key_alias="billing-agent", request_route="/v1/x")
    with pytest.raises(UnapprovedToolResult) as refused:
        await guardrail.async_pre_call_hook(key, None, data, call_type)

    [line] = map(json.loads, (tmp_path / "audit.jsonl").read_text().splitlines())
    told = [*data["metadata"].values(), *data["litellm_metadata"].values()]
    [[entry]] = [each for each in told if isinstance(each, list)]
    assert (refused.value.status_code, refused.value.detail["type"]) == (400, "unapproved_tool_result")
    assert (line["kind"], line["path"], line["actor"], line["refused"]) == (
        "unknown_call_result",
        path,
        "key:billing-agent",
        True,
    )
    assert entry["guardrail_response"] == [{name: value for name, value in line.items() if value is not None}]
    assert entry["guardrail_status"] == "guardrail_intervened"
    assert "unknown_call_result" in caplog.text
    assert SECRET not in caplog.text + json.dumps([line, told], default=str) + str(refused.value.detail)


@pytest.mark.parametrize(
    ("call_type", "field"),
    [
        *(("aembedding", "input"), ("list_mcp_tools", "input"), ("aresponses", "input")),
        *(("acompletion", "messages"), ("anthropic_messages", "messages")),
    ],
)
async def test_a_request_that_brings_nothing_back_is_left_alone(guardrail, call_type, field):
    said = {"input": "x", "messages": [{"role": "user", "content": "x"}]}[field]
    data = {"model": "m", field: said}
    assert await guardrail.async_pre_call_hook(UserAPIKeyAuth(), None, data, call_type) is data
    assert data == {"model": "m", field: said}
