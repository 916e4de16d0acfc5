"""A person edits an MCP call: the caller is told with the result, and nothing of the result is lost by it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import yaml
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.types import CallToolResult, ImageContent, TextContent
from pydantic import BaseModel, ConfigDict

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.testing import RunningProxy, ScriptedUpstream, function_call, running_proxy, text
from tests.gateway.conftest import EXTENSIONS, MODEL
from tests.gateway.mcp_server import Demo, demo_server

pytestmark = [pytest.mark.proxy, pytest.mark.filterwarnings("ignore::Warning")]

POLICY = """
version: 1
rules:
  - {name: payments, tool: "demo.*", type: mcp, effect: require_approval}
"""
GATEWAYS = {"type": "mcp", "server_label": "all", "server_url": "litellm_proxy", "require_approval": "never"}
AMOUNTS = count(100)
PAID = 7
PIXEL = ImageContent(type="image", data="aGk=", mime_type="image/png")


class Receipt(BaseModel):
    """What a server says in a schema that takes nothing more."""

    model_config = ConfigDict(extra="forbid")

    paid: int


def add_tools(server: MCPServer, demo: Demo) -> None:
    """One tool for each shape of a result."""

    def note(amount: int) -> None:
        demo.calls.append(("pay", {"amount": amount}))

    @server.tool()
    def structured(amount: int) -> Receipt:
        note(amount)
        return Receipt(paid=amount)

    @server.tool(structured_output=False)
    def plain(amount: int) -> str:
        note(amount)
        return f"paid {amount}"

    @server.tool(structured_output=False)
    def marked(amount: int) -> CallToolResult:
        note(amount)
        said = TextContent(type="text", text=f"paid {amount}")
        return CallToolResult(content=[said], _meta={"example.org/receipt": amount})

    @server.tool(structured_output=False)
    def picture(amount: int) -> CallToolResult:
        note(amount)
        return CallToolResult(content=[PIXEL])

    @server.tool(structured_output=False)
    def failing(amount: int) -> CallToolResult:
        note(amount)
        said = TextContent(type="text", text="the bank says no")
        return CallToolResult(content=[said], structured_content={"code": amount}, is_error=True)


@dataclass(frozen=True)
class Gateway:
    """The proxy with an MCP server, and the person who edits."""

    proxy: RunningProxy
    upstream: ScriptedUpstream
    demo: Demo
    plane: ControlPlane

    async def edit(self, amount: int, *, told: str = "", edited: bool = True) -> None:
        """Approve the call with this amount, with another one or as it is."""
        listed = await self.plane.read(lambda connection: approvals.listed(connection, now=self.plane.clock()))
        [approval] = [each for each in listed if each.arguments == {"amount": amount}]
        said = Resolution(approval.id, "approve", by="ann", edited={"amount": PAID} if edited else None, told=told)
        resolved = await self.plane.resolve(said)
        assert isinstance(resolved, approvals.Approval)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[ClientSession]:
        headers = {"Authorization": f"Bearer {self.proxy.master_key}"}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
            streamable_http_client(f"{self.proxy.base_url}/mcp/", http_client=http) as streams,
            ClientSession(streams[0], streams[1]) as session,
        ):
            await session.initialize()
            yield session


@pytest.fixture(scope="module")
def _gateway(tmp_path_factory, warm) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("edited")
    shutil.copytree(EXTENSIONS, folder, dirs_exist_ok=True)
    (folder / "bighub_policy.yaml").write_text(POLICY)
    with ScriptedUpstream() as upstream, demo_server(add_tools) as demo:
        ours = {"guardrail": "litellm_bighub.BighubGuardrail", "default_on": True}
        modes = ["pre_call", "post_call", "pre_mcp_call"]
        config = {
            "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
            "mcp_servers": {"demo": {"url": demo.url, "transport": "http", "allow_all_keys": True}},
            "guardrails": [{"guardrail_name": "bighub", "litellm_params": {**ours, "mode": modes}}],
            "litellm_settings": {"telemetry": False},
        }
        (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config))
        env = {"UPSTREAM_BASE_URL": upstream.base_url, "SEEN_FOLDER": str(folder)}
        with running_proxy(folder / "proxy_config.yaml", env=env, python=warm) as proxy:
            plane = ControlPlane.open(sqlite_url(folder / "bighub.db"), folder / "bighub_policy.yaml")
            yield Gateway(proxy, upstream, demo, plane)
            plane.close()


@pytest.fixture
def gateway(_gateway: Gateway) -> Gateway:
    _gateway.upstream.reset()
    _gateway.demo.calls.clear()
    return _gateway


def is_told(said: str) -> bool:
    return "A person changed the arguments" in said and f'{{"amount":{PAID}}}' in said


@pytest.mark.parametrize(
    ("tool", "left"),
    [
        pytest.param("structured", {"structured_content": {"paid": PAID}}, id="structured content"),
        pytest.param("plain", {"structured_content": None}, id="text"),
        pytest.param("marked", {"meta": {"example.org/receipt": PAID}}, id="with _meta"),
        pytest.param("picture", {}, id="a picture"),
        pytest.param("failing", {"structured_content": {"code": PAID}, "is_error": True}, id="an error"),
    ],
)
async def test_the_caller_is_told_and_the_result_stays_whole(gateway, tool, left):
    amount = next(AMOUNTS)
    async with gateway.session() as session:
        waiting = await session.call_tool(f"demo-{tool}", {"amount": amount})
        await gateway.edit(amount)
        result = await session.call_tool(f"demo-{tool}", {"amount": amount})

    assert waiting.is_error
    assert gateway.demo.calls == [("pay", {"amount": PAID})]
    assert {"is_error": False, **left}.items() <= result.model_dump().items()
    *server, told = result.content
    assert is_told(told.text)
    assert len(server) == 1
    assert "A person" not in str(server)


@pytest.mark.parametrize("edited", [True, False])
async def test_the_caller_hears_what_the_person_says(gateway, edited):
    amount = next(AMOUNTS)
    async with gateway.session() as session:
        await session.call_tool("demo-plain", {"amount": amount})
        await gateway.edit(amount, told="on weekdays only", edited=edited)
        result = await session.call_tool("demo-plain", {"amount": amount})

    assert gateway.demo.calls == [("pay", {"amount": PAID if edited else amount})]
    *_, told = result.content
    assert told.text.endswith("The person says: on weekdays only")
    assert is_told(told.text) == edited


@pytest.mark.parametrize("tool", ["structured", "plain"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
async def test_the_model_is_told_of_a_call_that_the_gateway_makes_for_it(gateway, path, stream, tool):
    amount = next(AMOUNTS)
    call = function_call(f"demo-{tool}", {"amount": amount})
    gateway.upstream.script(lambda _: True, [call], [text("It waits.")], [call], [text("Paid.")])

    def ask() -> Any:
        asked = {"input": "go"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "go"}]}
        headers = {"Authorization": f"Bearer {gateway.proxy.master_key}"}
        body = {"model": "gpt-4.1", "tools": [GATEWAYS], "stream": stream, **asked}
        return httpx.post(gateway.proxy.base_url + path, json=body, headers=headers, timeout=60, trust_env=False)

    ask()
    await gateway.edit(amount)
    answer = ask()

    assert "Paid." in answer.text
    assert gateway.demo.calls == [("pay", {"amount": PAID})]
    assert is_told(gateway.upstream.requests[-1].raw.replace('\\"', '"'))
