"""Which routes pass while texts are checked: those whose texts a guardrail is handed, and those that bring none.

All others are refused: LiteLLM hands over no text there (the requests in a batch's file, a file's or container's
content, instructions of assistants, passed-through routes). It hands over none of a request whose tokens it counts,
either; that request we read ourselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fastapi import FastAPI
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.registry import PLAIN_FORMATS
from litellm_bighub.gateway.mcp.mcp_messages import MessageCheck
from litellm_bighub.gateway.routes.open_routes import OpenRoutes, read_route, reads
from litellm_bighub.gateway.routes.route_table import RouteCoverage, row_of
from litellm_bighub.wording import ENGLISH, Wording

_SEEN: Final = frozenset(
    {
        *(route for known in PLAIN_FORMATS for route in known.routes),
        *("POST ~/completions", "POST /engines/{*}/completions", "POST /openai/deployments/{*}/completions"),
        *(
            "POST /openai/deployments/{*}/images/edits",
            "POST ~/rag/ingest",
        ),  # of the last, a hook refuses every request
    }
)
"""Rows of routes that carry no calls, and whose texts are checked."""

_NONE: Final = frozenset(
    {
        *("GET ~/videos", "GET ~/videos/{*}", "GET ~/files", "GET ~/files/{*}", "DELETE ~/files/{*}"),
        *("GET /{}/v1/files", "GET /{}/v1/files/{*}", "DELETE /{}/v1/files/{*}"),
        *("GET ~/containers", "GET ~/containers/{*}", "DELETE ~/containers/{}", "DELETE ~/containers/{}/files/{}"),
        *("GET ~/fine_tuning/{*}", "POST ~/fine_tuning/jobs/{*}/cancel"),
        *("GET ~/skills", "GET ~/skills/{*}", "DELETE ~/skills/{}", "GET ~/search/tools"),
        *("GET ~/vector_stores", "GET ~/vector_stores/{*}", "DELETE ~/vector_stores/{}"),
        *("DELETE ~/vector_stores/{}/files/{}", "GET ~/vector_store/list", "POST /vector_store/delete"),
        *("POST /vector_store/info", "POST /vector_store/new", "POST /vector_store/update"),
        *("GET ~/models", "GET ~/models/{}", "GET /cursor/models", "GET /cursor/v1/models"),
        *("GET /claude_code_gateway/v1/models", "DELETE ~/responses/{}", "DELETE /openai/v1/responses/{}"),
        *("DELETE ~/assistants/{*}", "GET ~/threads/{}", "GET ~/batches", "GET ~/batches/{*}"),
        *("POST ~/batches/{*}/cancel", "GET /{}/v1/batches", "GET /{}/v1/batches/{*}"),
        *("POST /{}/v1/batches/{*}/cancel", "GET /v1/evals", "GET /v1/evals/{}", "GET /v1/evals/{}/runs"),
        *("GET /v1/evals/{}/runs/{}", "POST /v1/evals/{}/cancel", "DELETE /v1/evals/{}", "DELETE /v1/evals/{}/runs/{}"),
        *("GET /v1beta/agents", "GET /v1beta/agents/{*}", "DELETE /v1beta/agents/{*}"),
        *("DELETE /v1beta/interactions/{}", "DELETE /interactions/{}", "GET /a2a/{}/.well-known/{}"),
        *("GET /mcp/enabled", "GET /mcp/docs", "GET /mcp/docs/oauth2-redirect", "GET /mcp/redoc"),
        *("GET /mcp/openapi.json", "GET /mcp-rest/tools/list", "POST /mcp-rest/test/connection"),
        *("POST /mcp-rest/test/tools/list", "POST /introspect", "POST /revoke", "GET /callback", "GET /authorize"),
        *("POST /token", "POST /register", "GET /{}/authorize", "POST /{}/token", "POST /{}/register"),
        *("GET /v1/traces", "GET /v1/traces/{*}"),
    }
)
"""Rows of routes that carry no calls and bring no text to a provider or from one."""

_CONTENT: Final = "/content"
_FILMS: Final = ("/videos/", "/v1/videos/")
_COUNTS: Final = "POST /utils/token_counter"
"""It administers nothing: LiteLLM may ask the provider to count."""

COUNTING: Final[Mapping[str, str]] = {
    "/v1/messages/count_tokens": "anthropic_messages",
    "/claude_code_gateway/v1/messages/count_tokens": "anthropic_messages",
    "/v1/responses/input_tokens": "aresponses",
    "/responses/input_tokens": "aresponses",
    "/openai/v1/responses/input_tokens": "aresponses",
}
"""Routes that count the tokens of a request, and the call type that LiteLLM gives to such a request elsewhere."""

CountCheck: TypeAlias = "Callable[[JsonObject, UserAPIKeyAuth, str], Awaitable[JsonObject]]"
"""Checks the texts of a request that counts tokens: its body, whose it is, its call type. Answers the body checked."""


@dataclass(frozen=True, slots=True)
class TextRouteGuard:
    """A guardrail that closes routes whose texts it is not handed.

    Attributes:
        name: as the config calls it.
        open_routes: what it leaves open all the same.
        wording: in which it refuses.
        closes: whether it closes any.
        count_check: checks requests that count tokens.
        message_check: checks MCP messages.
    """

    name: str
    open_routes: OpenRoutes = field(default_factory=OpenRoutes)
    wording: Wording = ENGLISH
    closes: bool = True
    count_check: CountCheck | None = None
    message_check: MessageCheck | None = None


def text_route_guard(name: str, open_routes: Sequence[str]) -> TextRouteGuard:
    """What a guardrail leaves open though it checks no text there.

    Raises:
        ConfigurationError: an entry is no route.
    """
    rows = [read_route(f"{name}.open_routes[{number}]", entry) for number, entry in enumerate(open_routes)]
    return TextRouteGuard(name, OpenRoutes(tuple(rows)))


def brings_unchecked_texts(method: str, path: str, coverage: RouteCoverage) -> bool:
    """Whether texts of a route reach a provider, or come from one, which no guardrail is handed.

    Args:
        method: in capitals, `WS` for a WebSocket.
        path: as the router matches it.
        coverage: what is known of the route's tool calls; one that is refused for those may bring anything.
    """
    rows = [row for each in reads(method) if (row := row_of(each, path)) is not None]
    if coverage is RouteCoverage.REFUSED or not rows:
        return True
    row = rows[0]
    if row.coverage is RouteCoverage.NO_CALLS:
        return row.pattern not in _SEEN | _NONE or (path.endswith(_CONTENT) and not path.startswith(_FILMS))
    return f"{method} {path.rstrip('/')}" == _COUNTS


def close_text_routes(app: FastAPI | None, guard: TextRouteGuard) -> None:
    """Close the routes of a proxy whose texts a guardrail, which is on by default, is not handed.

    Raises:
        ConfigurationError: they cannot be closed.
    """
    if app is not None:
        # In a proxy what it imports is loaded; in code, where nothing needs it, it would take seconds.
        from litellm_bighub.gateway.routes.closed_routes import closed_routes_of  # noqa: PLC0415

        closed_routes_of(app, f"{guard.name}.unchecked_routes").add_texts(guard)
