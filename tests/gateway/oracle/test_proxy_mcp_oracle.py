"""What the sockets of an MCP server, of its client and of a model got through the gateway, a guardrail was given.

The payloads are made by walking the types of the installed `mcp`; each string in them is another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import mcp.types
import pytest
from litellm.llms import load_guardrail_translation_mappings
from litellm.types.utils import CallTypes

from litellm_bighub.testing import function_call, text
from tests.gateway.oracle.mcp_socket import VERSION, Client, Scripted, scripted_server
from tests.gateway.oracle.road import Road, open_road
from tests.gateway.oracle.type_canaries import CANARY, Canaries

pytestmark = pytest.mark.proxy

MODES = ["pre_call", "post_call", "pre_mcp_call", "post_mcp_call"]
GATEWAYS = {"type": "mcp", "server_label": "all", "server_url": "litellm_proxy", "require_approval": "never"}
GO = [{"role": "user", "content": "go"}]
MODEL_ROADS = {"/v1/responses": {"input": "go"}, "/v1/chat/completions": {"messages": GO}}

LISTS_ARE_CHECKED = CallTypes.list_mcp_tools in load_guardrail_translation_mappings()

OPAQUE = {
    "which of several known things it is": (".audience", ".role", ".resultType", ".type"),
    "what gives a schema its meaning": ("[schema].pattern", "[schema].format"),
}
"""Ends of the places that are left alone, by the reason."""


@dataclass
class McpRoad:
    road: Road
    server: Scripted

    @property
    def http(self) -> httpx.Client:
        return self.road.http


@pytest.fixture(scope="module")
def _mcp(_upstream, tmp_path_factory, warm) -> Iterator[McpRoad]:
    with scripted_server() as server:
        demo = {"url": server.url, "transport": "http", "allow_all_keys": True}
        demo |= {"allow_elicitation": True, "allow_sampling": True}
        more = {"mcp_servers": {"demo": demo}}
        with open_road(_upstream, tmp_path_factory.mktemp("mcp-oracle"), warm, modes=MODES, **more) as road:
            yield McpRoad(road, server)


@pytest.fixture
def mcp_road(_mcp, upstream) -> McpRoad:
    _mcp.server.reset()
    return _mcp


def is_opaque(place: str) -> bool:
    return any(place.endswith(end) for ends in OPAQUE.values() for end in ends)


def unseen(mcp_road: McpRoad, canaries: Canaries, got: Any) -> list[str]:
    """The places of what got somewhere and was given to no guardrail. That something got there is asserted."""
    known = set(CANARY.findall("".join(got))) & canaries.places.keys()
    assert known
    places = (canaries.places[canary] for canary in known - mcp_road.road.given)
    return sorted(place for place in places if not is_opaque(place))


def schema(canaries: Canaries, place: str) -> dict[str, Any]:
    """A schema with each keyword under which people write."""
    words = {word: canaries.at(f"{place}[schema].{word}") for word in ("title", "description", "$comment", "pattern")}
    values = {word: [canaries.at(f"{place}[schema].{word}")] for word in ("enum", "examples")}
    said = {"type": "string", **words, **values, "default": canaries.at(f"{place}[schema].default")}
    said["x-later"] = canaries.at(f"{place}[schema].later")
    name = canaries.at(f"{place}[schema]{{key}}")
    return {"type": "object", "title": canaries.at(f"{place}[schema].over"), "properties": {name: said}}


def results(canaries: Canaries, kind: Any, name: str) -> Iterator[dict[str, Any]]:
    """Results of a type, as a server may send them."""
    for result in canaries.objects(kind, name):
        for known in ("nextCursor", "resultType", "cacheScope"):
            result.pop(known, None)
        for tool in result.get("tools", ()):
            tool["inputSchema"] = schema(canaries, "inputSchema")
            tool["outputSchema"] = schema(canaries, "outputSchema")
        yield result


LISTS = {
    "tools/list": (mcp.types.ListToolsResult, "tools"),
    "prompts/list": (mcp.types.ListPromptsResult, "prompts"),
    "resources/list": (mcp.types.ListResourcesResult, "resources"),
    "resources/templates/list": (mcp.types.ListResourceTemplatesResult, "resourceTemplates"),
}


@pytest.mark.parametrize("method", LISTS)
def test_what_a_server_lists_was_seen(mcp_road, method):
    canaries = Canaries(60 + list(LISTS).index(method))
    kind, field = LISTS[method]
    for result in results(canaries, kind, method):
        mcp_road.server.results[method] = result
        for path in ("/mcp/", "/demo/mcp"):
            client = Client(mcp_road.http, path)
            heard = client.ask(method)
            assert len(heard["result"][field]) == len(result[field])
            assert unseen(mcp_road, canaries, client.got) == []


def test_what_the_gateway_lists_without_mcp_was_seen(mcp_road):
    canaries = Canaries(70)
    for result in results(canaries, mcp.types.ListToolsResult, "tools"):
        mcp_road.server.results["tools/list"] = result
        heard = mcp_road.http.get("/mcp-rest/tools/list")
        assert heard.status_code == 200
        assert unseen(mcp_road, canaries, [heard.text]) == []


@pytest.mark.skipif(not LISTS_ARE_CHECKED, reason="this LiteLLM runs no hook for tools that it tells a model of")
@pytest.mark.parametrize("path", MODEL_ROADS)
def test_what_a_model_is_told_of_tools_was_seen(mcp_road, upstream, path):
    canaries = Canaries(71 + list(MODEL_ROADS).index(path))
    for result in results(canaries, mcp.types.ListToolsResult, "tools"):
        mcp_road.server.results["tools/list"] = result
        heard = mcp_road.road.ask(path, {"model": "gpt", "tools": [GATEWAYS], **MODEL_ROADS[path]})
        assert heard.status_code == 200, heard.text
        sent = set(CANARY.findall("".join(request.raw for request in upstream.requests)))
        late = {canaries.places[canary] for canary in sent - mcp_road.road.given_of("request")}
        assert {place for place in late if not is_opaque(place)} == set()
        assert unseen(mcp_road, canaries, [heard.text, *(request.raw for request in upstream.requests)]) == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", MODEL_ROADS)
def test_what_a_called_tool_tells_a_model_was_seen(mcp_road, upstream, path, stream):
    canaries = Canaries(74 + list(MODEL_ROADS).index(path) + 2 * stream)
    called = {canaries.at("arguments{key}"): canaries.at("arguments"), "n": [{"b": canaries.at("arguments[]")}]}
    for result in results(canaries, mcp.types.CallToolResult, "result"):
        mcp_road.server.results["tools/call"] = result
        upstream.reset()
        upstream.script(lambda _: True, [function_call("demo-look", called)], [text("Well.")])
        body = {"model": "gpt", "tools": [GATEWAYS], "stream": stream, **MODEL_ROADS[path]}
        heard = mcp_road.road.ask(path, body)
        assert len(upstream.requests) == 2
        seen = [heard.text, *mcp_road.server.got, *(request.raw for request in upstream.requests)]
        assert unseen(mcp_road, canaries, seen) == []


def test_what_is_said_of_a_server_was_seen(mcp_road):
    canaries = Canaries(80)
    for result in canaries.objects(mcp.types.InitializeResult, "initialize"):
        mcp_road.server.results["initialize"] = {**result, "protocolVersion": VERSION}
        Client(mcp_road.http).ask("tools/list")  # LiteLLM tells what it heard when it last asked the server
        for path in ("/mcp/", "/demo/mcp"):
            assert unseen(mcp_road, canaries, Client(mcp_road.http, path).got) == []


def asked(canaries: Canaries) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Requests with the types of their results."""
    beside = {"_meta": {"progressToken": "t", "x": canaries.at("_meta")}, "tomorrow": canaries.at("tomorrow")}
    words = {canaries.at("arguments{key}"): canaries.at("arguments")}
    deep = {**words, "list": [canaries.at("[]"), {canaries.at("{key}"): [[canaries.at("[[]]")]]}], "n": 12345}
    where = f"file:///{canaries.at('uri')}"
    return {
        "tools/call": (mcp.types.CallToolResult, {"name": "demo-look", "arguments": deep, **beside}),
        "prompts/get": (mcp.types.GetPromptResult, {"name": "demo-ask", "arguments": words, **beside}),
        "resources/read": (mcp.types.ReadResourceResult, {"uri": where, **beside}),
    }


