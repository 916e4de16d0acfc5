"""While texts are checked, a route whose texts no guardrail is handed is refused, with how to open it."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.routes import text_routes
from litellm_bighub.gateway.routes.closed_routes import close_routes, coverage_of
from litellm_bighub.gateway.routes.route_guard import RouteGuard
from litellm_bighub.gateway.routes.route_table import ROWS, RouteCoverage
from litellm_bighub.gateway.routes.text_routes import brings_unchecked_texts, close_text_routes, text_route_guard

pytestmark = pytest.mark.filterwarnings("ignore::Warning")

UNCHECKED = [
    *("POST /v1/files", "POST /openai/v1/files", "GET /v1/files/f/content", "POST /v1/batches"),
    *(
        "POST /openai/v1/batches",
        "POST /v1/vector_stores",
        "POST /v1/vector_stores/vs",
        "POST /v1/vector_stores/vs/files",
    ),
    *("GET /v1/vector_stores/vs/files/f/content", "POST /v1/assistants", "POST /v1/threads", "GET /v1/assistants"),
    *("POST /v1/threads/t/messages", "GET /v1/threads/t/messages", "POST /v1/threads/t/runs", "POST /v1/containers"),
    *("POST /v1/containers/c/files", "GET /v1/containers/c/files/f/content", "POST /v1/messages/count_tokens"),
    *("POST /utils/token_counter", "POST /v1/responses/input_tokens", "POST /v1beta/models/m:countTokens"),
    *("POST /v1/fine_tuning/jobs", "POST /v1/skills", "POST /v1/evals", "WS /v1/realtime"),
    *("POST /v1beta/models/m:generateContent", "POST /anthropic/v1/messages", "POST /my/own", "GET /v1/../key"),
    *("POST /fal_ai/x", "WS /deepgram/listen", "HEAD /v1/files/f/content", "POST /v1/files/"),
]
OPEN = [
    *("POST /v1/responses", "POST /v1/chat/completions", "POST /v1/messages", "POST /v1/completions"),
    *("POST /v1/embeddings", "POST /v1/vector_stores/vs/search", "POST /v1/audio/transcriptions", "GET /v1/models"),
    *("GET /v1/files", "GET /v1/files/f", "DELETE /v1/files/f", "GET /v1/batches/b", "POST /v1/batches/b/cancel"),
    *("GET /v1/vector_stores", "GET /v1/containers", "GET /v1/videos/v/content", "POST /key/generate", "GET /health"),
    *("POST /mcp", "OPTIONS /v1/chat/completions", "HEAD /v1/models", "GET /v1/responses/r"),
]


def unchecked(route):
    method, _, path = route.partition(" ")
    return brings_unchecked_texts(method, path, coverage_of(method, path))


@pytest.mark.parametrize("route", UNCHECKED)
def test_a_route_whose_texts_nobody_is_handed_is_closed(route):
    assert unchecked(route)


@pytest.mark.parametrize("route", OPEN)
def test_a_route_whose_texts_are_checked_or_that_has_none_is_open(route):
    assert not unchecked(route)


def test_the_table_names_rows_that_there_are():
    rows = {row.pattern for row in ROWS if row.coverage is RouteCoverage.NO_CALLS}
    assert not (text_routes._SEEN | text_routes._NONE) - rows
    assert not text_routes._SEEN & text_routes._NONE


@pytest.fixture
def app():
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    def anything(path: str) -> str:
        return path

    return app


@pytest.mark.format("chat")
def test_a_refusal_names_the_route_the_guardrail_and_the_setting(app):
    close_text_routes(app, text_route_guard("texts", []))
    with TestClient(app) as client:
        refused = client.post("/v1/files", json={})
        assert client.post("/v1/chat/completions", json={}).status_code == 200
        assert client.get("/docs").status_code == 200
        own = client.post("/v1/a%20b", json={})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["guardrail"]) == (400, "unchecked_route", "texts")
    for named in ("POST /v1/files", "guardrail texts", 'open_routes: ["POST /v1/files"]', "unchecked_routes: allow"):
        assert named in error["message"]
    assert "unchecked_routes: allow" in own.json()["error"]["message"]


def test_an_operator_opens_a_route_for_texts_and_another_guardrail_still_closes_it_for_calls(app):
    close_text_routes(app, text_route_guard("texts", ["POST ~/files", "POST ~/batches"]))
    close_routes(app, RouteGuard("bighub", models=True, mcp=False))
    with TestClient(app) as client:
        assert client.post("/v1/files").status_code == 200
        assert client.post("/v1/batches").status_code == 403
        assert client.post("/v1/containers").status_code == 400


def test_what_is_no_route_opens_nothing():
    with pytest.raises(ConfigurationError, match=r"texts\.open_routes\[0\]"):
        text_route_guard("texts", ["everything"])


def test_without_a_proxy_there_is_nothing_to_close():
    close_text_routes(None, text_route_guard("texts", []))
