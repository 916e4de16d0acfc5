"""The table of routes, held against the routes of the installed LiteLLM."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import version

import pytest
from litellm.proxy import proxy_server
from litellm.proxy._lazy_features import LAZY_FEATURES
from litellm.proxy.auth.route_checks import RouteChecks
from starlette.routing import Mount, WebSocketRoute

from litellm_bighub.gateway.closed_routes import fate_of
from litellm_bighub.gateway.routes import ROWS, Fate, row_of

pytestmark = pytest.mark.filterwarnings("ignore::Warning")

ENDPOINTS = {
    "/chat/completions": {"chat_completion", "cursor_chat_completions"},
    "/prompts/test": {"test_prompt"},
    "/messages": {"anthropic_response"},
    "/responses": {"responses_api"},
    "/compact": {"compact_response"},
    "/input_items": {"get_response_input_items"},
    "/cancel": {"cancel_response"},
    "/x": {"get_response"},
}
"""What serves the governed routes, by the end of their path: functions of LiteLLM's that run our hooks."""


def walk(routes, prefix=""):
    """Every route as (method, path with an example in place of each parameter, endpoint's name)."""
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from walk(route.effective_candidates(), prefix)
            continue
        inner = getattr(route, "starlette_route", None) or getattr(route, "original_route", None) or route
        path = prefix + re.sub(r"\{[^}]+\}", "x", getattr(route, "path", None) or inner.path)
        endpoint = getattr(getattr(inner, "endpoint", None), "__name__", "")
        if isinstance(inner, WebSocketRoute) or "WebSocket" in type(inner).__name__:
            yield "WS", path, endpoint
        elif isinstance(inner, Mount):
            yield from walk(inner.routes or (), path)
        else:
            yield from ((method, path, endpoint) for method in inner.methods or () if method not in {"HEAD", "OPTIONS"})


@pytest.fixture(scope="module")
def routes():
    """Of the proxy with all that it loads only when it is asked for."""
    app = proxy_server.app
    before = list(app.router.routes)
    for feature in LAZY_FEATURES:
        feature.register_fn(app, importlib.import_module(feature.module_path))
    yield sorted(set(walk(app.router.routes)))
    app.router.routes[:] = before


def test_every_route_of_models_stands_in_the_table(routes):
    counted = [each for each in routes if each[0] == "WS" or RouteChecks.is_llm_api_route(each[1])]

    assert len(counted) > 250
    assert [each for each in counted if row_of(*each[:2]) is None] == []


@pytest.mark.skipif(not version("litellm").startswith("1.106."), reason="the table was made from 1.106")
def test_no_row_is_of_a_route_that_litellm_has_not(routes):
    """A row that fits nothing would be a row that nobody noticed to be outdated or misspelled."""
    fitted = {row for method, path, _ in routes if (row := row_of(method, path)) is not None}

    assert [row.pattern for row in ROWS if row not in fitted and row.pattern not in _SHADOWED | _NEWER] == []


_NEWER = {
    "GET /claude_code_gateway/v1/models",
    "POST ~/a2a/{}/message/stream",
    "* /backend-api/{*}",
    "* /eu_jev/{*}",
    "POST ~/extraction",
}
"""Routes that came with LiteLLM 1.109."""
_SHADOWED = {"* /mcp/{*}", "GET /mcp/docs/oauth2-redirect"}


def test_what_is_governed_is_served_by_functions_that_run_hooks(routes):
    governed = [each for each in routes if (row := row_of(*each[:2])) and row.fate is Fate.GOVERNED]
    expected = {
        (method, path): names for method, path, _ in governed for end, names in ENDPOINTS.items() if path.endswith(end)
    }

    assert {(method, path) for method, path, endpoint in governed if endpoint not in expected[method, path]} == set()


@pytest.mark.parametrize(
    ("method", "path", "fate"),
    [
        pytest.param("POST", "/v1/chat/completions", Fate.GOVERNED, id="chat"),
        pytest.param("POST", "/openai/deployments/a/b/chat/completions", Fate.GOVERNED, id="a deployment with a slash"),
        pytest.param("POST", "/openai/v1/responses", Fate.GOVERNED, id="Responses beside what is passed through"),
        pytest.param("PUT", "/openai/v1/responses", Fate.REFUSED, id="another method is passed through"),
        pytest.param("WS", "/v1/responses", Fate.REFUSED, id="the same as a WebSocket"),
        pytest.param("WS", "/v1/realtime", Fate.REFUSED, id="realtime"),
        pytest.param("WS", "/anything", Fate.REFUSED, id="a WebSocket that nobody knows"),
        pytest.param("POST", "/openai/v1/chat/completions", Fate.REFUSED, id="passed through to OpenAI"),
        pytest.param("POST", "/anthropic/v1/messages", Fate.REFUSED, id="passed through to Anthropic"),
        pytest.param("POST", "/v1beta/models/a/b:streamGenerateContent", Fate.REFUSED, id="Gemini"),
        pytest.param("POST", "/vertex_ai/x/../../v1/messages", Fate.REFUSED, id="passed through to Vertex"),
        pytest.param("POST", "/models/x:generateContent", Fate.REFUSED, id="Gemini without version"),
        pytest.param("GET", "/v1/responses/resp_1", Fate.GOVERNED, id="a stored response"),
        pytest.param("DELETE", "/v1/responses/resp_1", Fate.NO_CALLS, id="deleting one"),
        pytest.param("POST", "/v1/responses/input_tokens", Fate.NO_CALLS, id="counting"),
        pytest.param("POST", "/v1/batches", Fate.REFUSED, id="a batch"),
        pytest.param("POST", "/v1/embeddings", Fate.NO_CALLS, id="embeddings"),
        pytest.param("POST", "/mcp/", Fate.MCP, id="MCP"),
        pytest.param("POST", "/crm/mcp", Fate.MCP, id="an MCP server"),
        pytest.param("POST", "/key/generate", Fate.NO_CALLS, id="administration"),
        pytest.param("POST", "/openai/", Fate.REFUSED, id="the root of what is passed through"),
        pytest.param("POST", "/anthropic/v1/files/../messages", Fate.REFUSED, id="a path that the upstream reads anew"),
        pytest.param("POST", "/anthropic/v1/files/%2e%2e/messages", Fate.REFUSED, id="the same, encoded twice"),
        pytest.param("POST", "/anthropic/v1/files/x%2F..%2F../messages", Fate.REFUSED, id="the same, slashes too"),
        pytest.param("POST", "/perplexity/chat", Fate.NO_CALLS, id="no route at all"),
    ],
)
def test_what_becomes_of_a_route(method, path, fate):
    assert fate_of(method, path) is fate


def test_what_an_operator_passes_through_is_refused(monkeypatch):
    name = "litellm.proxy.pass_through_endpoints.pass_through_endpoints._registered_pass_through_routes"
    monkeypatch.setattr(name, {"1:subpath:/public/llm": {}, "2:exact:/mine": {}})

    assert fate_of("POST", "/mine") is Fate.REFUSED
    assert fate_of("GET", "/public/llm/chat") is Fate.REFUSED
    assert fate_of("GET", "/public/providers") is Fate.NO_CALLS
