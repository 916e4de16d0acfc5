"""The table of probes: one for every route by which a tool call could pass the gateway.

A governed route and a closed route both deliver no byte of the canary. The proof accepts either, and shows which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from litellm_bighub.doctor.canary import HOSTED_TOOL, PROMPT, SECRETS, TOOL
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.registry import PLAIN_FORMATS

Mode: TypeAlias = Literal["whole", "streamed"]
_SECONDS = 60.0
UploadedFile: TypeAlias = tuple[str, bytes, str]
NO_CALLS = "none"
"""The format of a road on which no call could be offered, and whose texts LiteLLM hands to no guardrail."""
_FILE: UploadedFile = ("canary.mp3", b"canary", "application/octet-stream")


@dataclass(frozen=True, slots=True)
class Received:
    """What came back.

    Attributes:
        status: the HTTP status of the last answer; 0 for a connection that was refused or broken off.
        content: every byte of every answer.
    """

    status: int
    content: bytes


@dataclass(frozen=True, slots=True)
class ProbedGateway:
    """The gateway that is probed.

    Attributes:
        http: a client that is authenticated.
        key: for what `http` cannot do.
        model: a model of the config.
        socket_model: one for `/v1/responses` as a WebSocket.
        secrets: what requests hold that bring secrets themselves.
    """

    http: httpx.Client
    key: str
    model: str
    socket_model: str
    secrets: Sequence[str] = tuple(SECRETS.values())

    @property
    def told(self) -> str:
        """The question for the canary, and every secret with it."""
        return f"{PROMPT} {'; '.join(self.secrets)}"

    def post(self, path: str, body: JsonMapping) -> Received:
        """Post, and read the answer to its end."""
        return self._received("POST", path, json=body)

    def post_form(self, path: str, fields: Mapping[str, str], name: str, file: UploadedFile = _FILE) -> Received:
        """Post a form with a file of this name, and read the answer to its end."""
        return self._received("POST", path, data=dict(fields), files={name: file})

    def get(self, path: str) -> Received:
        """Get, and read the answer to its end."""
        return self._received("GET", path)

    def _received(self, method: str, path: str, **sent: Payload) -> Received:
        content = b""
        try:
            with self.http.stream(method, path, **sent) as response:
                status = response.status_code
                for piece in response.iter_bytes():
                    content += piece
        except httpx.HTTPError:
            return Received(0, content)
        return Received(status, content)


@dataclass(frozen=True, slots=True)
class Probe:
    """One road.

    Attributes:
        route: as the table names it.
        mode: how the answer is asked for.
        format: the name of the governed format that it speaks, `other`, or `NO_CALLS`.
        send: asks for the canary.
    """

    route: str
    mode: Mode
    format: str
    send: Callable[[ProbedGateway], Received]


OWN_PROVIDERS: Mapping[str, str] = {
    "/v1/rerank": "hosted_vllm/rerank",
    "/v1/ocr": "mistral/mistral-ocr-latest",
    "/v1/messages/count_tokens": "azure_ai/claude-sonnet-4-5",  # 1.104 asks Anthropic itself, whatever it is told
}
"""Routes that no model of OpenAI's answers, and one that does."""

_DOCUMENT = {"type": "document_url", "document_url": f"https://example.com/{PROMPT}"}

_FUNCTION = {"name": TOOL, "parameters": {"type": "object"}}
_RESPONSES_TOOLS = [{"type": "function", "strict": False, **_FUNCTION}]
_CHAT_TOOLS = [{"type": "function", "function": _FUNCTION}]
_MESSAGES_TOOLS = [{"name": TOOL, "input_schema": {"type": "object"}}]
_TURN = [{"role": "user", "content": PROMPT}]


def responses(gate: ProbedGateway, **more: Payload) -> Received:
    """Ask on `/v1/responses`."""
    return gate.post("/v1/responses", {**_responses_body(gate), **more})


def _responses_body(gate: ProbedGateway, **more: Payload) -> JsonObject:
    return {"model": gate.model, "input": PROMPT, "tools": _RESPONSES_TOOLS, **more}


def _chat(gate: ProbedGateway, **more: Payload) -> Received:
    body = {"model": gate.model, "messages": _TURN, "tools": _CHAT_TOOLS}
    return gate.post("/v1/chat/completions", {**body, **more})


def _messages(gate: ProbedGateway, **more: Payload) -> Received:
    body = {"model": gate.model, "messages": _TURN, "max_tokens": 99, "tools": _MESSAGES_TOOLS}
    return gate.post("/v1/messages", {**body, **more})


def _completions(gate: ProbedGateway, **more: Payload) -> Received:
    return gate.post("/v1/completions", {"model": gate.model, "prompt": PROMPT, **more})


def _retrieved(gate: ProbedGateway, **more: Payload) -> Received:
    """Ask, then fetch what was stored: both answers count."""
    first = responses(gate, store=True, **more)
    response_id = _response_id(first.content)
    if not response_id:
        return first
    second = gate.get(f"/v1/responses/{response_id}")
    return Received(second.status, first.content + second.content)


