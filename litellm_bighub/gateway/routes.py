"""Every route of LiteLLM's proxy that speaks to models or tools, and what becomes of tool calls on it.

A test walks the routes of the installed LiteLLM and fails when it has one that stands in no row. At run time such a
route is refused if LiteLLM itself counts it among those of models, if it is one that an operator passes through, or if
it is a WebSocket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Fate(Enum):
    """What becomes of a route while a guardrail of ours is on."""

    GOVERNED = "governed"
    """Its answers' calls are decided on."""

    MCP = "mcp"
    """Calls of MCP tools, decided on by a guardrail whose mode has `pre_mcp_call`; without one it is refused."""

    REFUSED = "refused"
    """It may carry tool calls, and LiteLLM has no hook that could hold one back."""

    NO_CALLS = "carries none"
    """It carries no tool call that somebody would run."""


@dataclass(frozen=True, slots=True)
class Row:
    """A pattern over method and path, as in `POST ~/responses`.

    `~` stands for nothing or `/v1`, `{}` for one segment of a path and `{*}` for any number of them. `*` is any
    method, `WS` a WebSocket.
    """

    pattern: str
    fate: Fate

    @property
    def regex(self) -> str:
        """The pattern as a regular expression over `METHOD /path`."""
        method, _, path = self.pattern.partition(" ")
        parts = re.split(r"(~|\{\*?\})", path)
        spelled = "".join({"~": "(/v1)?", "{}": "[^/]+", "{*}": ".+"}.get(part, re.escape(part)) for part in parts)
        return f"{'[A-Z]+' if method == '*' else method} {spelled}"


