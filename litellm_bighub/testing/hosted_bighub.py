"""A fake of the hosted BIGHUB: a real HTTP server on loopback that answers what a test tells it to.

```python
with HostedBighub(block("too much"), allow()) as bighub:
    decider = hosted(ServiceSettings(base_url=bighub.url, api_key=bighub.api_key))
    ...  # the first question is answered with `block`, every later one with `allow`
    assert bighub.requests[0].body["action"] == "refund_payment"
```
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from typing_extensions import Self, override

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.testing.hosted_answers import Answer, BlackHole, Endless, Hangup, Reply, allow, error, reply

EVALUATE = ("/actions/evaluate", "/actions/submit", "/actions/submit/v2")


@dataclass(frozen=True, slots=True)
class HostedRequest:
    """A request that arrived. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    query: Mapping[str, str] = field(default_factory=dict)


Answering: TypeAlias = Answer | Callable[[HostedRequest], Answer]


class HostedBighub:
    """Answers evaluations in the order of its script, the last answer for ever.

    Args:
        script: answers, or functions that make one of the request. None means that everything is allowed.
        api_key: the only key that is let in.
    """

    def __init__(self, *script: Answering, api_key: str = "bhk_test_key") -> None:
        self.api_key = api_key
        self.requests: list[HostedRequest] = []
        """The evaluations that arrived, in their order."""
        self.memories: list[HostedRequest] = []
        """What was sent to be remembered."""
        self.approvals: dict[str, JsonObject] = {}
        """Approvals by id, listed by their `status`; a test puts them here, and resolves them."""
        self.outcomes: list[HostedRequest] = []
        """The reports of what came of calls."""
        self.abandoned = 0
        """How many clients gave up on a black hole."""
        self.closing = threading.Event()
        """Set when the server ends."""
        self._script = deque[Answering](script or (allow(),))
        self._changed = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it answers, as a `base_url`."""
        if self._server is None:
            raise RuntimeError("the server runs inside of its `with` block only")
        return f"http://127.0.0.1:{self._server.server_port}"

    def script(self, *answers: Answering) -> None:
        """Replace what is still to be answered."""
        with self._changed:
            self._script = deque(answers or (allow(),))

    def wait_for(self, *, requests: int = 0, abandoned: int = 0, timeout: float = 10.0) -> None:
        """Block until so many evaluations arrived and were given up. Call it in a thread of its own in async code.

        Raises:
            TimeoutError: it did not come to that.
        """
        with self._changed:
            reached = self._changed.wait_for(
                lambda: len(self.requests) >= requests and self.abandoned >= abandoned, timeout
            )
        if not reached:
            raise TimeoutError(f"{len(self.requests)} requests arrived, {self.abandoned} were abandoned")

    def __enter__(self) -> Self:
        self.closing.clear()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        server.shutdown()
        thread.join()
        with self._changed:
            self.closing.set()
            for connection in self._connections:
                _cut(connection)
        server.server_close()  # waits for the threads of all connections
        self._server = None

    def connected(self, connection: socket.socket) -> None:
        """A client connected."""
        with self._changed:
            self._connections.add(connection)
            if self.closing.is_set():
                _cut(connection)

    def disconnected(self, connection: socket.socket) -> None:
        """A client is gone."""
        with self._changed:
            self._connections.discard(connection)

    def gave_up(self) -> None:
        """A client left a black hole."""
        with self._changed:
            self.abandoned += not self.closing.is_set()
            self._changed.notify_all()

    def answer(self, request: HostedRequest) -> Answer:
        """What the request is answered with; called by the server's threads."""
        if request.headers.get("x-api-key") != self.api_key:
            return error(401, "Invalid API key")
        match request.method, request.path:
            case "POST", path if path in EVALUATE:
                return self._evaluate(request)
            case "GET", "/approvals":
                return self._listed(request.query.get("status", "pending"))
            case "POST", path if path.startswith("/approvals/") and path.endswith("/resolve"):
                return self._resolved(path.removeprefix("/approvals/").removesuffix("/resolve"), request.body)
            case "POST", "/actions/memory/ingest":
                return self._remember(request)
            case "POST", "/outcomes/report":
                return self._report(request)
            case _:
                return error(404, "Not Found")

    def _evaluate(self, request: HostedRequest) -> Answer:
        with self._changed:
            self.requests.append(request)
            answering = self._script.popleft() if len(self._script) > 1 else self._script[0]
            self._changed.notify_all()
        return answering(request) if callable(answering) else answering

    def _listed(self, status: str) -> Answer:
        with self._changed:
            return reply([approval for approval in self.approvals.values() if approval["status"] == status])

    def _resolved(self, request_id: str, body: Any) -> Answer:
        with self._changed:
            approval = self.approvals.get(request_id)
            if approval is None:
                return error(404, "no such approval")
            approval |= {"status": body["resolution"], "comment": body.get("comment")}
            return reply(approval)

    def _remember(self, request: HostedRequest) -> Answer:
        with self._changed:
            self.memories.append(request)
            total = sum(len(memory.body["events"]) for memory in self.memories)
        return reply(
            {"accepted": len(request.body["events"]), "total_stored": total, "source": request.body.get("source")}
        )

    def _report(self, request: HostedRequest) -> Answer:
        with self._changed:
            self.outcomes.append(request)
            return reply({"outcome_id": f"out_{len(self.outcomes)}", "request_id": request.body.get("request_id")})


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, bighub: HostedBighub) -> None:
        self.bighub = bighub
        super().__init__(("127.0.0.1", 0), _Handler)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left while it was answered is no error."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def bighub(self) -> HostedBighub:
        """The fake that this connection belongs to."""
        if not isinstance(self.server, _Server):
            raise TypeError("this handler serves a HostedBighub only")
        return self.server.bighub

    @override
    def setup(self) -> None:
        super().setup()
        self.bighub.connected(self.connection)

    @override
    def finish(self) -> None:
        self.bighub.disconnected(self.connection)
        super().finish()

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._serve()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Stays silent: what arrived is in `requests`."""

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path, _, query = self.path.partition("?")
        body = json.loads(raw) if raw else None
        request = HostedRequest(self.command, path, headers, body, dict(parse_qsl(query)))
        match self.bighub.answer(request):
            case Reply() as answer:
                self._send(answer)
            case Hangup():
                self.close_connection = True
                _cut(self.connection)
            case BlackHole():
                self.close_connection = True
                self._swallow()
            case Endless() as endless:
                self.close_connection = True
                self._talk(endless)

    def _send(self, answer: Reply) -> None:
        if answer.delay:
            self.bighub.closing.wait(answer.delay)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _talk(self, endless: Endless) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        try:
            while not self.bighub.closing.wait(endless.pause):
                self.wfile.write(endless.part)
        except OSError:
            self.bighub.gave_up()

    def _swallow(self) -> None:
        try:
            while self.connection.recv(4096):
                pass
        except OSError:
            pass
        self.bighub.gave_up()


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