ASKED = list(asked(Canaries(0)))


@pytest.mark.parametrize("method", ASKED)
def test_what_a_client_asks_and_hears_was_seen(mcp_road, method):
    canaries = Canaries(81 + ASKED.index(method))
    kind, params = asked(canaries)[method]
    client = Client(mcp_road.http)
    for result in results(canaries, kind, method):
        mcp_road.server.results[method] = result
        assert "result" in client.ask(method, **params)
    assert unseen(mcp_road, canaries, mcp_road.server.got) == []
    assert unseen(mcp_road, canaries, client.got) == []


@pytest.mark.parametrize("method", [*LISTS, *ASKED])
def test_what_a_server_says_of_an_error_was_seen(mcp_road, method):
    canaries = Canaries(85 + [*LISTS, *ASKED].index(method))
    error = {"code": -32000, "message": canaries.at("message"), "data": {canaries.at("data{key}"): canaries.at("data")}}
    mcp_road.server.errors[method] = error
    client = Client(mcp_road.http)
    client.got.append(client.ask("ping") and canaries.at("message"))
    client.ask(method, **(asked(canaries)[method][1] if method in ASKED else {}))
    mcp_road.server.errors.clear()
    client.ask("tools/call", name="demo-look", arguments={"text": canaries.at("message")})
    assert unseen(mcp_road, canaries, client.got) == []


