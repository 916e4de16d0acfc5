"""Checks the messages between MCP clients and the gateway, for most of which LiteLLM runs no hook.

It hands hooks the arguments, texts and descriptions of tools, and nothing of prompts, resources, a server's
instructions, its questions (elicitation) or its errors. So a layer before LiteLLM's router reads what a client says and
what it is told. It looks at a request when LiteLLM reads that, which before 1.110 it does once it has authenticated the
caller, and at an answer when it leaves. What cannot be read does not pass.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from litellm.exceptions import ModifyResponseException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from litellm_bighub.checks.text_check import InputType
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import REFUSED
from litellm_bighub.formats.format import TextFormat
from litellm_bighub.formats.registry import MCP_FORMATS
from litellm_bighub.wording import Wording

logger = logging.getLogger(__name__)

REST: Final = frozenset({("GET", "/mcp-rest/tools/list"), ("POST", "/mcp-rest/tools/call")})
"""Where LiteLLM answers with what would stand in a message as its result."""

_MCP, _MCP_CALLS = MCP_FORMATS
_CALL: Final = "tools/call"
_REFUSAL: Final = -32600
_EVENTS: Final = b"text/event-stream"
_PLACE: Final = "endpoint"
_OVER: Final = frozenset({b"content-length", b"transfer-encoding"})

CheckMessage: TypeAlias = "Callable[[JsonObject, TextFormat, InputType], Awaitable[None]]"
"""Checks the texts of a message in place; raises to refuse it."""


@dataclass(frozen=True, slots=True)
class MessageCheck:
    """How a guardrail checks MCP messages.

    Attributes:
        check: does so.
        sides: whether it checks what clients say, what they are told, or both.
    """

    check: CheckMessage
    sides: frozenset[InputType]


class McpMessages:
    """An ASGI layer of the routes that speak MCP.

    Args:
        app: what comes behind it.
        checks: the checks of all guardrails, in their order.
        wording: in which it refuses.
    """

    def __init__(
        self, app: ASGIApp, checks: Callable[[], Iterable[MessageCheck]], wording: Callable[[], Wording]
    ) -> None:
        self._app = app
        self._checks = checks
        self._wording = wording

    async def __call__(self, scope: Scope, receive: Receive, send: Send, *, rest: bool = False) -> None:
        """Serve one HTTP request. `rest`: it is none of MCP itself, and answers with a result alone."""
        exchange = _Exchange([*self._checks()], self._wording(), rest=rest)
        asked = _Asked(exchange, receive)
        answer = _Answer(exchange, send)
        try:
            await self._app(scope, receive if rest else asked, answer)
        except Exception:
            if exchange.refusal is None:
                raise
        if exchange.refusal is not None and not answer.started:
            await exchange.refusal(scope, receive, send)


class _RefusedRequestError(Exception):
    """Ends the reading of a request that is refused."""


class _Exchange:
    """One HTTP request and its answer."""

    def __init__(self, checks: Sequence[MessageCheck], wording: Wording, *, rest: bool) -> None:
        self._checks = checks
        self._wording = wording
        self._methods: dict[str, str] = {}
        self.rest = rest
        self.refusal: JSONResponse | None = None

    def checks(self, side: InputType) -> bool:
        """Whether anybody checks what is said in this direction."""
        return any(side in each.sides for each in self._checks)

    def refuse(self, told: Payload) -> None:
        """Refuse the whole request."""
        self.refusal = JSONResponse(told, status_code=200 if isinstance(told, list) or "id" in told else REFUSED)

    async def said(self, body: bytes) -> bytes:
        """What a client says, checked.

        Raises:
            _RefusedRequestError: it is refused.
        """
        if not body or not self.checks("request"):
            return body
        try:
            told: Payload = json.loads(body)
        except (ValueError, RecursionError):
            told = None
        messages = cast("list[Payload]", told) if isinstance(told, list) else [told]
        for message in messages:
            if not isinstance(message, dict):
                self.refuse({"error": {"message": self._wording.mcp_unread, "type": "invalid_request_error"}})
                raise _RefusedRequestError
            known = cast("JsonObject", message)
            method = str(known.get("method") or "")
            self._methods[json.dumps(known.get("id"))] = method
            refused = await self._checked(known, _MCP_CALLS if method == _CALL else _MCP, "request")
            if refused is not None:
                self.refuse(refused)
                raise _RefusedRequestError
        return json.dumps(told).encode()

    async def told(self, text: str) -> str | None:
        """What a client is told, checked; `None` if it is told nothing."""
        try:
            told: Payload = json.loads(text)
        except (ValueError, RecursionError):
            told = {"error": {"message": text}}
            refused = await self._checked(told, _MCP, "response")
            return str(told["error"]["message"]) if refused is None else None
        messages = cast("list[Payload]", told) if isinstance(told, list) else [told]
        passed = [each for message in messages if (each := await self._passed(message)) is not None]
        if not passed:
            return None
        return json.dumps(passed if isinstance(told, list) else passed[0], ensure_ascii=False)

    async def _passed(self, message: Payload) -> Payload:
        """A message as it may leave, or the error in its place; `None` if there is no place for one."""
        if self.rest or not isinstance(message, dict):
            known: JsonObject = {"result": message}
            refused = await self._checked(known, _MCP, "response")
            if refused is not None:
                self.refuse(refused)
            return known["result"]
        known = cast("JsonObject", message)
        is_called = "method" not in known and self._methods.get(json.dumps(known.get("id"))) == _CALL
        refused = await self._checked(known, _MCP_CALLS if is_called else _MCP, "response")
        if refused is not None:
            return None if "method" in known else refused
        return known

    async def _checked(self, message: JsonObject, spoken: TextFormat, side: InputType) -> JsonObject | None:
        """Check a message in place; the error that takes its place if it is refused."""
        try:
            for each in self._checks:
                if side in each.sides:
                    await each.check(message, spoken, side)
        except Exception as refusal:  # whatever a guardrail raises refuses the message
            logger.debug("an MCP message is refused", exc_info=True)
            error = {"code": _REFUSAL, "message": _words(refusal) or self._wording.mcp_unread}
            return {"jsonrpc": "2.0", "id": message.get("id"), "error": error} if "id" in message else {"error": error}
        return None


class _Asked:
    """Receives a request that is checked when it is read."""

    def __init__(self, exchange: _Exchange, receive: Receive) -> None:
        self._exchange = exchange
        self._receive = receive
        self._is_read = False

    async def __call__(self) -> Message:
        if self._is_read:
            return await self._receive()
        parts: list[bytes] = []
        while (message := await self._receive())["type"] == "http.request":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        else:
            return message
        self._is_read = True
        body = await self._exchange.said(b"".join(parts))
        return {"type": "http.request", "body": body, "more_body": False}


class _Answer:
    """Sends an answer on, checked: a body when it is whole, a stream event by event."""

    def __init__(self, exchange: _Exchange, send: Send) -> None:
        self._exchange = exchange
        self._send = send
        self._start: Message = {}
        self._held = b""
        self._streams = False
        self.started = False

    async def __call__(self, message: Message) -> None:
        if self._exchange.refusal is not None:
            return
        if not self._exchange.checks("response"):
            self.started = True
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start = message
            types = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            self._streams = any(value.startswith(_EVENTS) for value in types)
            if self._streams:
                await self._begin()
        elif message["type"] == "http.response.body":
            await self._body(message.get("body", b""), more=message.get("more_body", False))
        else:
            await self._send(message)

    async def _begin(self) -> None:
        headers = [(name, value) for name, value in self._start["headers"] if name.lower() not in _OVER]
        self.started = True
        await self._send({**self._start, "headers": headers})

    async def _body(self, body: bytes, *, more: bool) -> None:
        self._held += body
        if self._streams:
            *events, self._held = self._held.replace(b"\r\n", b"\n").split(b"\n\n")
            events += [] if more else [self._held]
            sent = "".join([await self._event(event.decode()) for event in events if event])
            await self._send({"type": "http.response.body", "body": sent.encode(), "more_body": more})
        elif not more:
            told = await self._exchange.told(self._held.decode()) if self._held else ""
            if self._exchange.refusal is not None:
                return
            await self._begin()
            await self._send({"type": "http.response.body", "body": (told or "").encode(), "more_body": False})

    async def _event(self, event: str) -> str:
        lines = event.split("\n")
        data = [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]
        others = [line for line in lines if not line.startswith("data:")]
        if not data or f"event: {_PLACE}" in others:
            return f"{event}\n\n"
        told = await self._exchange.told("\n".join(data))
        return "" if told is None else "".join(f"{line}\n" for line in (*others, f"data: {told}", ""))


def _words(refusal: Exception) -> str:
    """What a guardrail says when it refuses."""
    detail: Payload = getattr(refusal, "detail", None)
    said = detail.get("error", detail) if isinstance(detail, dict) else detail
    if said is None and isinstance(refusal, ModifyResponseException):
        said = refusal.message
    return str(said or refusal)
