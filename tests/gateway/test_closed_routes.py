"""Closing routes: what the clients of a closed one hear, and that it cannot silently fail to be closed."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.closed_routes import close_routes
from litellm_bighub.gateway.closing import Closer, close_what_is_ungoverned, closer_of

pytestmark = pytest.mark.filterwarnings("ignore::Warning")

MODELS = Closer("bighub", models=True, mcp=False)
BOTH = Closer("bighub", models=True, mcp=True)
MCP = Closer("mcp", models=False, mcp=True)


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
    for named in ("POST /gemini/v1/x", "guardrail bighub", "ungoverned_routes: allow"):
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
    ("closers", "path", "open_"),
    [
        pytest.param([MODELS], "/v1/chat/completions", True, id="governed"),
        pytest.param([MODELS], "/key/generate", True, id="administration"),
        pytest.param([MODELS], "/mcp/", False, id="MCP that nobody decides on"),
        pytest.param([BOTH], "/mcp/", True, id="MCP that is decided on"),
        pytest.param([MODELS, MCP], "/mcp/", True, id="by another guardrail"),
        pytest.param([MCP], "/gemini/x", True, id="models that nobody wanted governed"),
        pytest.param([MCP, MODELS], "/gemini/x", False, id="models that another governs"),
        pytest.param([], "/gemini/x", True, id="no guardrail"),
    ],
)
def test_which_routes_are_open(app, closers, path, open_):
    for closer in closers:
        close_routes(app, closer)

    assert reached(app, "POST", path) is open_


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
        close_what_is_ungoverned(app, MODELS, "refuse")


def test_an_operator_may_leave_them_open(app):
    close_what_is_ungoverned(app, MODELS, "allow")

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
    assert closer_of("bighub", mode) == Closer("bighub", models=models, mcp=mcp)