def test_a_call_without_mcp_was_seen(mcp_road):
    canaries = Canaries(93)
    params = {"name": "look", "arguments": asked(canaries)["tools/call"][1]["arguments"], "x": canaries.at("x")}
    for result in results(canaries, mcp.types.CallToolResult, "result"):
        mcp_road.server.results["tools/call"] = result
        heard = mcp_road.http.post("/mcp-rest/tools/call", json={"server_id": "demo", **params})
        assert heard.status_code == 200, heard.text
        assert unseen(mcp_road, canaries, [heard.text]) == []
    assert unseen(mcp_road, canaries, mcp_road.server.got) == []


def told(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def test_what_a_server_tells_meanwhile_was_seen(mcp_road):
    canaries = Canaries(94)
    mcp_road.server.notifications["tools/call"] = [
        told("notifications/message", level="info", logger=canaries.at("logger"), data={"x": canaries.at("data")}),
        told("notifications/progress", progressToken="TOKEN", progress=1, message=canaries.at("progress")),
        told("notifications/resources/updated", uri=canaries.at("updated"), _meta={"x": canaries.at("_meta")}),
        told("notifications/tomorrow", said=canaries.at("said")),
    ]
    client = Client(mcp_road.http)
    said = canaries.at("arguments")
    client.ask("tools/call", name="demo-look", arguments={"a": said}, _meta={"progressToken": "t"})
    client.got.append(said)
    assert unseen(mcp_road, canaries, client.got) == []


def test_what_a_server_asks_and_a_client_answers_was_seen(mcp_road):
    canaries = Canaries(95)
    ask = {"message": canaries.at("message"), "requestedSchema": schema(canaries, "requestedSchema")}
    mcp_road.server.notifications["tools/call"] = [{**told("elicitation/create", **ask), "id": 77}]
    client = Client(mcp_road.http)
    content = {canaries.at("content{key}"): canaries.at("content")}
    client.answers["elicitation/create"] = {
        "action": "accept",
        "content": content,
        "_meta": {"x": canaries.at("_meta")},
    }
    with client.listening():
        heard = client.ask("tools/call", name="demo-look", arguments={})
    assert heard["result"]["content"][0]["text"] == "hi"
    assert unseen(mcp_road, canaries, client.got) == []
    assert unseen(mcp_road, canaries, mcp_road.server.got) == []


@pytest.mark.parametrize("path", ["/mcp/", *MODEL_ROADS])
def test_what_a_server_asks_a_model_was_seen(mcp_road, upstream, path):
    canaries = Canaries(97 + ["/mcp/", *MODEL_ROADS].index(path))
    said = {"role": "user", "content": {"type": "text", "text": canaries.at("messages")}}
    ask = {"messages": [said], "systemPrompt": canaries.at("systemPrompt"), "maxTokens": 9}
    ask["modelPreferences"] = {"hints": [{"name": "gpt"}]}
    mcp_road.server.notifications["tools/call"] = [{**told("sampling/createMessage", **ask), "id": 77}]
    answer = [text(canaries.at("answer"))]
    if path == "/mcp/":
        upstream.script(lambda _: True, answer)
        Client(mcp_road.http).ask("tools/call", name="demo-look", arguments={})
        assert len(upstream.requests) == 1
    else:
        upstream.script(lambda _: True, [function_call("demo-look", {})], answer, [text("Well.")])
        heard = mcp_road.road.ask(path, {"model": "gpt", "tools": [GATEWAYS], **MODEL_ROADS[path]})
        assert "Well." in heard.text
        assert len(upstream.requests) == 3
    assert unseen(mcp_road, canaries, [request.raw for request in upstream.requests]) == []
    assert unseen(mcp_road, canaries, mcp_road.server.got) == []


def test_what_a_client_says_of_itself_was_seen(mcp_road):
    canaries = Canaries(96)
    named = {"name": canaries.at("name"), "version": canaries.at("version"), "title": canaries.at("title")}
    able = {"experimental": {canaries.at("experimental{key}"): {"x": canaries.at("experimental")}}}
    client = Client(mcp_road.http, clientInfo=named, capabilities=able)
    said = canaries.at("arguments")
    client.ask("tools/call", name="demo-look", arguments={"a": said})
    assert unseen(mcp_road, canaries, mcp_road.server.got) == []
