"""Closing routes: what the clients of a closed one hear, and that it cannot silently fail to be closed."""

from __future__ import annotations

from urllib.parse import quote

import litellm
import pytest
from fastapi import FastAPI, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.hooks.tool_guardrail import BighubGuardrail
from litellm_bighub.gateway.routes.closed_routes import close_routes
from litellm_bighub.gateway.routes.route_guard import RouteGuard, close_ungoverned_routes, route_guard_of

pytestmark = pytest.mark.filterwarnings("ignore::Warning")

MODELS = RouteGuard("bighub", models=True, mcp=False)
BOTH = RouteGuard("bighub", models=True, mcp=True)
MCP = RouteGuard("mcp", models=False, mcp=True)


def reached(app, method, path):
    with TestClient(app, base_url="http://proxy") as client:
        return client.request(method, path).status_code != 403


@pytest.fixture
def app():
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    def anything(path: str) -> str:
        return path

    @app.websocket("/{path:path}")
    async def socket(websocket: WebSocket, path: str) -> None:
        await websocket.accept()
        await websocket.close()

    return app


def test_a_refusal_names_the_route_the_guardrail_and_the_setting(app):
    close_routes(app, MODELS)
    with TestClient(app) as client:
        answer = client.post("/gemini/v1/x", json={})

    assert answer.status_code == 403
    error = answer.json()["error"]
    assert (error["code"], error["guardrail"]) == ("ungoverned_route", "bighub")
    for named in (
        "POST /gemini/v1/x",
        "guardrail bighub",
        'open_routes: ["POST /gemini/v1/x"]',
        "ungoverned_routes: allow",
    ):
        assert named in error["message"]


def test_a_websocket_is_refused_before_it_is_accepted(app):
    close_routes(app, MODELS)
    with (
        TestClient(app) as client,
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("/v1/responses"),
    ):
        pass

    assert refused.value.status_code == 403
    assert refused.value.json()["error"]["code"] == "ungoverned_route"


async def test_a_server_that_cannot_deny_a_websocket_closes_it(app):
    closed, sent = close_routes(app, MODELS), []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await closed({"type": "websocket", "path": "/v1/realtime", "headers": []}, receive, send)

    (message,) = sent
    assert (message["type"], message["code"]) == ("websocket.close", 1008)
    assert "bighub" in message["reason"]
    assert len(message["reason"].encode()) <= 123  # RFC 6455, 5.5


@pytest.mark.parametrize(
    ("guards", "path", "open_"),
    [
        pytest.param([MODELS], "/v1/chat/completions", True, id="governed chat"),
        pytest.param([MODELS], "/key/generate", True, id="administration"),
        pytest.param([MODELS], "/mcp/", False, id="MCP that nobody decides on"),
        pytest.param([BOTH], "/mcp/", True, id="MCP that is decided on"),
        pytest.param([MODELS, MCP], "/mcp/", True, id="by another guardrail"),
        pytest.param([MCP], "/gemini/x", True, id="models that nobody wanted governed"),
        pytest.param([MCP, MODELS], "/gemini/x", False, id="models that another governs"),
        pytest.param([], "/gemini/x", True, id="no guardrail"),
    ],
)
def test_which_routes_are_open(app, guards, path, open_):
    for guard in guards:
        close_routes(app, guard)

    assert reached(app, "POST", path) is open_


@pytest.mark.parametrize(
    ("opened", "method", "path", "open_"),
    [
        pytest.param("POST /my/route", "POST", "/my/route", True, id="this one"),
        pytest.param("POST /my/route", "GET", "/my/route", False, id="not another method"),
        pytest.param("POST /my/route", "POST", "/my/route/x", False, id="not what is below"),
        pytest.param("POST /my/route", "POST", "/my/Route", False, id="not another case"),
        pytest.param("POST /my/route", "POST", "/my/route;x", False, id="not with parameters"),
        pytest.param("POST /my/route", "OPTIONS", "/my/route", True, id="its options"),
        pytest.param("GET /my/route", "HEAD", "/my/route", True, id="its head"),
        pytest.param("* /my/{}", "POST", "/my/route", True, id="one segment"),
        pytest.param("* /my/{}", "POST", "/my/route/x", False, id="no more than one"),
        pytest.param("* /my{/*}", "POST", "/my/route/x", True, id="any number"),
        pytest.param("* /my{/*}", "POST", "/my", True, id="none"),
        pytest.param("* /my{/*}", "POST", "/my/%2e%2e/gemini/x", False, id="no step upwards"),
        pytest.param("* /my{/*}", "POST", "/my/%252e%252e%252fgemini", False, id="encoded twice"),
        pytest.param("* /my{/*}", "POST", "/my/x%0A", False, id="no line's end"),
        pytest.param("* /my{/*}", "POST", "/my%2F..%2Fgemini", False, id="encoded slashes"),
        pytest.param("POST ~/systemone", "POST", "/v1/systemone", True, id="with version"),
        pytest.param("* /openai/{*}", "POST", "/openai/v1/chat/completions", True, id="what is passed through"),
        pytest.param("* /mcp{/*}", "POST", "/mcp/", True, id="MCP that nobody decides on"),
    ],
)
def test_a_single_route_is_opened(app, opened, method, path, open_):
    close_routes(app, route_guard_of("bighub", ["pre_call", "post_call"], [opened]))

    assert reached(app, method, path) is open_


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        *(
            (entry, "is no route; write it as in")
            for entry in (
                *(
                    "",
                    "*",
                    "/my/route",
                    "POST",
                    "POST my/route",
                    "post /my/route",
                    "FETCH /my/route",
                    "POST  /my/route",
                ),
                *("POST /my/route ", "POST /my route", "POST /my//route", "POST /my/../route", "POST /my/route\n"),
                *("POST /", "POST /{}", "* /{*}", "* {*}", "* ~/{*}", "* /v1/{*}", "* /v1beta/{*}", "* /{}/x"),
                *("POST /my/{name}", "POST /my/%2e", "POST /my/route?x", "POST,GET /my/route", "* /v1"),
            )
        ),
        ("POST /v1/chat/completions", "tool calls on it are decided on"),
        ("* ~/responses", "tool calls on it are decided on"),
        ("POST /engines/{*}/chat/completions", "tool calls on it are decided on"),
        ("POST /key/generate", "it is not refused"),
        ("POST /v1/embeddings", "it is not refused"),
        ("GET /ui{/*}", "it is not refused"),
    ],
)
def test_an_entry_that_opens_nothing_or_everything_stops_the_start(entry, says):
    with pytest.raises(ConfigurationError) as refused:
        route_guard_of("bighub", ["pre_call", "post_call"], ["POST /my/route", entry])

    assert refused.value.key == "bighub.open_routes[1]"
    assert says in refused.value.problem


