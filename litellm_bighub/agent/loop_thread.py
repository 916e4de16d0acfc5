"""A thread with an event loop of its own, for a sync agent: nothing is started anew for each call.

It works inside a running event loop too (a notebook), because it never touches that one. It is a daemon, so an agent
that nobody closed does not keep the interpreter from ending.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import anyio
import anyio.from_thread

T = TypeVar("T")


class LoopThread:
    """Starts its thread on first use and ends it on `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._portal: anyio.from_thread.BlockingPortal | None = None
        self._thread: threading.Thread | None = None

    def call(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run a coroutine function there and wait for its result. Interrupting the wait cancels it."""
        future = self.start(function, *arguments)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def start(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> Future[T]:
        """Run a coroutine function there."""
        return self._running().start_task_soon(function, *arguments)

    def stop(self) -> None:
        """Cancel what runs there and end the thread. Safe to call twice, and from a finalizer."""
        with self._lock:
            portal, thread = self._portal, self._thread
            self._portal = self._thread = None
        if portal is None or thread is None:
            return
        portal.start_task_soon(portal.stop, True)
        if thread is not threading.current_thread():
            thread.join(timeout=5)

    def _running(self) -> anyio.from_thread.BlockingPortal:
        with self._lock:
            if self._portal is None:
                made: Future[anyio.from_thread.BlockingPortal] = Future()
                self._thread = threading.Thread(target=anyio.run, args=(_serve, made), name=self._name, daemon=True)
                self._thread.start()
                self._portal = made.result()
            return self._portal


async def _serve(made: Future[anyio.from_thread.BlockingPortal]) -> None:
    async with anyio.from_thread.BlockingPortal() as portal:
        made.set_result(portal)
        await portal.sleep_until_stopped()
