"""A thread with an event loop of its own, for synchronous code: nothing is started anew for each call.

Clients keep connections, and those belong to one loop: a loop for each call would break or leak them.

It works inside a running event loop too (a notebook), because it never touches that one. It is a daemon, so what nobody
closed does not keep the interpreter from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Running:
    loop: asyncio.AbstractEventLoop
    ended: asyncio.Event
    thread: threading.Thread


class LoopThread:
    """Starts its thread on first use and ends it on `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.RLock()  # a finalizer may interrupt the very thread that holds it
        self._running: _Running | None = None

    def call(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run a coroutine function there and wait for its result. Interrupting the wait cancels it.

        Raises:
            RuntimeError: called on that very loop, which would wait for itself.
        """
        if self._running is not None and self._running.thread is threading.current_thread():
            raise RuntimeError("a synchronous call was made where the asynchronous one must be awaited")
        future = self.start(function, *arguments)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def start(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> Future[T]:
        """Run a coroutine function there."""

        async def called() -> T:
            return await function(*arguments)

        return asyncio.run_coroutine_threadsafe(called(), self._started().loop)

    def stop(self) -> None:
        """Cancel what runs there and end the thread. Safe to call twice, and from a finalizer."""
        with self._lock:
            running, self._running = self._running, None
        if running is None:
            return
        running.loop.call_soon_threadsafe(running.ended.set)
        if running.thread is not threading.current_thread():
            running.thread.join(timeout=5)

    def _started(self) -> _Running:
        with self._lock:
            if (
                self._running is None or not self._running.thread.is_alive()
            ):  # a forked process has its parent's threads no more
                made: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
                thread = threading.Thread(target=_run, args=(made,), name=self._name, daemon=True)
                thread.start()
                self._running = _Running(*made.result(), thread)
            return self._running


def _run(made: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    async def until_ended() -> None:
        ended = asyncio.Event()
        made.set_result((asyncio.get_running_loop(), ended))
        await ended.wait()

    asyncio.run(until_ended())  # cancels what is left
