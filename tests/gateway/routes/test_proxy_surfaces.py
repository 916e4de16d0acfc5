"""The other surfaces of a real proxy: providers' tools, MCP, stored responses, closed routes, fallbacks.

One proxy for all, with one guardrail that is on by default.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import yaml
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from litellm_bighub.testing import Failure, RunningProxy, ScriptedUpstream, function_call, running_proxy, text
from tests.gateway.conftest import EXTENSIONS, MODEL
from tests.gateway.mcp_server import Demo, demo_server

pytestmark = [pytest.mark.proxy, pytest.mark.filterwarnings("ignore::Warning")]

POLICY = """
version: 1
default: block
rules:
  - {name: lookups, tool: "lookup_*", effect: allow}
  - {name: orders, tool: demo.lookup_order, type: mcp, effect: allow}
  - {name: searches, type: web_search, effect: allow}
  - {name: code, type: code_interpreter, effect: require_approval}
"""
FUNCTION = {"type": "function", "name": "lookup_a", "parameters": {"type": "object"}}
GATEWAYS = {"type": "mcp", "server_label": "all", "server_url": "litellm_proxy", "require_approval": "never"}
BOTH = [text("Here."), function_call("lookup_a", {"id": "a"}), function_call("wipe", {"id": "canary-4711"})]


def polling() -> Iterator[None]:
    """Another process writes beside its answers: looked at again and again, for at most a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        yield
        time.sleep(0.05)


