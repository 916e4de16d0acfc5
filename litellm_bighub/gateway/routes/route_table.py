"""The table of all routes of LiteLLM's proxy, with the coverage of each.

A test walks all routes of the installed LiteLLM and fails if one has no row. At run time a route without a row is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import Final

from litellm_bighub.formats.registry import FORMATS
from litellm_bighub.gateway.routes.administration_routes import ADMINISTRATION


class RouteCoverage(Enum):
    """What becomes of a route while a guardrail of ours is on."""

    GOVERNED = "governed"
    """Its answers' calls are decided on."""

    MCP = "mcp"
    """Calls of MCP tools, decided on by a guardrail whose mode has `pre_mcp_call`; without one it is refused."""

    REFUSED = "refused"
    """It is unknown, or may carry tool calls that no hook can withhold."""

    NO_CALLS = "carries none"
    """It carries no tool call that somebody would run."""

    OPEN = "open"
    """The operator has opened it: its calls are not decided on."""

    ADMINISTRATION = "administration"
    """It administers or shows the proxy."""


_SPELLED: Final = {"~": "(/v1)?", "{}": "[^/]+", "{*}": ".*", "{/*}": "(/.*)?"}


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A pattern over method and path, as in `POST ~/responses`.

    `~` stands for nothing or `/v1`, `{}` for one segment of a path, `{*}` for any number of them and `{/*}` for any
    number with the slash before. `*` is any method of HTTP, `WS` a WebSocket.
    """

    pattern: str
    coverage: RouteCoverage

    @property
    def regex(self) -> str:
        """The pattern as a regular expression over `METHOD /path`."""
        method, _, path = self.pattern.partition(" ")
        spelled = "".join(_SPELLED.get(part, re.escape(part)) for part in re.split(r"(~|\{/?\*?\})", path))
        return f"{'(?!WS )[A-Z]+' if method == '*' else method} {spelled}"


_GOVERNED = tuple(route for known in FORMATS for route in known.routes)
_MCP_BUT_NO_CALLS = (
    *("GET /mcp/enabled", "GET /mcp/docs", "GET /mcp/docs/oauth2-redirect", "GET /mcp/redoc", "GET /mcp/openapi.json"),
)
_REFUSED = (
    *("* ~/realtime/{*}", "* /openai/v1/realtime/{*}", "POST /queue/chat/completions", "POST ~/rag/query"),
    *("POST ~/threads/{}/runs", "POST ~/decisions", "POST ~/systemone", "POST ~/extraction"),
    *("POST ~/batches", "POST /{}/v1/batches", "POST /v1beta/agents"),
    *("POST /models/{*}:generateContent", "POST /models/{*}:streamGenerateContent"),
    *("POST /v1beta/models/{*}:generateContent", "POST /v1beta/models/{*}:streamGenerateContent"),
    *("POST /a2a/{}", "POST ~/a2a/{}/message/send", "POST ~/a2a/{}/message/stream"),
    # the provider runs its own tools there, and they stand where no hook of ours looks
    *("POST /v1/evals/{}/runs", "POST /health/test_connection"),
    # calls that LiteLLM itself makes: of its dashboard's assistant, and of requests that it sends once more
    *("POST /usage/ai/chat", "POST /auto_router/shadow_eval/start"),
)
_MCP = (*("* /mcp", "* /mcp/{*}", "* /{}/mcp", "* /toolset/{}/mcp", "POST /mcp-rest/tools/call"),)
_NO_CALLS = (
    # text completions have no place for a call: LiteLLM makes plain text of whatever a model answers there
    *("POST ~/completions", "POST /engines/{*}/completions", "POST /openai/deployments/{*}/completions"),
    *("POST ~/embeddings", "POST /engines/{*}/embeddings", "POST /openai/deployments/{*}/embeddings"),
    *("POST ~/images/generations", "POST /openai/deployments/{*}/images/generations", "POST ~/images/edits"),
    *("POST /openai/deployments/{*}/images/edits", "POST ~/audio/speech", "POST ~/audio/transcriptions"),
    *("POST ~/moderations", "POST ~/rerank", "POST /v2/rerank", "POST ~/ocr", "POST ~/rag/ingest"),
    *("GET ~/videos", "GET ~/videos/{*}", "POST ~/videos", "POST ~/videos/characters", "POST ~/videos/edits"),
    *("POST ~/videos/extensions", "POST ~/videos/{}/remix"),
    *("GET ~/files", "GET ~/files/{*}", "POST ~/files", "DELETE ~/files/{*}"),
    *("GET /{}/v1/files", "GET /{}/v1/files/{*}", "POST /{}/v1/files", "DELETE /{}/v1/files/{*}"),
    *("GET ~/containers", "GET ~/containers/{*}", "POST ~/containers", "POST ~/containers/{}/files"),
    *("DELETE ~/containers/{}", "DELETE ~/containers/{}/files/{}"),
    *("GET ~/fine_tuning/{*}", "POST ~/fine_tuning/jobs", "POST ~/fine_tuning/jobs/{*}/cancel"),
    *("GET ~/skills", "GET ~/skills/{*}", "POST ~/skills", "DELETE ~/skills/{}"),
    *("POST ~/search", "POST ~/search/{}", "GET ~/search/tools"),
    *("GET ~/vector_stores", "GET ~/vector_stores/{*}", "POST ~/vector_stores", "POST ~/vector_stores/{}"),
    *("POST ~/vector_stores/{*}/search", "POST ~/vector_stores/{}/files", "POST ~/vector_stores/{}/files/{}"),
    *("DELETE ~/vector_stores/{}", "DELETE ~/vector_stores/{}/files/{}", "GET ~/vector_store/list"),
    *("POST /vector_store/delete", "POST /vector_store/info", "POST /vector_store/new", "POST /vector_store/update"),
    *("GET ~/models", "GET ~/models/{}", "GET /cursor/models", "GET /cursor/v1/models"),
    "GET /claude_code_gateway/v1/models",
    *("DELETE ~/responses/{}", "DELETE /openai/v1/responses/{}", "POST ~/responses/input_tokens"),
    *("POST /openai/v1/responses/input_tokens", "POST /v1/messages/count_tokens"),
    "POST /claude_code_gateway/v1/messages/count_tokens",
    *("POST /models/{*}:countTokens", "POST /v1beta/models/{*}:countTokens"),
    # what starts no run; the runs themselves are refused
    *("GET ~/assistants", "POST ~/assistants", "DELETE ~/assistants/{*}"),
    *("POST ~/threads", "GET ~/threads/{}", "GET ~/threads/{}/messages", "POST ~/threads/{}/messages"),
    *("GET ~/batches", "GET ~/batches/{*}", "POST ~/batches/{*}/cancel"),
    *("GET /{}/v1/batches", "GET /{}/v1/batches/{*}", "POST /{}/v1/batches/{*}/cancel"),
    *("GET /v1/evals", "GET /v1/evals/{}", "GET /v1/evals/{}/runs", "GET /v1/evals/{}/runs/{}", "POST /v1/evals"),
    *("POST /v1/evals/{}", "POST /v1/evals/{}/cancel"),
    *("POST /v1/evals/{}/runs/{}", "DELETE /v1/evals/{}", "DELETE /v1/evals/{}/runs/{}"),
    *("GET /v1beta/agents", "GET /v1beta/agents/{*}", "DELETE /v1beta/agents/{*}", "DELETE /v1beta/interactions/{}"),
    *("DELETE /interactions/{}", "GET /a2a/{}/.well-known/{}"),
    # MCP without a call, and logins
    *("GET /mcp-rest/tools/list", "POST /mcp-rest/test/connection", "POST /mcp-rest/test/tools/list"),
    *("POST /introspect", "POST /revoke", "GET /callback", "GET /authorize", "POST /token", "POST /register"),
    # speech, images and records of third parties, passed through
    *("* /azure_speech/{*}", "POST /comprehendmedical", "POST /comprehendmedical/{}", "POST /transcribe"),
    *("POST /transcribe/{}", "* /fal_ai/{*}", "* /milvus/{*}", "* /langfuse/{*}"),
    *("WS /deepgram/listen", "WS /deepgram/speak", "WS /deepgram/v1/listen", "WS /deepgram/v1/speak"),
    # records of what agents did
    *("GET /v1/traces", "GET /v1/traces/{*}"),
)
_PASSED_THROUGH = (
    *("* /interactions", "* /interactions/{*}", "* /v1beta/interactions", "* /v1beta/interactions/{*}"),
    *("* /anthropic/{*}", "* /assemblyai/{*}", "* /eu.assemblyai/{*}", "* /azure/{*}", "* /azure_ai/{*}"),
    *("* /bedrock/{*}", "* /bespoke/{*}", "* /cohere/{*}", "* /cursor/{*}", "* /gemini/{*}", "* /gigachat/{*}"),
    *("* /laya/{*}", "* /mistral/{*}", "* /nvidia_nim/{*}", "* /openai/{*}", "* /openai_passthrough/{*}"),
    *("* /openrouter/{*}", "* /tinyfish/{*}", "* /typesafe/{*}", "* /vertex-ai/{*}", "* /vertex_ai/{*}"),
    *("* /vllm/{*}", "* /watsonx/{*}", "* /backend-api/{*}", "* /eu_jev/{*}", "* /plugin-proxy/{*}", "WS {*}"),
)
NO_MCP_SERVERS = tuple(dict.fromkeys(f"* /{row.split('/')[1]}/mcp" for row in _PASSED_THROUGH if " /" in row))
"""What is passed through by its first segment is no MCP server of that name: the router takes `mcp` for an id there."""
_LOGINS = (*("GET /{}/authorize", "POST /{}/token", "POST /{}/register"),)

ROWS: Final[tuple[RouteRow, ...]] = tuple(
    RouteRow(pattern, coverage)
    for patterns, coverage in (
        (_GOVERNED, RouteCoverage.GOVERNED),
        (_MCP_BUT_NO_CALLS, RouteCoverage.NO_CALLS),
        (_REFUSED, RouteCoverage.REFUSED),
        (NO_MCP_SERVERS, RouteCoverage.REFUSED),
        (_MCP, RouteCoverage.MCP),
        (_NO_CALLS, RouteCoverage.NO_CALLS),
        (ADMINISTRATION, RouteCoverage.ADMINISTRATION),
        (_PASSED_THROUGH, RouteCoverage.REFUSED),
        (_LOGINS, RouteCoverage.NO_CALLS),
    )
    for pattern in patterns
)
"""The first row that fits counts."""

_SHORT: Final = 128
"""The characters of the longest path that is kept: callers write paths."""


def row_of(method: str, path: str) -> RouteRow | None:
    """The row of a request, `None` if it stands in none.

    Args:
        method: in capitals, `WS` for a WebSocket.
        path: without the proxy's root path, as it is matched against routes. Where it fits none with the slash at its
            end, LiteLLM leads to the one without.
    """
    return (_known_row if len(path) <= _SHORT else _found_row)(method, path)


def _found_row(method: str, path: str) -> RouteRow | None:
    start = path.split("/", 2)[1] if path.startswith("/") else ""
    rows = _beginning(start if start in _STARTS else None)
    spelled = dict.fromkeys([path, path.rstrip("/") or "/"])
    return next((row for each in spelled for row, fits in rows if fits(f"{method} {each}")), None)


_known_row: Final = lru_cache(maxsize=1024)(_found_row)
"""Each request asks about its own path several times, and most requests take a few paths."""


def _starts(row: RouteRow) -> frozenset[str]:
    """With which segments a path may begin that fits the row; none if with any."""
    path = row.pattern.partition(" ")[2]
    first = path.removeprefix("~").removeprefix("/").partition("/")[0].removesuffix("{")
    if "{" in first:
        return frozenset()
    return frozenset({first, "v1"}) if path.startswith("~") else frozenset({first})


_STARTS: Final = frozenset(start for row in ROWS for start in _starts(row))


@cache
def _beginning(start: str | None) -> tuple[tuple[RouteRow, Callable[[str], object]], ...]:
    """The rows that a path can fit which begins so, with a function that tells whether it does."""
    fitting = (row for row in ROWS if not (starts := _starts(row)) or start in starts)
    return tuple((row, re.compile(row.regex).fullmatch) for row in fitting)
