"""MCP calls leave labels and earlier calls behind, for other MCP calls and for the model's, of the same key."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
import httpx2
import pytest
import yaml
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client

from litellm_bighub.testing import ScriptedUpstream, function_call, running_proxy, text
from tests.gateway.conftest import MODEL
from tests.gateway.mcp_server import demo_server

pytestmark = [pytest.mark.proxy, pytest.mark.filterwarnings("ignore::Warning")]

POLICY = """\
version: 1
tools: {demo.fetch: {output: untrusted}}
rules:
  - {name: verify, tool: demo.verify}
  - name: refund
    tool: demo.refund
    after: {tool: demo.verify, same: customer, of: caller, within_seconds: 600}
  - {name: no such page, tool: demo.fetch, when: "url == 'forbidden'", effect: block}
  - {name: after the web, tool: [send, demo.publish], taint: untrusted, effect: block}
  - {name: the web, tool: [demo.fetch, send, demo.publish]}
"""
AUTHENTICATION = """\
from litellm.proxy._types import UserAPIKeyAuth


async def authenticate(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, user_id=api_key)
"""
GATEWAYS = {"type": "mcp", "server_label": "all", "server_url": "litellm_proxy", "require_approval": "never"}
SEND = {"type": "function", "name": "send", "parameters": {"type": "object", "properties": {}}}
SENDING = function_call("send", {}, call_id="call_of_send")
ASKED = {"/v1/responses": {"input": "go"}, "/v1/chat/completions": {"messages": [{"role": "user", "content": "go"}]}}


def add_tools(server, demo):
    for name in ("verify", "refund", "publish", "fetch"):
        server.tool(name=name)(_of(name, demo))


def _of(name, demo):
    def tool(customer: str = "", url: str = "") -> str:
        demo.calls.append((name, customer or url))
        return f"{name} done"

    return tool


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("histories")
    (folder / "keys_of_people.py").write_text(AUTHENTICATION)
    (folder / "bighub_policy.yaml").write_text(POLICY)
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "default_on": True}
    modes = ["pre_call", "post_call", "pre_mcp_call"]
    with ScriptedUpstream() as upstream, demo_server(add_tools) as demo:
        config = {
            "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
            "mcp_servers": {"demo": {"url": demo.url, "transport": "http", "allow_all_keys": True}},
            "guardrails": [{"guardrail_name": "bighub", "litellm_params": {**ours, "mode": modes}}],
            "litellm_settings": {"telemetry": False},
            "general_settings": {"custom_auth": "keys_of_people.authenticate"},
        }
        (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config))
        env = {"UPSTREAM_BASE_URL": upstream.base_url}
        with running_proxy(folder / "proxy_config.yaml", env=env, python=warm) as proxy:
            yield proxy, upstream, demo


@asynccontextmanager
async def session(gateway, key):
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60) as http,
        streamable_http_client(f"{gateway[0].base_url}/mcp/", http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as opened,
    ):
        await opened.initialize()
        yield opened


async def ran(opened, tool, **arguments):
    return not (await opened.call_tool(f"demo-{tool}", arguments)).is_error


def ask(gateway, path, key, *answers, **body):
    """Whether the client gets the call, and the answer."""
    proxy, upstream, _ = gateway
    upstream.reset()
    upstream.script(lambda _: True, *answers)
    headers = {"Authorization": f"Bearer {key}"}
    body = {"model": "gpt-4.1", **ASKED[path], **body}
    answer = httpx.post(proxy.base_url + path, json=body, headers=headers, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    return "call_of_send" in answer.text, answer.text


async def test_a_rule_asks_for_earlier_mcp_calls_of_the_same_key(gateway):
    async with session(gateway, "sk-ann") as ann, session(gateway, "sk-bob") as bob:
        assert not await ran(ann, "refund", customer="c-1")
        assert await ran(ann, "verify", customer="c-1")
        assert await ran(ann, "refund", customer="c-1")
        assert not await ran(ann, "refund", customer="c-2")
        assert not await ran(bob, "refund", customer="c-1")


async def test_a_page_that_an_mcp_call_read_labels_what_follows_of_its_key(gateway):
    """MCP calls and the model's; a call that was withheld has read nothing."""
    async with session(gateway, "sk-web") as web:
        assert not await ran(web, "fetch", url="forbidden")
        assert await ran(web, "publish")
        assert ask(gateway, "/v1/responses", "sk-web", [SENDING])[0]
        assert await ran(web, "fetch", url="https://example.com")
        assert not await ran(web, "publish")
        for path in ASKED:
            assert not ask(gateway, path, "sk-web", [SENDING])[0]
    async with session(gateway, "sk-other") as other:
        assert await ran(other, "publish")
    assert ask(gateway, "/v1/responses", "sk-other", [SENDING])[0]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", ASKED)
def test_a_page_that_the_gateway_read_for_the_model_labels_its_next_calls(gateway, path, stream):
    key = f"sk-model-{path.split('/')[2]}-{stream}"
    fetched = function_call("demo-fetch", {"url": "https://example.com"})
    send = {"type": "function", "function": {"name": "send"}} if path == "/v1/chat/completions" else SEND
    gateway[2].calls.clear()
    answers = [fetched], [text("Sending."), SENDING], [text("Done.")]
    told, answer = ask(gateway, path, key, *answers, tools=[GATEWAYS, send], stream=stream)
    assert gateway[2].calls == [("fetch", "https://example.com")]
    assert "Sending." in answer
    assert not told
    assert not ask(gateway, path, key, [SENDING])[0]
