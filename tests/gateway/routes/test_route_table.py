"""The table of routes, held against the routes of the installed LiteLLM."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version

import pytest
from hypothesis import example, given, settings, strategies as st
from litellm.proxy import proxy_server
from litellm.proxy.auth.route_checks import RouteChecks

from litellm_bighub.gateway.routes.closed_routes import coverage_of
from litellm_bighub.gateway.routes.route_table import NO_MCP_SERVERS, ROWS, RouteCoverage, row_of
from tests.gateway.proxy_routes import Router, all_features, walk

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


HARMLESS = {RouteCoverage.NO_CALLS, RouteCoverage.ADMINISTRATION}


@pytest.fixture(scope="module")
def routes():
    with all_features() as app:
        yield list(walk(app.router.routes))


@pytest.mark.format("responses", "chat", "messages")
def test_every_route_stands_in_the_table(routes):
    assert len(routes) > 900
    assert [route for route in sorted(set(routes)) if row_of(route.method, route.example) is None] == []


@pytest.mark.format("responses", "chat", "messages")
def test_no_route_that_litellm_counts_among_those_of_models_is_administration_that_writes(routes):
    """What LiteLLM itself counts so and is none: agents that are registered, logs, records, and logins to MCP."""
    counted = {route for route in routes if route.method != "GET" and RouteChecks.is_llm_api_route(route.example)}
    coverages = {route.example: row_of(route.method, route.example).coverage for route in counted}
    administration = [path for path, coverage in coverages.items() if coverage is RouteCoverage.ADMINISTRATION]

    assert len(counted) > 150
    assert [path for path in administration if not path.startswith(_COUNTED)] == []


_COUNTED = (*("/claude-code/plugins", "/v1/agents", "/v1/logs", "/v1/mcp/", "/v1/traces", "/lens", "/utils/"),)


@pytest.mark.skipif(not version("litellm").startswith("1.106."), reason="the table was made from 1.106")
def test_no_row_is_of_a_route_that_litellm_has_not(routes):
    """A row that fits nothing would be a row that nobody noticed to be outdated or misspelled."""
    fitted = {row for route in routes if (row := row_of(route.method, route.example)) is not None}

    assert [
        row.pattern for row in ROWS if row not in fitted and row.pattern not in {*_SHADOWED, *_NEWER, *NO_MCP_SERVERS}
    ] == []


_NEWER = {
    "DELETE /skill-hub/skills/{}",
    "GET /claude_code_gateway/v1/models",
    "GET /skill-hub{/*}",
    "GET /subscription_accounts{/*}",
    "GET /telemetry{/*}",
    "PATCH /health/deployment_warnings/{}",
    "PATCH /update/background_chat_settings",
    "POST /claude-code/plugins/upload",
    "POST /credentials/{*}/user_connection/poll",
    "POST /credentials/{*}/user_connection/start",
    "POST /skill-hub/skills/import",
    "POST /skill-hub/skills/upload",
    "POST /skill-hub/skills/{}/publish",
    "POST /skill-hub/skills/{}/unpublish",
    "POST /skill-hub/submissions/{}/scan",
    "POST /subscription_accounts/delete",
    "POST /subscription_accounts/new",
    "POST /subscription_accounts/update",
    "POST /telemetry/ui_events",
    "POST ~/a2a/{}/message/stream",
    "POST ~/extraction",
    "PUT /alerting/model-deprecations/state",
    "PUT /skill-hub/skills/{}",
    "PUT /skill-hub/skills/{}/upload",
    "PUT /skill-hub/submissions/{}/approve",
    "PUT /skill-hub/submissions/{}/reject",
    "PUT /telemetry/settings",
    "WS /deepgram/speak",
    "WS /deepgram/v1/speak",
    "* /backend-api/{*}",
    "* /eu_jev/{*}",
}
"""Routes that came with later releases, up to 1.110."""
_SHADOWED = {"* /mcp/{*}", "GET /mcp/docs/oauth2-redirect", "GET /docs", "GET /favicon.ico", "GET /metrics"}
"""Rows of routes that another row names too, and of pages that the proxy serves only as it is configured."""


def test_what_is_governed_is_served_by_functions_that_run_hooks(routes):
    governed = [
        route
        for route in routes
        if (row := row_of(route.method, route.example))
        and row.coverage is RouteCoverage.GOVERNED
        and route.path.count("{path") == 0
    ]
    expected = {
        route.example: names for route in governed for end, names in ENDPOINTS.items() if route.example.endswith(end)
    }

    assert [route for route in governed if route.endpoint not in expected[route.example]] == []


def test_a_release_that_asks_models_by_a_new_route_asks_in_vain(routes):
    """Whatever stands before it: a new ending by which a model is asked is not one of what is known.

    Only `/lens` is handed on whole, to a service of LiteLLM's that reads records.
    """
    beginnings = {route.example.rsplit("/", depth)[0] for route in routes for depth in (0, 1, 2)}
    endings = ("/chat/completions", "/responses", "/messages", "/invoke", "/converse", "/run", ":generateContent")
    router = Router(routes)
    asked = {path for start in beginnings for end in endings if not router.reached("POST", path := start + end)}

    assert len(asked) > 3000
    assert [
        path for path in sorted(asked) if coverage_of("POST", path) in HARMLESS and not path.startswith("/lens/")
    ] == []


SEGMENTS = st.sampled_from(
    [
        *("x", "v1", "mcp", "key", "ui", "files", "batches", "models", "responses", "messages", "completions", "chat"),
        *("runs", "threads", "evals", "authorize", "token", "register", "a2a", "openai", "public", "health", "message"),
        *("send", "x:generateContent", "x:countTokens", "x;y", "X", "", ".", "..", "%2e%2e", "%2F", "x\n", "\0", " "),
        *("cancel", "callback", "search", "mcp-rest", "test_connection", "plugin-proxy", "engines", "deployments", "é"),
    ]
)


@st.composite
def requests(draw):
    """A path that fits a route, or nearly: its parameters are what other routes are made of."""
    route = draw(st.sampled_from(_late().routes))
    filled = re.sub(
        r"\{[^}]+?(:path)?\}",
        lambda found: "/".join(draw(st.lists(SEGMENTS, min_size=1, max_size=4 if found[1] else 1))),
        route.path,
    )
    method = draw(st.sampled_from([route.method, "GET", "POST", "DELETE", "WS"]))
    return method, filled + draw(st.sampled_from(["", "", "", "/", "//", "\n", "/\n", "%0A", "?", "/x", "/mcp"]))


@cache
def _late():
    with all_features() as app:
        return Router(walk(app.router.routes))


EARLY = Router(walk(proxy_server.app.router.routes))
"""Before a feature is loaded that is not loaded until somebody asks for it."""


STRICT = {
    RouteCoverage.GOVERNED: {RouteCoverage.GOVERNED, RouteCoverage.REFUSED},
    RouteCoverage.MCP: {RouteCoverage.MCP, RouteCoverage.REFUSED},
    RouteCoverage.REFUSED: {RouteCoverage.REFUSED},
}


@settings(max_examples=1000)
@example(("POST", "/files/v1/batches"))
@example(("POST", "/a2a/mcp"))
@example(("GET", "/interactions/mcp"))
@example(("POST", "/bedrock/mcp"))
@example(("POST", "/openai/v1/responses/"))
@example(("POST", "/v1/evals/x/runs\n"))
@example(("POST", "/key/v1/batches"))
@example(("POST", "/health/../plugin-proxy/x"))
@given(requests())
def test_what_reaches_a_model_is_never_taken_for_something_else(request_):
    """Held against what the router would choose, before the features that are loaded late are there and after."""
    method, path = request_
    for router in (_late(), EARLY):
        reached = router.reached(method, path)
        allowed = STRICT.get(coverage_of(method, reached.example)) if reached else None
        assert allowed is None or coverage_of(method, path) in allowed, reached


@pytest.mark.parametrize(
    ("method", "path", "coverage"),
    [
        pytest.param("POST", "/v1/chat/completions", RouteCoverage.GOVERNED, id="chat"),
        pytest.param(
            "POST",
            "/openai/deployments/a/b/chat/completions",
            RouteCoverage.GOVERNED,
            id="a chat deployment, slashed",
        ),
        pytest.param(
            "POST", "/openai/v1/responses", RouteCoverage.GOVERNED, id="Responses beside what is passed through"
        ),
        pytest.param("PUT", "/openai/v1/responses", RouteCoverage.REFUSED, id="another method is passed through"),
        pytest.param("WS", "/v1/responses", RouteCoverage.REFUSED, id="the same as a WebSocket"),
        pytest.param("WS", "/v1/realtime", RouteCoverage.REFUSED, id="realtime"),
        pytest.param("WS", "/anything", RouteCoverage.REFUSED, id="a WebSocket that nobody knows"),
        pytest.param("POST", "/openai/v1/chat/completions", RouteCoverage.REFUSED, id="passed through to OpenAI"),
        pytest.param("POST", "/anthropic/v1/messages", RouteCoverage.REFUSED, id="passed through to Anthropic"),
        pytest.param("POST", "/v1beta/models/a/b:streamGenerateContent", RouteCoverage.REFUSED, id="Gemini"),
        pytest.param("POST", "/vertex_ai/x/../../v1/messages", RouteCoverage.REFUSED, id="passed through to Vertex"),
        pytest.param("POST", "/models/x:generateContent", RouteCoverage.REFUSED, id="Gemini without version"),
        pytest.param("GET", "/v1/responses/resp_1", RouteCoverage.GOVERNED, id="a stored response of responses"),
        pytest.param("DELETE", "/v1/responses/resp_1", RouteCoverage.NO_CALLS, id="deleting one"),
        pytest.param("POST", "/v1/responses/input_tokens", RouteCoverage.NO_CALLS, id="counting"),
        pytest.param("POST", "/v1/batches", RouteCoverage.REFUSED, id="a batch"),
        pytest.param("POST", "/v1/embeddings", RouteCoverage.NO_CALLS, id="embeddings"),
        pytest.param("POST", "/mcp/", RouteCoverage.MCP, id="MCP"),
        pytest.param("POST", "/crm/mcp", RouteCoverage.MCP, id="an MCP server"),
        pytest.param("POST", "/key/generate", RouteCoverage.ADMINISTRATION, id="administration"),
        pytest.param("GET", "/", RouteCoverage.ADMINISTRATION, id="the first page"),
        pytest.param("GET", "/ui/", RouteCoverage.ADMINISTRATION, id="the pages of administration"),
        pytest.param("GET", "/ui/_next/static/x.js", RouteCoverage.ADMINISTRATION, id="what they are made of"),
        pytest.param("GET", "/metrics/", RouteCoverage.ADMINISTRATION, id="metrics"),
        pytest.param("HEAD", "/health/liveliness", RouteCoverage.ADMINISTRATION, id="its head"),
        pytest.param("OPTIONS", "/key/generate", RouteCoverage.ADMINISTRATION, id="its options"),
        pytest.param("OPTIONS", "/v1/chat/completions", RouteCoverage.GOVERNED, id="options of chat that is governed"),
        pytest.param("HEAD", "/anthropic/v1/messages", RouteCoverage.REFUSED, id="a head that is passed through"),
        pytest.param("OPTIONS", "/v1/new", RouteCoverage.REFUSED, id="options of a route that nobody knows"),
        pytest.param("HEAD", "/login", RouteCoverage.REFUSED, id="the head of what is only written"),
        pytest.param("POST", "/v1/evals/eval_1/runs", RouteCoverage.REFUSED, id="running an eval"),
        pytest.param("GET", "/v1/evals/eval_1/runs", RouteCoverage.NO_CALLS, id="its runs"),
        pytest.param(
            "GET", "/v1/evals/e/runs/r/output_items", RouteCoverage.REFUSED, id="what it sampled: no route yet"
        ),
        pytest.param(
            "POST", "/plugin-proxy/mine/v1/chat/completions", RouteCoverage.REFUSED, id="an operator's plugin"
        ),
        pytest.param("GET", "/plugin-proxy/mine/x", RouteCoverage.REFUSED, id="and what it shows"),
        pytest.param("POST", "/health/test_connection", RouteCoverage.REFUSED, id="a trial of a model"),
        pytest.param("GET", "/health", RouteCoverage.ADMINISTRATION, id="a trial that the config describes"),
        pytest.param("POST", "/usage/ai/chat", RouteCoverage.REFUSED, id="the dashboard's assistant"),
        pytest.param("POST", "/auto_router/shadow_eval/start", RouteCoverage.REFUSED, id="requests sent once more"),
        pytest.param("POST", "/v2/chat/completions", RouteCoverage.REFUSED, id="a route that nobody knows"),
        pytest.param(
            "POST", "/key/new_in_a_later_release", RouteCoverage.REFUSED, id="administration that nobody knows"
        ),
        pytest.param("TRACE", "/key/info", RouteCoverage.REFUSED, id="another method"),
        pytest.param(
            "post", "/key/generate", RouteCoverage.REFUSED, id="a method that the router does not know either"
        ),
        pytest.param("GET", "/KEY/info", RouteCoverage.REFUSED, id="a path that the router does not know either"),
        pytest.param("GET", "//key/info", RouteCoverage.REFUSED, id="nor this"),
        pytest.param("POST", "/key/generate\n", RouteCoverage.REFUSED, id="a line's end, which the router ignores"),
        pytest.param("WS", "/mcp", RouteCoverage.REFUSED, id="MCP as a WebSocket"),
        pytest.param("POST", "/openai/v1/responses/", RouteCoverage.REFUSED, id="with a slash, which passes through"),
        pytest.param(
            "POST", "/v1/responses/", RouteCoverage.GOVERNED, id="with a slash, which leads to responses without"
        ),
        pytest.param("POST", "/openai/", RouteCoverage.REFUSED, id="the root of what is passed through"),
        pytest.param(
            "POST", "/anthropic/v1/files/../messages", RouteCoverage.REFUSED, id="a path that the upstream reads anew"
        ),
        pytest.param(
            "POST", "/anthropic/v1/files/%2e%2e/messages", RouteCoverage.REFUSED, id="the same, encoded twice"
        ),
        pytest.param(
            "POST", "/anthropic/v1/files/x%2F..%2F../messages", RouteCoverage.REFUSED, id="the same, slashes too"
        ),
        pytest.param("POST", "/perplexity/chat", RouteCoverage.REFUSED, id="no route at all"),
    ],
)
def test_what_becomes_of_a_route(method, path, coverage):
    assert coverage_of(method, path) is coverage


def test_what_an_operator_passes_through_is_refused(monkeypatch):
    name = "litellm.proxy.pass_through_endpoints.pass_through_endpoints._registered_pass_through_routes"
    registered = {"1:subpath:/public/llm": {}, "2:exact:/mine": {}, "3:subpath:/v1/chat/completions": {}}
    monkeypatch.setattr(name, registered)

    assert coverage_of("POST", "/mine") is RouteCoverage.REFUSED
    assert coverage_of("GET", "/public/llm/chat") is RouteCoverage.REFUSED
    assert coverage_of("POST", "/v1/chat/completions/") is RouteCoverage.REFUSED
    assert coverage_of("GET", "/public/providers") is RouteCoverage.ADMINISTRATION


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/responses/resp_1", "/nobody/knows/this"])
def test_a_long_path_fits_the_row_that_a_short_one_fits(path):
    long = path if path.count("/") == 2 else f"{path}{'x' * 200}"

    assert row_of("GET", long) == row_of("GET", path) == row_of("GET", path)