_GOVERNED = (
    *("POST ~/chat/completions", "POST /engines/{*}/chat/completions", "POST /openai/deployments/{*}/chat/completions"),
    *("POST /cursor/chat/completions", "POST /prompts/test"),
    *("POST /v1/messages", "POST /claude_code_gateway/v1/messages"),
    *("POST ~/responses", "POST ~/responses/compact", "POST /openai/v1/responses", "POST /openai/v1/responses/compact"),
    *("GET ~/responses/{}", "GET ~/responses/{}/input_items", "POST ~/responses/{}/cancel"),
    *("GET /openai/v1/responses/{}", "GET /openai/v1/responses/{}/input_items"),
    "POST /openai/v1/responses/{}/cancel",
)
_MCP_BUT_NO_CALLS = (
    *("GET /mcp/enabled", "GET /mcp/docs", "GET /mcp/docs/oauth2-redirect", "GET /mcp/redoc", "GET /mcp/openapi.json"),
)
_MCP = (*("* /mcp", "* /mcp/{*}", "* /{}/mcp", "* /toolset/{}/mcp", "POST /mcp-rest/tools/call"),)
_NO_CALLS = (
    # text completions have no place for a call: LiteLLM makes plain text of whatever a model answers there
    *("POST ~/completions", "POST /engines/{*}/completions", "POST /openai/deployments/{*}/completions"),
    *("POST ~/embeddings", "POST /engines/{*}/embeddings", "POST /openai/deployments/{*}/embeddings"),
    *("POST ~/images/{}", "POST /openai/deployments/{*}/images/{}", "POST ~/audio/{}", "POST ~/moderations"),
    *("POST ~/rerank", "POST /v2/rerank", "POST ~/ocr", "* ~/videos", "* ~/videos/{*}"),
    *("* ~/files", "* ~/files/{*}", "* /{}/v1/files", "* /{}/v1/files/{*}", "* ~/containers", "* ~/containers/{*}"),
    *("* ~/fine_tuning/{*}", "* ~/skills", "* ~/skills/{*}", "* ~/search", "* ~/search/{*}", "POST ~/rag/ingest"),
    *("* ~/vector_stores", "* ~/vector_stores/{*}", "* ~/vector_store/{*}", "GET ~/models", "GET ~/models/{}"),
    *("DELETE ~/responses/{}", "DELETE /openai/v1/responses/{}", "POST ~/responses/input_tokens"),
    *("POST /openai/v1/responses/input_tokens", "POST /v1/messages/count_tokens"),
    *("POST /claude_code_gateway/v1/messages/count_tokens", "GET /cursor/models", "GET /cursor/v1/models"),
    "GET /claude_code_gateway/v1/models",
    *("POST /models/{*}:countTokens", "POST /v1beta/models/{*}:countTokens"),
    # what starts no run; the runs themselves are refused
    *("* ~/assistants", "* ~/assistants/{*}", "POST ~/threads", "GET ~/threads/{}", "* ~/threads/{}/messages"),
    *("GET ~/batches", "GET ~/batches/{*}", "POST ~/batches/{*}/cancel"),
    *("GET /{}/v1/batches", "GET /{}/v1/batches/{*}", "POST /{}/v1/batches/{*}/cancel"),
    *("GET /v1beta/agents", "GET /v1beta/agents/{*}", "DELETE /v1beta/agents/{*}", "DELETE /v1beta/interactions/{}"),
    *("DELETE /interactions/{}", "GET /a2a/{}/.well-known/{}"),
    # MCP without a call, and logins to its servers
    *("* /v1/mcp/{*}", "GET /mcp-rest/tools/list", "POST /mcp-rest/test/{*}", "POST /introspect", "POST /token"),
    *("* /authorize", "* /register", "* /revoke", "GET /callback", "* /{}/authorize", "* /{}/token", "* /{}/register"),
    # speech, images and records of third parties, passed through
    *("* /azure_speech/{*}", "* /comprehendmedical", "* /comprehendmedical/{*}", "* /transcribe", "* /transcribe/{*}"),
    *("* /fal_ai/{*}", "* /milvus/{*}", "* /langfuse/{*}", "WS /deepgram/{*}"),
    # LiteLLM's own administration, that it counts among the routes of models
    *("* ~/lens", "* ~/lens/{*}", "* ~/traces", "* ~/traces/{*}", "POST /v1/logs", "* /claude-code/{*}"),
    *("* /utils/{*}", "GET /public/{*}", "* ~/agents", "* ~/agents/{*}"),
)
_REFUSED = (
    *("WS {*}", "* ~/realtime/{*}", "* /openai/v1/realtime/{*}"),
    *("POST /queue/chat/completions", "POST ~/rag/query", "POST ~/threads/{}/runs", "POST ~/decisions"),
    *("POST ~/systemone", "POST ~/batches", "POST /{}/v1/batches", "POST /v1beta/agents"),
    *("POST /models/{*}:generateContent", "POST /models/{*}:streamGenerateContent"),
    *("POST /v1beta/models/{*}:generateContent", "POST /v1beta/models/{*}:streamGenerateContent"),
    *("* /interactions", "* /interactions/{*}", "* /v1beta/interactions", "* /v1beta/interactions/{*}"),
    *("POST /a2a/{}", "POST ~/a2a/{}/message/send", "POST ~/a2a/{}/message/stream"),
    *("* /anthropic/{*}", "* /assemblyai/{*}", "* /eu.assemblyai/{*}", "* /azure/{*}", "* /azure_ai/{*}"),
    *("* /bedrock/{*}", "* /bespoke/{*}", "* /cohere/{*}", "* /cursor/{*}", "* /gemini/{*}", "* /gigachat/{*}"),
    *("* /laya/{*}", "* /mistral/{*}", "* /nvidia_nim/{*}", "* /openai/{*}", "* /openai_passthrough/{*}"),
    *("* /openrouter/{*}", "* /tinyfish/{*}", "* /typesafe/{*}", "* /vertex-ai/{*}", "* /vertex_ai/{*}"),
    *("* /vllm/{*}", "* /watsonx/{*}", "* /backend-api/{*}", "* /eu_jev/{*}", "POST ~/extraction"),
)

ROWS: Final[tuple[Row, ...]] = tuple(
    Row(pattern, fate)
    for patterns, fate in (
        (_GOVERNED, Fate.GOVERNED),
        (_MCP_BUT_NO_CALLS, Fate.NO_CALLS),
        (_MCP, Fate.MCP),
        (_NO_CALLS, Fate.NO_CALLS),
        (_REFUSED, Fate.REFUSED),
    )
    for pattern in patterns
)
"""The first row that fits counts."""

_ONE: Final = re.compile("|".join(f"(?P<r{number}>{row.regex})" for number, row in enumerate(ROWS)))


def row_of(method: str, path: str) -> Row | None:
    """The row of a request, `None` if it stands in none.

    Args:
        method: in capitals, `WS` for a WebSocket.
        path: without the proxy's root path, as it is matched against routes. A slash at its end does not count.
    """
    found = _ONE.fullmatch(f"{method} {path.rstrip('/')}")
    if found is None:
        return None
    return next(row for number, row in enumerate(ROWS) if found.group(f"r{number}") is not None)
