"""Whether the client of a request is still there.

A server continues a request whose client has left. That must not use up an approval: the client's next try would need
a new one. LiteLLM gives its hooks no connection, so the outermost ASGI layer keeps the connection of each request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import anyio
from fastapi import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope
from litellm_bighub.gateway.setup.proxy_process import add_layer

T = TypeVar("T")


class ClientLeft(HTTPException):
    """The client left while a call waited for a person, so this answer reaches no one."""

    def __init__(self) -> None:
        super().__init__(status_code=499, detail="the client left while a tool call waited for a person")


class _Connections:
    """An ASGI layer that keeps the connection of the request that is being served."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        before = request_scope()
        enter(before._replace(connection=receive))
        try:
            await self._app(scope, receive, send)
        finally:
            enter(request_scope()._replace(connection=before.connection))


def keep_connections() -> None:
    """See to it that `while_connected` knows the connections of this process's proxy. Once is enough."""
    add_layer(_Connections)


async def while_connected(work: Coroutine[object, object, T]) -> T:
    """Do the work, and cancel it when the client leaves.

    Raises:
        ClientLeft: it has left; the work was cancelled.
    """
    receive = request_scope().connection
    if receive is None:
        return await work
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        leaving.result()
        raise ClientLeft
    finally:
        working.cancel()
        leaving.cancel()
        # A server's cancellation comes again at every await, and would cut off their cleaning up.
        with anyio.CancelScope(shield=True):
            await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    """The whole body has been read by now, so that all that still comes is the end."""
    while (await receive())["type"] != "http.disconnect":
        pass
