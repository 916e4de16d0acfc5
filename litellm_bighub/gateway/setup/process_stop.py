"""Ends waiting for people when the process is told to stop.

A server that is told to stop waits for its open streams, and a stream that waits for a person would keep it running.
An application hears of the stop only after its streams have ended. So our signal handlers wrap the server's.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from functools import cache
from types import FrameType
from typing import Final, TypeAlias

import anyio

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
