"""An MCP server that says what a test scripts and keeps what its socket got, and a client that keeps as much."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

VERSION = "2025-06-18"
Result = dict[str, Any]
NOBODY = {"name": "scripted", "version": "1"}
INITIALIZED = {"protocolVersion": VERSION, "capabilities": {"tools": {}, "prompts": {}, "resources": {}}}
TOOL = {"name": "look", "inputSchema": {"type": "object"}}
NOTHING: dict[str, Result] = {
    "initialize": {**INITIALIZED, "serverInfo": NOBODY},
    "tools/list": {"tools": [TOOL]},
    "tools/call": {"content": [{"type": "text", "text": "hi"}]},
    "prompts/list": {"prompts": [{"name": "ask"}]},
    "prompts/get": {"messages": [{"role": "user", "content": {"type": "text", "text": "hi"}}]},
    "resources/list": {"resources": [{"name": "a", "uri": "file:///a"}]},
    "resources/templates/list": {"resourceTemplates": []},
    "resources/read": {"contents": [{"uri": "file:///a", "text": "hi"}]},
}
"""What the server answers where nothing is scripted."""


@dataclass
class Scripted:
    """The running server.

    Attributes:
        url: where it is.
        got: what its socket got.
        results: what it answers, by method, in place of `NOTHING`.
        errors: errors that it answers, by method.
        notifications: what it tells before it answers a method, or asks.
    """

    url: str
    got: list[str] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)
    errors: dict[str, Result] = field(default_factory=dict)
    notifications: dict[str, list[Result]] = field(default_factory=dict)
    _answers: dict[Any, asyncio.Event] = field(default_factory=dict)

    def reset(self) -> None:
        for scripted in (self.got, self.results, self.errors, self.notifications, self._answers):
            scripted.clear()

    async def answer(self, request: Request) -> Response:
        body = (await request.body()).decode()
        self.got.append(f"{request.url} {dict(request.headers)} {body}")
        if request.method != "POST":
            return Response(status_code=405)
        asked = json.loads(body)
        if "id" not in asked or "method" not in asked:
            self._answered(asked.get("id")).set()
            return Response(status_code=202)
        method = asked["method"]
        answer: Result = {"jsonrpc": "2.0", "id": asked["id"]}
        if method in self.errors:
            answer["error"] = self.errors[method]
        elif method in self.results or method in NOTHING:
            answer["result"] = self.results.get(method, NOTHING.get(method))
        else:
            answer["error"] = {"code": -32601, "message": "no such method"}
        before = self.notifications.get(method)
        if before is None:
            return JSONResponse(answer)
        token = asked["params"].get("_meta", {}).get("progressToken")
        told = [json.loads(json.dumps(each).replace('"TOKEN"', json.dumps(token))) for each in before]
        return StreamingResponse(self._told(told, answer), media_type="text/event-stream")

    async def _told(self, told: list[Result], answer: Result) -> AsyncIterator[str]:
        """What is told before an answer, and then that. A question waits for what comes back."""
        for each in (*told, answer):
            yield f"event: message\ndata: {json.dumps(each)}\n\n"
            if "id" in each and "method" in each:
                await self._answered(each["id"]).wait()

    def _answered(self, asked: Any) -> asyncio.Event:
        return self._answers.setdefault(asked, asyncio.Event())


@contextmanager
def scripted_server() -> Iterator[Scripted]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        scripted = Scripted(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp")
        app = Starlette(routes=[Route("/mcp", scripted.answer, methods=["GET", "POST", "DELETE"])])
        running = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield scripted
        finally:
            running.should_exit = True
            thread.join()


class Client:
    """One session with a proxy; what its socket got is kept.

    Args:
        http: to the proxy.
        path: of the gateway's MCP.
        **beside: what it says of itself when it begins.
    """

    def __init__(self, http: httpx.Client, path: str = "/mcp/", **beside: Any) -> None:
        self._http = http
        self._path = path
        self._headers = {"Accept": "application/json, text/event-stream"}
        self.got: list[str] = []
        self.answers: dict[str, Result] = {}
        hello = {"protocolVersion": VERSION, "capabilities": {"elicitation": {}, "sampling": {}}, "clientInfo": NOBODY}
        self.ask("initialize", **{**hello, **beside})
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def ask(self, method: str, **params: Any) -> Any:
        """The answer to one request: a result, an error, or a text that is no JSON."""
        return self._post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what is told and asked beside the answers (LiteLLM 1.104 asks there); ends the session."""
        begun = threading.Event()
        thread = threading.Thread(target=self._send, args=("GET",), kwargs={"begun": begun}, daemon=True)
        thread.start()
        begun.wait()
        try:
            yield
        finally:
            self._send("DELETE")
            thread.join()

    def _post(self, body: Result) -> Any:
        return self._send("POST", body)

    def _send(self, method: str, body: Result | None = None, begun: threading.Event | None = None) -> Any:
        heard: Any = None
        with self._http.stream(method, self._path, json=body, headers=self._headers) as answer:
            if begun is not None:
                begun.set()
            self.got.append(str(dict(answer.headers)))
            if session := answer.headers.get("mcp-session-id"):
                self._headers["Mcp-Session-Id"] = session
            for line in answer.iter_lines():
                self.got.append(line)
                heard = self._read(line, heard)
        return heard

    def _read(self, line: str, heard: Any) -> Any:
        """The message of a line, and what came before if there is none. What it asks is answered."""
        try:
            message = json.loads(line.removeprefix("data:"))
        except ValueError:
            return heard or line
        if "id" in message and message.get("method") in self.answers:
            self._post({"jsonrpc": "2.0", "id": message["id"], "result": self.answers[message["method"]]})
        return message