def test_mcp_that_is_decided_on_cannot_be_opened():
    with pytest.raises(ConfigurationError, match="decided on"):
        route_guard_of("bighub", None, ["* /mcp{/*}"])


def test_what_is_opened_is_logged_at_the_start_in_one_line(app, caplog):
    close_ungoverned_routes(app, route_guard_of("bighub", None, ["POST /my/route", "* /mine/{}"]), "refuse")

    assert caplog.messages == [
        "bighub: open_routes opens POST /my/route, * /mine/{}; nobody decides on tool calls there"
    ]


@pytest.mark.format("responses")
def test_the_guardrail_reads_the_setting(tmp_path):
    (tmp_path / "policy.yaml").write_text("version: 1\ndefault: block\n")
    kept = {"policy": str(tmp_path / "policy.yaml"), "database_url": f"sqlite:///{tmp_path}/bighub.db"}

    assert str(BighubGuardrail(**kept, open_routes=["POST /my/route"]).route_guard.open_routes) == "POST /my/route"
    with pytest.raises(ConfigurationError, match=r"BighubGuardrail.open_routes\[0\]"):
        BighubGuardrail(**kept, open_routes=["POST /v1/responses"])


def test_pages_that_describe_the_api_may_stand_elsewhere():
    app = FastAPI(docs_url="/our/docs", redoc_url="/our/redoc", openapi_url="/our/openapi.json")
    close_routes(app, MODELS)

    assert reached(app, "GET", "/our/docs")
    assert reached(app, "GET", "/our/openapi.json")
    assert not reached(app, "POST", "/our/docs")
    assert not reached(app, "GET", "/our/other")


@pytest.mark.parametrize("path", ["/key/x\n", "/ui/\0", "/ui/..%2Fgemini", "/ui/%5c..%5cx", "/key/\u2028"])
def test_a_path_that_two_could_read_differently_is_refused_and_names_no_entry(app, path):
    close_routes(app, MODELS)
    with TestClient(app, base_url="http://proxy") as client:
        answer = client.get(quote(path, safe="/%"))

    assert answer.status_code == 403
    assert "open_routes" not in answer.json()["error"]["message"]


async def test_a_trial_of_a_model_sends_the_tools_of_its_caller(upstream):
    """Why `/health/test_connection` is refused: a provider runs them, and no hook of ours has seen them."""
    asked = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x"}
    await litellm.ahealth_check({**asked, "tools": [{"type": "web_search"}]}, mode="responses")

    assert [request.body["tools"] for request in upstream.requests] == [[{"type": "web_search"}]]


def test_the_path_is_read_without_the_root_path_as_the_router_reads_it(app):
    app.root_path = "/tenant"
    close_routes(app, MODELS)

    assert not reached(app, "POST", "/tenant/gemini/x")
    assert not reached(app, "POST", "/gemini/x")


def test_a_running_application_is_closed_too(app):
    with TestClient(app) as client:
        assert client.post("/gemini/x").status_code == 200
        close_routes(app, MODELS)
        assert client.post("/gemini/x").status_code == 403


def test_routes_are_closed_once_however_many_close_them(app):
    assert close_routes(app, MODELS) is close_routes(app, BOTH)


def test_a_start_fails_where_routes_cannot_be_closed(app):
    app.router.middleware_stack = None
    with pytest.raises(ConfigurationError, match="ungoverned_routes"):
        close_ungoverned_routes(app, MODELS, "refuse")


def test_an_operator_may_leave_them_open(app):
    close_ungoverned_routes(app, MODELS, "allow")

    assert reached(app, "POST", "/gemini/x")


@pytest.mark.parametrize(
    ("mode", "models", "mcp"),
    [
        pytest.param(None, True, True, id="every event"),
        pytest.param(["pre_call", "post_call"], True, False, id="models"),
        pytest.param(["pre_call", "post_call", "pre_mcp_call", "post_mcp_call"], True, True, id="both"),
        pytest.param("pre_mcp_call", False, True, id="MCP"),
    ],
)
def test_what_a_mode_governs(mode, models, mcp):
    assert route_guard_of("bighub", mode) == RouteGuard("bighub", models=models, mcp=mcp)
