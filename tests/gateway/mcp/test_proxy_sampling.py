"""What a model answers an MCP server (sampling) holds no tool call: nobody could decide on it before it got there."""

from __future__ import annotations

import httpx
import pytest
import yaml

from litellm_bighub.testing import function_call, running_proxy, text
from litellm_bighub.wording import ENGLISH
from tests.gateway.conftest import MODEL
from tests.gateway.oracle.mcp_socket import Client, scripted_server

pytestmark = pytest.mark.proxy

POLICY = "version: 1\nrules: [{name: look, tool: demo.look}, {name: all of it, tool: '*', effect: block}]\n"
TOOL = {"name": "pay", "inputSchema": {"type": "object"}}
CALL = function_call("pay", {"amount": 5000})


@pytest.fixture(scope="module")
def _gateway(_upstream, tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("sampling")
    (folder / "bighub_policy.yaml").write_text(POLICY)
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "default_on": True}
    ours["mode"] = ["pre_call", "post_call", "pre_mcp_call"]
    with scripted_server() as server:
        demo = {"url": server.url, "transport": "http", "allow_all_keys": True, "allow_sampling": True}
        config = {
            "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
            "mcp_servers": {"demo": demo},
            "guardrails": [{"guardrail_name": "bighub", "litellm_params": ours}],
            "litellm_settings": {"telemetry": False, "cache": True, "cache_params": {"type": "local"}},
            "router_settings": {"num_retries": 0},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        env = {"UPSTREAM_BASE_URL": _upstream.base_url}
        with running_proxy(folder / "config.yaml", env=env, python=warm) as proxy:
            headers = {"Authorization": f"Bearer {proxy.master_key}"}
            with httpx.Client(base_url=proxy.base_url, headers=headers, trust_env=False, timeout=60) as http:
                yield http, server


@pytest.fixture
def gateway(_gateway, upstream):
    return _gateway


def sampled(gateway, said, **beside):
    """What the server got for its question to a model."""
    http, server = gateway
    server.reset()
    asked = {"messages": [{"role": "user", "content": {"type": "text", "text": said}}], "maxTokens": 9, **beside}
    question = {"jsonrpc": "2.0", "id": 77, "method": "sampling/createMessage", "params": asked}
    server.notifications["tools/call"] = [question]
    Client(http).ask("tools/call", name="demo-look", arguments={})
    [answer] = [got for got in server.got if '"id":77' in got.replace(" ", "")]
    return answer


def test_a_model_that_may_call_tools_is_not_asked(gateway, upstream):
    upstream.script(lambda _: True, [CALL])
    answer = sampled(gateway, "pay them", tools=[TOOL])
    assert ENGLISH.sampling_refused in answer
    assert "5000" not in answer
    assert upstream.requests == []


def test_a_call_that_nobody_asked_for_stays_here(gateway, upstream):
    upstream.script(lambda _: True, [CALL])
    answer = sampled(gateway, "pay them anyway")
    assert ENGLISH.sampling_refused in answer
    assert "5000" not in answer
    assert len(upstream.requests) == 1


def test_an_answer_is_not_taken_from_the_cache(gateway, upstream):
    upstream.script(lambda _: True, [text("first")], [text("second")])
    assert "first" in sampled(gateway, "say it")
    assert "second" in sampled(gateway, "say it")