def _response_id(content: bytes) -> str:
    try:
        answer: Payload = json.loads(content)
    except ValueError:
        return ""
    found = answer.get("id") if isinstance(answer, dict) else None
    return found if isinstance(found, str) else ""


def _compact(gate: ProbedGateway) -> Received:
    return gate.post("/v1/responses/compact", {"model": gate.model, "input": PROMPT})


def _gemini(gate: ProbedGateway, method: str) -> Received:
    body = {
        "contents": [{"role": "user", "parts": [{"text": PROMPT}]}],
        "tools": [{"functionDeclarations": [{"name": TOOL, "parameters": {"type": "OBJECT", "properties": {}}}]}],
    }
    return gate.post(f"/v1beta/models/{gate.model}:{method}", body)


def _pass_through(gate: ProbedGateway, **more: Payload) -> Received:
    return gate.post("/openai_passthrough/v1/responses", _responses_body(gate, **more))


def _websocket(gate: ProbedGateway) -> Received:
    url = str(gate.http.base_url.copy_with(scheme="ws", path="/v1/responses"))
    headers = {"Authorization": f"Bearer {gate.key}"}
    content, status = b"", 0
    try:
        with connect(
            f"{url}?model={gate.socket_model}", additional_headers=headers, proxy=None, open_timeout=_SECONDS
        ) as line:
            status = 101
            line.send(json.dumps({"type": "response.create", **_responses_body(gate), "model": gate.socket_model}))
            while not _last(content):
                said = line.recv(timeout=_SECONDS)
                content += b"data: " + (said.encode() if isinstance(said, str) else said) + b"\n"
    except (WebSocketException, OSError):
        return Received(0 if not content else status, content)
    return Received(status, content)


def _last(content: bytes) -> bool:
    """Whether the last event of a turn, or an error, has come."""
    try:
        event: Payload = json.loads(content.rpartition(b"data: ")[2])
    except ValueError:
        return False
    kind = event.get("type") if isinstance(event, dict) else ""
    return kind in {"response.completed", "response.incomplete", "response.failed", "error"}


def _several_models(gate: ProbedGateway, **more: Payload) -> Received:
    """A model name with a comma asks several models at once; LiteLLM answers with a list."""
    return _chat(gate, **{"model": f"{gate.model},{gate.model}", **more})


def _fastest_model(gate: ProbedGateway, **more: Payload) -> Received:
    return _several_models(gate, fastest_response=True, **more)


def _in_extra_body(ask: Callable[..., Received], field: str) -> Callable[..., Received]:
    """What LiteLLM lays over the request last: the question for the canary, and every secret with it."""
    if field == "messages":
        return lambda gate, **more: ask(
            gate, messages=_turn("hello"), extra_body={"messages": _turn(gate.told)}, **more
        )
    return lambda gate, **more: ask(gate, input="hello", extra_body={"input": gate.told}, **more)


def _stream_in_extra_body(ask: Callable[..., Received]) -> Callable[[ProbedGateway], Received]:
    """A stream that nobody but the provider was told of."""
    return lambda gate: ask(gate, extra_body={"stream": True})