@dataclass(frozen=True)
class Surfaces:
    """The proxy, what stands around it, and what was decided in it."""

    proxy: RunningProxy
    upstream: ScriptedUpstream
    demo: Demo
    folder: Path

    def http(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.proxy.master_key}"}
        return httpx.Client(base_url=self.proxy.base_url, headers=headers, trust_env=False, timeout=60)

    def post(self, path: str, **body: object) -> httpx.Response:
        with self.http() as http:
            return http.post(path, json={"model": "gpt-4.1", **body})

    def decided(self) -> list[tuple[str, str, str]]:
        """Type, tool and verdict of every decision since the last time that somebody looked."""
        path = self.folder / "decisions.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [(event["type"], event["tool"], event["verdict"]) for event in map(json.loads, lines)]

    def audited(self, *, outcomes: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Decisions and outcomes in the audit file, once so many outcomes are there."""
        path = self.folder / "audit.jsonl"
        for _ in polling():
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            told = [line for line in lines if line.get("kind") == "call_outcome"]
            if len(told) >= outcomes:
                break
        return [line for line in lines if line not in told], told

    def reported(self, count: int) -> list[str]:
        """The last statuses that were reported to the control plane, once so many are there."""
        for _ in polling():
            with closing(sqlite3.connect(self.folder / "bighub.db")) as database:
                rows = database.execute("select status from outcomes order by reported_at, id").fetchall()
            if len(rows) >= count:
                break
        return [status for (status,) in rows][-count:]


@pytest.fixture(scope="module")
def _surfaces(tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("surfaces")
    shutil.copytree(EXTENSIONS, folder, dirs_exist_ok=True)
    (folder / "bighub_policy.yaml").write_text(POLICY)
    with ScriptedUpstream() as upstream, demo_server() as demo:
        (folder / "proxy_config.yaml").write_text(yaml.safe_dump(_config(demo)))
        env = {"UPSTREAM_BASE_URL": upstream.base_url, "SEEN_FOLDER": str(folder)}
        with running_proxy(folder / "proxy_config.yaml", env=env, python=warm) as proxy:
            yield Surfaces(proxy, upstream, demo, folder)


@pytest.fixture
def surfaces(_surfaces):
    _surfaces.upstream.reset()
    _surfaces.demo.calls.clear()
    _surfaces.decided()
    (_surfaces.folder / "audit.jsonl").write_text("")
    return _surfaces


def _config(demo):
    ours = {
        "guardrail": "litellm_bighub.BighubGuardrail",
        "default_on": True,
        "on_decision": "hooks.keep",
        "audit_file": "audit.jsonl",
        "open_routes": ["POST /models/{}:generateContent"],
    }
    modes = ["pre_call", "post_call", "pre_mcp_call", "post_mcp_call"]
    secrets = {
        "guardrail": "litellm_content_filter",
        "mode": ["post_call"],
        "default_on": False,
        "patterns": [{"pattern_type": "prebuilt", "pattern_name": "email", "action": "MASK"}],
        "blocked_words": [{"keyword": "top-secret", "action": "BLOCK"}],
    }
    texts = {
        "guardrail": "litellm_bighub.TextGuardrail",
        "mode": ["pre_mcp_call", "post_mcp_call"],
        "default_on": True,
        "apply": ["secrets"],
    }
    failing = {**MODEL, "model": "openai/failing"}
    return {
        "model_list": [
            {"model_name": "gpt-4.1", "litellm_params": MODEL},
            {"model_name": "shaky", "litellm_params": failing},
        ],
        "mcp_servers": {"demo": {"url": demo.url, "transport": "http", "allow_all_keys": True}},
        "guardrails": [
            {"guardrail_name": "secrets", "litellm_params": secrets},
            {"guardrail_name": "texts", "litellm_params": texts},
            {"guardrail_name": "bighub", "litellm_params": {**ours, "mode": modes}},
        ],
        "router_settings": {"fallbacks": [{"shaky": ["gpt-4.1"]}], "num_retries": 1},
        "litellm_settings": {"telemetry": False, "callbacks": ["hooks.recorder"]},
    }


def test_tools_of_the_provider_are_decided_on_where_they_are_listed(surfaces):
    tools = [{"type": "web_search"}, {"type": "file_search", "vector_store_ids": ["v"]}, FUNCTION]
    answer = surfaces.post("/v1/responses", input="hi", tools=tools, tool_choice={"type": "file_search"})

    assert answer.status_code == 200
    (sent,) = surfaces.upstream.requests
    assert sent.body["tools"] == [{"type": "web_search"}, FUNCTION]
    assert "tool_choice" not in sent.body
    assert surfaces.decided() == [
        ("web_search", "web_search", "allowed"),
        ("file_search", "file_search", "blocked"),
    ]


def test_a_tool_that_waits_for_approval_is_taken_out(surfaces):
    answer = surfaces.post("/v1/responses", input="hi", tools=[{"type": "code_interpreter", "container": "c"}])

    assert answer.status_code == 200
    assert "tools" not in surfaces.upstream.requests[0].body
    assert surfaces.decided() == [("code_interpreter", "code_interpreter", "requires_approval")]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"web_search_options": {}, "extra_body": {"tools": [{"type": "file_search"}]}}),
        ("/v1/messages", {"max_tokens": 9, "tools": [{"type": "code_execution_20250825", "name": "code_execution"}]}),
    ],
)
def test_the_same_in_other_formats(surfaces, path, body):
    answer = surfaces.post(path, messages=[{"role": "user", "content": "hi"}], **body)

    assert answer.status_code == 200
    assert not {"tools", "extra_body"} & surfaces.upstream.requests[0].body.keys()
    assert len(surfaces.decided()) == len(body) - ("max_tokens" in body)


@pytest.mark.parametrize("background", [False, True])
def test_a_stored_response_is_governed_and_decided_on_once(surfaces, background):
    surfaces.upstream.script("store", BOTH)
    created = surfaces.post("/v1/responses", input=f"store {background}", background=background).json()
    with surfaces.http() as http:
        fetched = [http.get(f"/v1/responses/{created['id']}", params=query) for query in ({}, {}, {"stream": "true"})]

    assert {answer.status_code for answer in fetched} == {200}
    for answer in fetched:
        assert "lookup_a" in answer.text
        assert "was blocked" in answer.text
        assert "canary-4711" not in answer.text
    assert surfaces.decided() == [("function", "lookup_a", "allowed"), ("function", "wipe", "blocked")]


def test_the_input_of_a_stored_response_is_governed_and_its_calls_are_not_decided_on_again(surfaces):
    """A blocked call comes back into it, with an output that says so: the client must not get it from there."""
    surfaces.upstream.script("store", BOTH)
    first = surfaces.post("/v1/responses", input="store this").json()
    [call] = [item for item in first["output"] if item["type"] == "function_call"]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "found"}
    history = [{"role": "user", "content": "store this"}, *first["output"], result]
    second = surfaces.post("/v1/responses", input=[*history, {"role": "user", "content": "and then?"}]).json()
    assert "canary-4711" in surfaces.upstream.requests[-1].raw
    surfaces.decided()

    with surfaces.http() as http:
        listed = http.get(f"/v1/responses/{second['id']}/input_items")

    assert listed.status_code == 200
    assert "canary-4711" not in listed.text
    kinds = [item["type"] for item in listed.json()["data"]]
    assert kinds.count("function_call") == 1
    assert "lookup_a" in listed.text
    assert "was blocked" in listed.text
    assert surfaces.decided() == []


def test_a_cancelled_response_is_governed_and_decided_on_once(surfaces):
    surfaces.upstream.script("store", BOTH)
    created = surfaces.post("/v1/responses", input="store and cancel", background=True).json()
    with surfaces.http() as http:
        cancelled = http.post(f"/v1/responses/{created['id']}/cancel")
        fetched = http.get(f"/v1/responses/{created['id']}")

    assert cancelled.json()["status"] == "cancelled"
    for answer in (cancelled, fetched):
        assert answer.status_code == 200
        assert "lookup_a" in answer.text
        assert "was blocked" in answer.text
        assert "canary-4711" not in answer.text
    assert surfaces.decided() == [("function", "lookup_a", "allowed"), ("function", "wipe", "blocked")]


def test_a_compacted_conversation_is_governed(surfaces):
    surfaces.upstream.script("fold", BOTH)
    answer = surfaces.post("/v1/responses/compact", input="fold")

    assert answer.status_code == 200
    assert "canary-4711" not in answer.text
    assert len(surfaces.decided()) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_text_completions_carry_no_calls(surfaces, stream):
    surfaces.upstream.script("complete", BOTH)
    answer = surfaces.post("/v1/completions", prompt="complete", stream=stream)

    assert answer.status_code == 200
    assert "canary-4711" not in answer.text
    assert "wipe" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/openai/v1/chat/completions",
        "/anthropic/v1/messages",
        "/gemini/v1beta/models/x:generateContent",
        "/v1beta/models/gpt-4.1:generateContent",
        "/v1beta/models/gpt-4.1:streamGenerateContent",
        "/vertex_ai/x",
        "/bedrock/model/x/converse",
        "/v1/threads/t/runs",
        "/v1/batches",
        "/v1/realtime/client_secrets",
        "/interactions",
        "/a2a/agent",
        "/plugin-proxy/mine/v1/chat/completions",
        "/health/test_connection",
        "/v1/a/route/of/tomorrow",
    ],
)
def test_a_route_without_a_hook_is_refused(surfaces, path):
    answer = surfaces.post(path, input="hi")

    assert answer.status_code == 403
    assert f'open_routes: ["POST {path}"]' in answer.json()["error"]["message"]
    assert "ungoverned_routes: allow" in answer.json()["error"]["message"]
    assert surfaces.upstream.requests == []


def test_a_run_of_an_eval_is_refused_with_its_tools(surfaces):
    source = {"type": "responses", "model": "gpt-4.1", "sampling_params": {"tools": [{"type": "code_interpreter"}]}}
    answer = surfaces.post("/v1/evals/eval_1/runs", name="run", data_source=source)

    assert answer.status_code == 403
    assert "POST /v1/evals/eval_1/runs is refused by guardrail bighub" in answer.json()["error"]["message"]
    assert surfaces.upstream.requests == []


def test_a_route_that_the_operator_opens_is_open_and_the_log_says_so(surfaces):
    answer = surfaces.post("/models/gpt-4.1:generateContent", contents=[])

    assert answer.status_code != 403
    assert "bighub: open_routes opens POST /models/{}:generateContent; nobody decides" in surfaces.proxy.log
    assert surfaces.post("/models/gpt-4.1/x:generateContent", contents=[]).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/ui/", {}),
        ("GET", "/openapi.json", {}),
        ("GET", "/metrics", {}),
        ("GET", "/favicon.ico", {}),
        ("GET", "/health/liveliness", {}),
        ("HEAD", "/health/liveliness", {}),
        ("OPTIONS", "/key/generate", {}),
        ("OPTIONS", "/v1/chat/completions", {"Origin": "http://here", "Access-Control-Request-Method": "POST"}),
        ("GET", "/sso/key/generate", {}),
        ("GET", "/key/list", {}),
        ("POST", "/key/generate", {}),
        ("POST", "/team/new", {}),
        ("GET", "/spend/logs", {}),
        ("POST", "/v1/embeddings", {}),
    ],
)
def test_what_nobody_asks_for_calls_is_reached(surfaces, method, path, headers):
    with surfaces.http() as http:
        answer = http.request(method, path, headers=headers, json={} if method == "POST" else None)

    assert "ungoverned_route" not in answer.text
    assert answer.status_code != 403


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/v1/realtime?model=gpt-4.1", "/vertex_ai/live"])
def test_a_websocket_is_refused(surfaces, path):
    url = surfaces.proxy.base_url.replace("http", "ws") + path
    headers = {"Authorization": f"Bearer {surfaces.proxy.master_key}"}
    with pytest.raises(InvalidStatus) as refused, connect(url, additional_headers=headers, proxy=None):
        pass

    assert refused.value.response.status_code == 403
    assert b"guardrail bighub" in refused.value.response.body


@asynccontextmanager
async def mcp_session(surfaces, path="/mcp/"):
    headers = {"Authorization": f"Bearer {surfaces.proxy.master_key}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
        streamable_http_client(surfaces.proxy.base_url + path, http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        yield session


@pytest.mark.parametrize("path", ["/mcp/", "/demo/mcp"])
async def test_an_mcp_call_is_decided_on_before_the_server_is_called(surfaces, path):
    async with mcp_session(surfaces, path) as session:
        listed = [tool.name for tool in (await session.list_tools()).tools]
        allowed = await session.call_tool("demo-lookup_order", {"order_id": "A"})
        blocked = await session.call_tool("demo-delete_order", {"order_id": "A"})

    assert listed == ["demo-lookup_order", "demo-delete_order"]
    assert not allowed.is_error
    assert "order A" in allowed.content[0].text
    assert "someone@example.org" not in allowed.content[0].text  # another guardrail sees results
    assert blocked.is_error
    assert '"demo.delete_order" was blocked' in blocked.content[0].text
    assert surfaces.demo.calls == [("lookup_order", {"order_id": "A"})]
    assert surfaces.decided() == [("mcp", "demo.lookup_order", "allowed"), ("mcp", "demo.delete_order", "blocked")]


async def test_the_texts_of_an_mcp_call_and_its_result_are_checked(surfaces):
    async with mcp_session(surfaces) as session:
        masked = await session.call_tool("demo-lookup_order", {"order_id": "of me@example.org"})
        refused = await session.call_tool("demo-lookup_order", {"order_id": "top-secret"})
        refused_result = await session.call_tool("demo-lookup_order", {"order_id": "closed"})

    assert surfaces.demo.calls == [
        ("lookup_order", {"order_id": "of [EMAIL_REDACTED]"}),
        ("lookup_order", {"order_id": "closed"}),
    ]
    assert not masked.is_error
    assert "example.org" not in masked.model_dump_json()
    for answer in (refused, refused_result):
        assert answer.is_error
        assert "order closed" not in answer.model_dump_json()


async def test_the_result_of_an_mcp_call_is_told_of(surfaces):
    async with mcp_session(surfaces) as session:
        for order_id in ("A", "missing", "closed"):
            await session.call_tool("demo-lookup_order", {"order_id": order_id})
        await session.call_tool("demo-delete_order", {"order_id": "A"})

    decided, outcomes = surfaces.audited(outcomes=3)
    assert [(event["tool"], event["ok"], event["size"] > 0) for event in outcomes] == [
        ("demo.lookup_order", True, True),
        ("demo.lookup_order", False, True),
        ("demo.lookup_order", False, False),
    ]
    assert [event["decision_id"] for event in outcomes] == [event["decision_id"] for event in decided[:3]]
    assert "on its way" not in json.dumps(outcomes)
    assert surfaces.reported(len(outcomes)) == ["SUCCESS", "FAILURE", "FAILURE"]


@pytest.mark.parametrize(("tool", "verdict"), [("lookup_order", "allowed"), ("delete_order", "blocked")])
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
def test_what_the_gateway_runs_by_itself_is_decided_on_once(surfaces, path, tool, verdict):
    surfaces.upstream.script(lambda _: True, [function_call(f"demo-{tool}", {"order_id": "B"})], [text("Done.")])
    asked = {"input": "go"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "go"}]}
    answer = surfaces.post(path, tools=[GATEWAYS], **asked)

    assert "Done." in answer.text
    assert surfaces.decided() == [("mcp", f"demo.{tool}", verdict)]
    assert surfaces.demo.calls == [(tool, {"order_id": "B"})][: verdict == "allowed"]
    assert len(surfaces.upstream.requests) == 2  # the model is told what came of it
    ran = ["allowed"].count(verdict)
    assert [event["tool"] for event in surfaces.audited(outcomes=ran)[1]] == [f"demo.{tool}"] * ran


@pytest.mark.parametrize(("tool", "verdict"), [("lookup_order", "allowed"), ("delete_order", "blocked")])
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
def test_in_a_stream_what_the_gateway_runs_is_decided_on_once(surfaces, path, tool, verdict):
    surfaces.upstream.script(lambda _: True, [function_call(f"demo-{tool}", {"order_id": "B"})], [text("Done.")])
    asked = {"input": "go"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "go"}]}
    answer = surfaces.post(path, tools=[GATEWAYS], stream=True, **asked)

    assert "Done." in answer.text
    assert surfaces.decided() == [("mcp", f"demo.{tool}", verdict)]
    assert surfaces.demo.calls == [(tool, {"order_id": "B"})][: verdict == "allowed"]
    assert ("was blocked" in answer.text) == (verdict == "blocked")


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
def test_in_a_stream_a_function_named_like_a_tool_of_the_gateway_is_decided_on_as_one(surfaces, path):
    surfaces.upstream.script(lambda _: True, [function_call("demo-lookup_order", {"order_id": "B"})], [text("Done.")])
    named = {"name": "demo-lookup_order", "parameters": {"type": "object"}}
    if path == "/v1/responses":
        asked = {"input": "go", "tools": [GATEWAYS, {"type": "function", **named}]}
    else:
        message = {"role": "user", "content": "go"}
        asked = {"messages": [message], "tools": [GATEWAYS, {"type": "function", "function": named}]}
    surfaces.post(path, stream=True, **asked)

    assert ("function", "demo-lookup_order", "blocked") in surfaces.decided()


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
def test_in_a_stream_a_call_that_the_gateway_does_not_run_is_decided_on_at_its_end(surfaces, path):
    surfaces.upstream.script(lambda _: True, [function_call("wipe", {"id": "canary-4711"})], [text("Done.")])
    asked = {"input": "go"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "go"}]}
    answer = surfaces.post(path, tools=[GATEWAYS], stream=True, **asked)

    assert surfaces.decided() == [("function", "wipe", "blocked")]
    assert "was blocked" in answer.text


@pytest.mark.parametrize("stream", [False, True])
def test_after_retries_and_fallbacks_each_call_is_decided_on_once(surfaces, stream):
    surfaces.upstream.script("fall", BOTH)
    surfaces.upstream.script(lambda request: request.model == "failing", Failure(500, "overloaded", "server_error"))
    tools = [{"type": "web_search"}, FUNCTION]
    answer = surfaces.post("/v1/responses", model="shaky", input="fall", tools=tools, stream=stream)

    assert [request.model for request in surfaces.upstream.requests].count("failing") >= 1
    assert surfaces.upstream.requests[-1].model == "gpt-4.1"
    assert "canary-4711" not in answer.text
    assert surfaces.decided() == [
        ("web_search", "web_search", "allowed"),
        ("function", "lookup_a", "allowed"),
        ("function", "wipe", "blocked"),
    ]
