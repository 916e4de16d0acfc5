"""Whether this process serves LiteLLM's proxy, and from which config; and what happens when it stops.

A request cannot show it: whatever the proxy writes into a request, a caller in code could write too.

A server that is asked to stop waits for its open streams, and a stream that waits for a person would keep it running.
An application learns of the stop only after its streams have ended. So our signal handlers wrap the server's, and end
the waiting for people.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Final, TypeAlias

import anyio
from fastapi import FastAPI
from starlette.types import ASGIApp

from litellm_bighub.domain.payload import Payload


def is_proxy() -> bool:
    """Whether the proxy's own hooks, which know who asks, govern the calls of this process."""
    return _config() is not None or proxy_router() is not None


def knows_proxy() -> bool:
    """Whether this process has loaded the proxy, started or not; without it none can be."""
    return _server() is not None


def config_file() -> Path | None:
    """The config that the proxy was started with, `None` outside of a proxy."""
    config = _config()
    return None if config is None else Path(config)


def has_sessions() -> bool:
    """Whether LiteLLM has a database from which it replays conversations to providers that keep none."""
    return getattr(_server(), "prisma_client", None) is not None


def proxy_app() -> FastAPI | None:
    """The proxy's application, `None` where there is no proxy in this process."""
    app = getattr(_server(), "app", None)
    return app if isinstance(app, FastAPI) else None


def add_layer(layer: Callable[[ASGIApp], ASGIApp]) -> None:
    """Put an ASGI layer around this process's proxy, once. Layers of ours hold the next one as `_app`."""
    app = proxy_app()
    if app is None:
        return
    standing: object = app.middleware_stack
    while standing is not None:
        if type(standing) is layer:
            return
        standing = getattr(standing, "_app", None)
    if app.middleware_stack is not None:  # the proxy is starting, and Starlette takes no more layers
        app.middleware_stack = layer(app.middleware_stack)
    elif all(known.cls is not layer for known in app.user_middleware):
        app.add_middleware(layer)


def proxy_router() -> Payload:
    """The proxy's router, `None` until it has one; of any type, since it is LiteLLM's own and asked by its methods."""
    return getattr(_server(), "llm_router", None)


def _config() -> str | None:
    config = getattr(_server(), "user_config_file_path", None)
    return config if isinstance(config, str) else None


def _server() -> object:
    return sys.modules.get("litellm.proxy.proxy_server")


_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_LAST_SECONDS: Final = 1.0
"""Of the grace, for sending what takes the place of the calls."""

_Handler: TypeAlias = Callable[[int, FrameType | None], object]


class ProcessStop:
    """Hears the signals that end a server."""

    def __init__(self) -> None:
        self._told_at: float | None = None
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._servers: dict[int, _Handler] = {}

    def listen(self) -> None:
        """Hear the signals from now on, before the server's own handlers, which may have been set anew."""
        if threading.current_thread() is not threading.main_thread():
            return
        for each in _SIGNALS:
            handler = signal.getsignal(each)
            if callable(handler) and handler != self._hear:  # without one of a server's the process just ends
                self._servers[each] = handler
                signal.signal(each, self._hear)

    async def over(self, grace_seconds: float) -> None:
        """Wait until the process is told to stop, and then for as long as its grace leaves."""
        self.listen()
        stopped = asyncio.Event()
        waiter = (asyncio.get_running_loop(), stopped)
        self._waiting.add(waiter)
        try:
            if self._told_at is None:
                await stopped.wait()
        finally:
            self._waiting.discard(waiter)
        told_at = time.monotonic() if self._told_at is None else self._told_at
        await anyio.sleep(max(0.0, told_at + grace_seconds - _LAST_SECONDS - time.monotonic()))

    def _hear(self, signum: int, frame: FrameType | None) -> None:
        if self._told_at is None:
            self._told_at = time.monotonic()
        for loop, stopped in tuple(self._waiting):
            loop.call_soon_threadsafe(stopped.set)
        self._servers[signum](signum, frame)


@cache
def process_stop() -> ProcessStop:
    """This process's."""
    return ProcessStop()
