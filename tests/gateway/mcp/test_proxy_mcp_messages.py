"""Through the real proxy, by the official client: what is masked or refused in MCP messages that no hook is handed."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import httpx2
import pytest
import yaml
from litellm.llms import load_guardrail_translation_mappings
from litellm.types.utils import CallTypes
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult

from litellm_bighub.testing import RunningProxy, ScriptedUpstream, running_proxy
from tests.gateway.oracle.mcp_socket import NOTHING, Client, Scripted, scripted_server

pytestmark = [pytest.mark.proxy, pytest.mark.filterwarnings("ignore::Warning")]

SECRET, MASK, WORD = "anna@example.com", "[EMAIL_REDACTED]", "forbidden-word"
MODES = ["pre_call", "post_call", "pre_mcp_call", "post_mcp_call"]
GATEWAYS = {"type": "mcp", "server_label": "all", "server_url": "litellm_proxy", "require_approval": "never"}
LISTS_ARE_CHECKED = CallTypes.list_mcp_tools in load_guardrail_translation_mappings()
BLOB = base64.b64encode(f"mail {SECRET}".encode()).decode()


@dataclass(frozen=True)
class Gateway:
    proxy: RunningProxy
    upstream: ScriptedUpstream
    server: Scripted

    @asynccontextmanager
    async def session(self, **options: Any) -> AsyncIterator[ClientSession]:
        headers = {"Authorization": f"Bearer {self.proxy.master_key}"}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
            streamable_http_client(f"{self.proxy.base_url}/mcp/", http_client=http) as streams,
            ClientSession(streams[0], streams[1], **options) as session,
        ):
            yield session

    def http(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key or self.proxy.master_key}"}
        return httpx.Client(base_url=self.proxy.base_url, headers=headers, trust_env=False, timeout=60)


@pytest.fixture(scope="module")
def _gateway(_upstream, tmp_path_factory, warm) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("mcp-messages")
    emails = {
        "guardrail": "litellm_content_filter",
        "default_on": False,
        "patterns": [{"pattern_type": "prebuilt", "pattern_name": "email", "action": "MASK"}],
        "blocked_words": [{"keyword": WORD, "action": "BLOCK"}],
    }
    texts = {"guardrail": "litellm_bighub.TextGuardrail", "default_on": True, "apply": ["emails"]}
    model = {"model": "openai/gpt-4.1", "api_base": _upstream.base_url, "api_key": "sk-x"}
    with scripted_server() as server:
        demo = {"url": server.url, "transport": "http", "allow_all_keys": True, "allow_elicitation": True}
        config = {
            "model_list": [{"model_name": "gpt", "litellm_params": model}],
            "mcp_servers": {"demo": demo},
            "guardrails": [
                {"guardrail_name": name, "litellm_params": {"mode": MODES, **params}}
                for name, params in (("emails", emails), ("texts", texts))
            ],
            "litellm_settings": {"telemetry": False},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        env = {"UPSTREAM_BASE_URL": _upstream.base_url}
        with running_proxy(folder / "config.yaml", env=env, python=warm) as proxy:
            yield Gateway(proxy, _upstream, server)


@pytest.fixture
def gateway(_gateway, upstream) -> Gateway:
    _gateway.server.reset()
    return _gateway


async def test_what_is_masked_is_delivered(gateway):
    said = {"type": "text", "text": f"mail {SECRET}"}
    gateway.server.results |= {
        "initialize": {**NOTHING["initialize"], "instructions": f"mail {SECRET}"},
        "prompts/list": {"prompts": [{"name": "ask", "description": f"mail {SECRET}"}]},
        "prompts/get": {"description": SECRET, "messages": [{"role": "user", "content": said}]},
        "resources/list": {"resources": [{"name": f"mail {SECRET}", "uri": "file:///a"}]},
        "resources/read": {
            "contents": [
                {"uri": "file:///a", "text": f"mail {SECRET}"},
                {"uri": "file:///a", "mimeType": "text/plain", "blob": BLOB},
            ]
        },
        "tools/call": {"content": [{**said, "_meta": {"note": [SECRET]}}], "_meta": {"note": {"deep": SECRET}}},
    }
    async with gateway.session() as session:
        begun = await session.initialize()
        prompts = await session.list_prompts()
        prompt = await session.get_prompt("demo-ask", {"who": f"to {SECRET}"})
        resources = await session.list_resources()
        read = await session.read_resource("file:///a")
        called = await session.call_tool("demo-look", {"who": f"to {SECRET}"})

    assert begun.instructions == f"mail {MASK}"
    assert prompts.prompts[0].description == f"mail {MASK}"
    assert prompt.messages[0].content.text == f"mail {MASK}"
    assert prompt.description == MASK
    assert resources.resources[0].name.endswith(f"mail {MASK}")
    assert read.contents[0].text == f"mail {MASK}"
    assert base64.b64decode(read.contents[1].blob).decode() == f"mail {MASK}"
    assert called.content[0].text == f"mail {MASK}"
    assert called.content[0].meta == {"note": [MASK]}
    assert called.meta["note"] == {"deep": MASK}
    assert SECRET not in "".join(gateway.server.got)
    assert sum(f"to {MASK}" in got for got in gateway.server.got) == 2


@pytest.mark.parametrize("said", [WORD, f"{WORD[:4]}\u200b{WORD[4:]}"], ids=["as it is", "with invisible characters"])
async def test_what_is_refused_is_an_error_and_the_session_goes_on(gateway, said):
    gateway.server.results["prompts/get"] = {"messages": [{"role": "user", "content": {"type": "text", "text": said}}]}
    gateway.server.errors["resources/read"] = {"code": -32000, "message": "no", "data": {"deep": [f"12{said}34"]}}
    async with gateway.session() as session:
        await session.initialize()
        with pytest.raises(MCPError) as refused:
            await session.get_prompt("demo-ask")
        with pytest.raises(MCPError) as failed:
            await session.read_resource("file:///a")
        asked = len(gateway.server.got)
        with pytest.raises(MCPError):
            await session.get_prompt("demo-ask", {"who": said})
        assert len(gateway.server.got) == asked
        gateway.server.reset()
        prompt = await session.get_prompt("demo-ask")
    assert prompt.messages[0].content.text == "hi"
    assert refused.value.error.code == failed.value.error.code == -32600
    assert failed.value.error.data is None


@pytest.mark.parametrize("where", ["name", "key", "number"])
async def test_what_means_something_only_as_it_stands_is_not_rewritten(gateway, where):
    if where == "name":
        gateway.server.results["resources/read"] = {"contents": [{"text": "a", "uri": f"file:///{SECRET}"}]}
    async with gateway.session() as session:
        await session.initialize()
        asked = len(gateway.server.got)
        if where == "name":
            with pytest.raises(MCPError):
                await session.read_resource("file:///a")
        elif where == "key":
            called = await session.call_tool("demo-look", {SECRET: "x"})
            assert called.is_error
            assert SECRET not in "".join(gateway.server.got[asked:])
        else:
            called = await session.call_tool("demo-look", {"n": 7, "b": True})
            assert called.content[0].text == "hi"


async def test_a_picture_reaches_the_client_as_it_is(gateway):
    picture = {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"}
    gateway.server.results["tools/call"] = {"content": [picture]}
    async with gateway.session() as session:
        await session.initialize()
        called = await session.call_tool("demo-look", {})
    assert called.content[0].data == picture["data"]


async def test_a_question_is_masked_and_so_is_its_answer(gateway):
    asked = {"message": f"mail {SECRET}?", "requestedSchema": {"type": "object", "properties": {}}}
    question = {"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": asked}
    gateway.server.notifications["tools/call"] = [question]
    heard = []

    async def answer(context: object, params: Any) -> ElicitResult:
        heard.append(params.message)
        return ElicitResult(action="accept", content={"who": SECRET})

    async with gateway.session(elicitation_callback=answer) as session:
        await session.initialize()
        called = await session.call_tool("demo-look", {})
    assert called.content[0].text == "hi"
    assert heard == [f"mail {MASK}?"]
    assert SECRET not in "".join(gateway.server.got)
    assert MASK in "".join(gateway.server.got)


@pytest.mark.skipif(not LISTS_ARE_CHECKED, reason="this LiteLLM runs no hook for tools that it tells a model of")
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
def test_a_model_is_told_of_tools_what_is_left(gateway, upstream, path):
    described = {"name": "look", "description": f"mail {SECRET}"}
    schema = {"type": "object", "properties": {"to": {"type": "string", "default": f"to {SECRET}"}}}
    gateway.server.results["tools/list"] = {"tools": [{**described, "inputSchema": schema}]}
    body = {"input": "go"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "go"}]}
    with gateway.http() as http:
        answer = http.post(path, json={"model": "gpt", "tools": [GATEWAYS], **body})
    assert answer.status_code == 200, answer.text
    assert SECRET not in upstream.requests[0].raw
    assert f"mail {MASK}" in upstream.requests[0].raw


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"a"', b"\xff", b'{"a": ' * 2000], ids=str)
def test_what_cannot_be_read_does_not_pass(gateway, body):
    with gateway.http() as http:
        headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        answer = http.post("/mcp/", content=body, headers=headers)
    assert answer.status_code == 400
    assert gateway.server.got == []


def test_a_stranger_reaches_no_server(gateway):
    with gateway.http("sk-stranger") as http:
        headers = {"Accept": "application/json, text/event-stream"}
        message = {"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "demo-ask", "a": WORD}}
        answer = http.post("/mcp/", json=message, headers=headers)
    assert "result" not in answer.json()
    assert gateway.server.got == []


def test_several_messages_are_each_checked(gateway):
    with gateway.http() as http:
        client = Client(http)
        begun = len(gateway.server.got)
        asked = {"name": "demo-ask", "arguments": {"a": WORD}}
        messages = [{"jsonrpc": "2.0", "id": n, "method": "prompts/get", "params": asked} for n in (1, 2)]
        answer = http.post("/mcp/", json=messages, headers={"Accept": "application/json, text/event-stream"})
    assert WORD not in "".join(gateway.server.got[begun:])
    assert "error" in answer.text
    assert client.got
