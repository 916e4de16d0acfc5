"""Work for a client ends when the client has left."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI

from litellm_bighub.gateway.routes.client_connection import ClientLeft, _Connections, while_connected


async def served(work, left: asyncio.Event):
    """The work, done for a request whose client leaves when the event is set."""
    body = [{"type": "http.request", "body": b"", "more_body": False}]
    done = []

    async def receive():
        if body:
            return body.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def app(scope, receive, send):
        done.append(await while_connected(work))

    await _Connections(app)({"type": "http"}, receive, None)
    return done[0]


async def test_who_is_there_gets_the_answer():
    async def work():
        return "answer"

    assert await served(work(), asyncio.Event()) == "answer"


async def test_who_has_left_ends_the_work():
    left, cleaned = asyncio.Event(), asyncio.Event()

    async def work():
        left.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    with pytest.raises(ClientLeft):
        await served(work(), left)
    assert cleaned.is_set()


async def test_an_error_of_the_work_goes_out():
    async def work():
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await served(work(), asyncio.Event())


async def test_without_a_connection_the_work_is_done():
    async def work():
        return 1

    assert await while_connected(work()) == 1


@pytest.mark.parametrize("started", [False, True], ids=["before the start", "while starting"])
def test_connections_are_kept_once(started, monkeypatch):
    import litellm.proxy.proxy_server  # noqa: PLC0415 - slow, and only this test needs it

    from litellm_bighub.gateway.routes.client_connection import keep_connections  # noqa: PLC0415

    app = FastAPI()
    if started:
        app.middleware_stack = app.build_middleware_stack()
    monkeypatch.setattr(litellm.proxy.proxy_server, "app", app)
    keep_connections()
    kept, layers = app.middleware_stack, len(app.user_middleware)
    keep_connections()

    assert isinstance(app.middleware_stack, _Connections) or app.user_middleware[0].cls is _Connections
    assert (app.middleware_stack, len(app.user_middleware)) == (kept, layers)


@pytest.mark.parametrize("started", [False, True], ids=["before the start", "while starting"])
def test_each_layer_stands_once_whichever_came_later(started, monkeypatch):
    import litellm.proxy.proxy_server  # noqa: PLC0415 - slow, and only these tests need it

    from litellm_bighub.gateway.routes.client_connection import keep_connections  # noqa: PLC0415
    from litellm_bighub.gateway.routes.provider_headers import drop_provider_headers  # noqa: PLC0415

    app = FastAPI()
    if started:
        app.middleware_stack = app.build_middleware_stack()
    monkeypatch.setattr(litellm.proxy.proxy_server, "app", app)
    keep_connections()
    drop_provider_headers()
    kept, layers = app.middleware_stack, len(app.user_middleware)
    keep_connections()
    drop_provider_headers()

    assert (app.middleware_stack, len(app.user_middleware)) == (kept, layers)
    assert layers == (0 if started else 2)
