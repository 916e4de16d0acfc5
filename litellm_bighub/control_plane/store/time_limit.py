"""Hanging up on a PostgreSQL that has stopped answering.

A server that is stopped, or a network that swallows everything, runs into no timeout of the server's own, and a thread
that waits for it cannot be interrupted. So its socket is closed under it, and the driver fails as it does whenever a
server hangs up. SQLite has no such socket: what it waits for is bounded by its busy timeout.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

from sqlalchemy import Connection

Watch: TypeAlias = Callable[[Connection], None]
"""Called with the connection that is used from now on."""


@contextmanager
def hang_up_after(seconds: float | None) -> Generator[Watch]:
    """Hang up on the connection that is used in the context, if that takes longer.

    Args:
        seconds: after which; `None` for never.

    Yields:
        A function to call with the connection.
    """
    using: list[Any] = []
    timers: list[threading.Timer] = []

    def watch(connection: Connection) -> None:
        if seconds is None or connection.dialect.name == "sqlite":
            return
        using[:] = [connection.connection.driver_connection]
        if not timers:
            timers.append(_started_timer(seconds, using))

    try:
        yield watch
    finally:
        using.clear()
        for timer in timers:
            timer.cancel()


@contextmanager
def hang_up_driver_after(seconds: float, connection: Any) -> Generator[None]:
    """The same for a connection of psycopg's own."""
    timer = _started_timer(seconds, [connection])
    try:
        yield
    finally:
        timer.cancel()


def _started_timer(seconds: float, using: list[Any]) -> threading.Timer:
    timer = threading.Timer(seconds, _hang_up, [using])
    timer.daemon = True
    timer.start()
    return timer


def _hang_up(using: list[Any]) -> None:
    for connection in using[:1]:
        # The connection, or its socket, may be closed by now.
        with suppress(OSError, *_driver_errors()), socket.socket(fileno=os.dup(connection.pgconn.socket)) as line:
            line.shutdown(socket.SHUT_RDWR)


def _driver_errors() -> tuple[type[Exception], ...]:
    import psycopg  # noqa: PLC0415 - an extra, installed where there is PostgreSQL

    return (psycopg.Error,)