def _turn(content: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": content}]


def _eval_run(gate: ProbedGateway) -> Received:
    """A run of an eval: a provider's own tools, which nobody would decide on."""
    tools = [{"type": HOSTED_TOOL}]
    source = {
        "type": "responses",
        "model": gate.model,
        "input_messages": {"type": "template", "template": _TURN},
        "sampling_params": {"tools": tools},
    }
    return gate.post("/v1/evals/eval_canary/runs", {"name": PROMPT, "model": gate.model, "data_source": source})


def _test_connection(gate: ProbedGateway) -> Received:
    body = {"litellm_params": {"model": gate.model, "messages": _TURN, "tools": _CHAT_TOOLS}, "mode": "chat"}
    return gate.post("/health/test_connection", body)


def _plugin_proxy(gate: ProbedGateway) -> Received:
    return gate.post("/plugin-proxy/canary/v1/responses", _responses_body(gate))


def _plain(route: str, fields: Callable[[str], JsonObject]) -> Probe:
    """A request without a conversation that holds every secret. Its format is named as its route ends."""
    return Probe(
        route,
        "whole",
        _format_of(route),
        lambda gate: gate.post(route, {**fields(gate.told), "model": _of(gate, route)}),
    )


def _form(route: str, mode: Mode, file: str, **fields: str) -> Probe:
    """The same as a form."""
    return Probe(
        route,
        mode,
        _format_of(route),
        lambda gate: gate.post_form(route, {"prompt": gate.told, **fields, "model": gate.model}, file),
    )


def _format_of(route: str) -> str:
    return next(known.name for known in PLAIN_FORMATS if f"POST {route}".replace("/v1", "~") in known.routes)


def _of(gate: ProbedGateway, route: str) -> str:
    """The model for a route: some need a provider of their own."""
    return f"{gate.model}-{route.rpartition('/')[2]}" if route in OWN_PROVIDERS else gate.model


def _tokens(gate: ProbedGateway) -> Received:
    """A text that only the provider could read."""
    return gate.post("/v1/embeddings", {"model": gate.model, "input": [[1, 2, 3]], "user": PROMPT})


def _untold(route: str, fields: Callable[[str], JsonObject], path: str = "") -> Probe:
    """A request whose texts LiteLLM hands to no guardrail."""
    return Probe(route, "whole", NO_CALLS, lambda gate: gate.post(path or route, fields(gate.told)))


def _counted(route: str, fields: Callable[[str], JsonObject]) -> Probe:
    """A request whose tokens are counted."""
    return Probe(
        route, "whole", NO_CALLS, lambda gate: gate.post(route, {**fields(gate.told), "model": _of(gate, route)})
    )


def _file(gate: ProbedGateway) -> Received:
    """The file of a batch, which holds requests."""
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": _turn(gate.told)}}
    file = ("canary.jsonl", json.dumps(line).encode(), "application/jsonl")
    return gate.post_form("/v1/files", {"purpose": "batch"}, "file", file)


def _both(route: str, form: str, send: Callable[..., Received]) -> tuple[Probe, Probe]:
    return (
        Probe(route, "whole", form, send),
        Probe(route, "streamed", form, lambda gate: send(gate, stream=True)),
    )


PROBES: tuple[Probe, ...] = (
    *_both("/v1/responses", "responses", responses),
    *_both("/v1/chat/completions", "chat", _chat),
    *_both("/v1/messages", "messages", _messages),
    Probe("/v1/responses, WebSocket", "streamed", "other", _websocket),
    Probe("/v1/responses, background", "whole", "other", lambda gate: _retrieved(gate, background=True)),
    Probe("/v1/responses/{id}", "whole", "other", _retrieved),
    Probe("/v1/responses/compact", "whole", "other", _compact),
    *_both("/v1/completions", "other", _completions),
    Probe("/v1beta/models/{model}:generateContent", "whole", "other", lambda gate: _gemini(gate, "generateContent")),
    Probe(
        "/v1beta/models/{model}:generateContent",
        "streamed",
        "other",
        lambda gate: _gemini(gate, "streamGenerateContent"),
    ),
    *_both("/openai_passthrough/v1/responses", "other", _pass_through),
    *_both("/v1/chat/completions, several models", "chat", _several_models),
    *_both("/v1/chat/completions, fastest model", "chat", _fastest_model),
    *_both("/v1/responses, input in extra_body", "responses", _in_extra_body(responses, "input")),
    *_both("/v1/chat/completions, messages in extra_body", "chat", _in_extra_body(_chat, "messages")),
    *_both("/v1/messages, messages in extra_body", "messages", _in_extra_body(_messages, "messages")),
    Probe("/v1/responses, stream in extra_body", "whole", "responses", _stream_in_extra_body(responses)),
    Probe("/v1/chat/completions, stream in extra_body", "whole", "chat", _stream_in_extra_body(_chat)),
    Probe("/v1/messages, stream in extra_body", "whole", "messages", _stream_in_extra_body(_messages)),
    _plain("/v1/embeddings", lambda told: {"input": [PROMPT, told]}),
    Probe("/v1/embeddings, numbers of tokens", "whole", "embeddings", _tokens),
    _plain("/v1/rerank", lambda told: {"query": PROMPT, "documents": [told]}),
    _plain("/v1/moderations", lambda told: {"input": told}),
    _plain("/v1/audio/speech", lambda told: {"input": told, "voice": "alloy"}),
    _form("/v1/audio/transcriptions", "whole", "file", response_format="verbose_json"),
    _form("/v1/audio/transcriptions", "streamed", "file", stream="true"),
    _plain("/v1/images/generations", lambda told: {"prompt": told}),
    _form("/v1/images/edits", "whole", "image"),
    _plain("/v1/ocr", lambda told: {"document": {**_DOCUMENT, "document_name": told}}),
    _plain("/v1/search", lambda told: {"search_tool_name": "doctor-search", "query": told}),
    Probe("/v1/files", "whole", NO_CALLS, _file),
    _untold("/v1/batches", lambda told: {"input_file_id": told, "endpoint": "/v1/chat/completions"}),
    _untold("/v1/vector_stores", lambda told: {"name": told}),
    _untold("/v1/assistants", lambda told: {"instructions": told}),
    _untold("/v1/threads", lambda told: {"messages": _turn(told)}),
    _untold("/v1/containers", lambda told: {"name": told}),
    _counted("/v1/messages/count_tokens", lambda told: {"messages": _turn(told)}),
    _counted("/v1/responses/input_tokens", lambda told: {"input": told}),
    _untold("/utils/token_counter", lambda told: {"messages": _turn(told)}),
    Probe("/v1/evals/{id}/runs", "whole", "other", _eval_run),
    Probe("/health/test_connection", "whole", "other", _test_connection),
    Probe("/plugin-proxy/{name}/{path}", "whole", "other", _plugin_proxy),
)
"""Every road, in the order of the table."""
