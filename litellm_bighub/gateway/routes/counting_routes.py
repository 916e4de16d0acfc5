"""Checks the texts of requests that count tokens, which may reach the provider though LiteLLM runs no hook for them.

A router of our own stands before LiteLLM's: it authenticates the caller as LiteLLM does, has the texts checked, and
sends the request on with the body that was checked. LiteLLM's route reads no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Annotated, Final, NamedTuple, cast

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from litellm.exceptions import GuardrailRaisedException, ModifyResponseException
from litellm.proxy._types import ProxyException, UserAPIKeyAuth
from litellm.proxy.auth.user_api_key_auth import user_api_key_auth
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import REFUSED, BighubError
from litellm_bighub.gateway.pipeline.merged_request import LITELLM_FIELDS
from litellm_bighub.gateway.routes.text_routes import COUNTING, CountCheck
from litellm_bighub.wording import Wording

_DROPPED: Final = LITELLM_FIELDS - {"drop_params"}
"""Fields that nobody checks, since on other routes LiteLLM keeps them for itself; counting reads one of them."""

_OF_BODY: Final = frozenset({b"content-length", b"content-type", b"content-encoding", b"transfer-encoding"})
_METADATA: Final = "litellm_metadata"
_ASKED: Final = "litellm_bighub.asked"


class _Asked(NamedTuple):
    """A request as it came."""

    scope: Scope
    receive: Receive
    body: bytes


class CountingRoutes:
    """An ASGI application of the routes that count tokens.

    Args:
        app: the proxy's.
        onward: serves a request that was checked.
        checks: the checks of all guardrails, in their order.
        wording: in which it refuses.
    """

    def __init__(
        self,
        app: FastAPI,
        onward: ASGIApp,
        checks: Callable[[], Iterable[CountCheck]],
        wording: Callable[[], Wording],
    ) -> None:
        self._onward = onward
        self._checks = checks
        self._wording = wording
        self._router = APIRouter(dependency_overrides_provider=app)
        for path in COUNTING:
            self._router.add_api_route(path, self._count, methods=["POST"], response_model=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate, check and count."""
        # Read before LiteLLM does, which writes the model that a key's alias stands for into its own copy.
        asked = _Asked(scope, receive, await _read(receive))
        await self._router({**scope, _ASKED: asked}, _replay(asked.body, receive), send)

    async def _count(self, request: Request, key: Annotated[UserAPIKeyAuth, Depends(user_api_key_auth)]) -> Response:
        asked: _Asked = request.scope[_ASKED]
        call_type = COUNTING[request.scope["route"].path]
        data: JsonObject = {
            name: value for name, value in _json(asked.body, self._wording()).items() if name not in _DROPPED
        }
        data[_METADATA] = {}  # what guardrails record goes here, and not into the body
        try:
            for check in self._checks():
                data = await check(data, key, call_type)
        except (HTTPException, BighubError, GuardrailRaisedException, ModifyResponseException) as refusal:
            raise _refused(refusal) from refusal
        checked = {name: value for name, value in data.items() if name not in _DROPPED}
        return _Onward(self._onward, asked, json.dumps(checked).encode())


class _Onward(Response):
    """What the next application answers to a request with another body."""

    def __init__(self, app: ASGIApp, asked: _Asked, body: bytes) -> None:
        super().__init__()
        self._app = app
        self._asked = asked
        self._checked = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive  # they hold what our own router and LiteLLM's authentication made of the first body
        asked, checked = self._asked, self._checked
        headers = [(name, value) for name, value in asked.scope["headers"] if name.lower() not in _OF_BODY]
        headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(checked))]
        await self._app({**asked.scope, "headers": headers}, _replay(checked, asked.receive), send)


def _json(body: bytes, wording: Wording) -> JsonObject:
    """A body, read.

    Raises:
        ProxyException: it is no JSON object.
    """
    try:
        read: Payload = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise ProxyException(wording.body_refused, "invalid_request_error", None, REFUSED)
    return cast("JsonObject", read)


def _refused(refusal: Exception) -> ProxyException:
    """An error of a guardrail as LiteLLM's routes tell it."""
    detail: Payload = getattr(refusal, "detail", None)
    said = detail.get("error", detail) if isinstance(detail, dict) else detail or str(refusal)
    status = REFUSED if isinstance(refusal, ModifyResponseException) else getattr(refusal, "status_code", 500)
    return ProxyException(str(said), "invalid_request_error", None, status)


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Receive a body that was read, then what comes after it."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return whole.pop() if whole else await receive()

    return replayed
