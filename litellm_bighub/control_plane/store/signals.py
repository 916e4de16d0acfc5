"""Waking those who wait for a change, in this process and in others.

PostgreSQL has NOTIFY. SQLite has no such signal, so while a task waits a thread reads `PRAGMA data_version` every 50
milliseconds: a counter in shared memory that moves with every commit of another connection.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from typing import Final

import anyio
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from litellm_bighub.control_plane.store.database import CHANNEL, PATIENCE_SECONDS, connect_options

POLL_SECONDS = 0.05
_CLOSE_SECONDS: Final = 5.0


class Signals:
    """Wakes waiting tasks when something may have changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._has_waiters = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def watch(self) -> Generator[Callable[[float], Awaitable[None]]]:
        """Note every change from now on.

        Yields:
            A function that waits for the first change since, at most that many seconds.
        """
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._lock:
            self._waiting.add(waiter)
            self._start()
        self._has_waiters.set()

        async def changed(seconds: float) -> None:
            with anyio.move_on_after(seconds):  # asyncio.wait_for swallows a cancellation that comes with the event
                await event.wait()

        try:
            yield changed
        finally:
            with self._lock:
                self._waiting.discard(waiter)

    def wake(self) -> None:
        """Wake all waiting tasks of this process. May be called from any thread."""
        with self._lock:
            waiting = list(self._waiting)
        for loop, event in waiting:
            with suppress(RuntimeError):  # the loop was closed, so no task waits there
                loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Stop listening."""
        self._closed = True
        self._has_waiters.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)  # a server that has stopped answers later, or never
        self.wake()

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            listen = self._poll if self._engine.dialect.name == "sqlite" else self._listen
            self._thread = threading.Thread(target=listen, name="bighub-signals", daemon=True)
            self._thread.start()

    def _poll(self) -> None:
        pause = threading.Event()
        while not self._closed:
            try:
                with self._engine.connect() as connection:
                    self.wake()  # something may have changed while the thread did not look
                    self._compare(connection, pause)
            except SQLAlchemyError:  # noqa: PERF203 - look again, for as long as it takes
                pause.wait(1.0)

    def _compare(self, connection: Connection, pause: threading.Event) -> None:
        seen = connection.exec_driver_sql("PRAGMA data_version").scalar()
        while not self._closed:
            if not self._waiting:
                self._has_waiters.clear()
                self._has_waiters.wait(1.0)
                continue
            pause.wait(POLL_SECONDS)
            now = connection.exec_driver_sql("PRAGMA data_version").scalar()
            if now != seen:
                seen = now
                self.wake()

    def _listen(self) -> None:
        import psycopg  # noqa: PLC0415 - an extra, installed where there is PostgreSQL

        pause = threading.Event()
        timeouts = connect_options(self._engine.url, PATIENCE_SECONDS)
        url = self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._closed:
            try:
                with psycopg.connect(url, autocommit=True, **timeouts) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self.wake()  # something may have changed while the thread did not listen
                    while not self._closed:
                        for _ in connection.notifies(timeout=0.5, stop_after=1):
                            self.wake()
            except psycopg.OperationalError:  # noqa: PERF203 - connect again, for as long as it takes
                pause.wait(1.0)
