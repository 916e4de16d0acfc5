"""Reading why a call was made, for the people who are asked: beside the decision, which does not wait for it for long.

A conversation is what others have written. However long it takes to read, and whatever its reading fails with, the call
waits for a person all the same: without its background, or with one that comes once it is read.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

logger = logging.getLogger(__name__)

_SECONDS: Final = 1.0
"""So long a decision waits for it, or a quarter of the time that it has itself, if that is less."""
_MOST: Final = 64
"""So many are read or wait to be; of calls beyond them nothing is read. Each holds a whole request."""
_THREADS: Final = 2


class BackgroundReader:
    """Reads in threads of its own: those that all of the process share may be taken.

    Args:
        patience: how many seconds a decision may take; `None` for any number.
    """

    def __init__(self, patience: float | None) -> None:
        self._seconds = _SECONDS if patience is None else min(_SECONDS, patience / 4)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="bighub-background")
        self._room = threading.Semaphore(_MOST)

    def start(self, read: Callable[[], str]) -> Future[str]:
        """Begin to read. What fails, or is too much, gives an empty text."""
        if not self._room.acquire(blocking=False):
            logger.warning("people are not told why a call was made: %d conversations are being read", _MOST)
            return _empty()
        try:
            reading = self._threads.submit(_read, read)
        except RuntimeError:  # closed meanwhile
            self._room.release()
            return _empty()
        reading.add_done_callback(lambda _: self._room.release())
        return reading

    async def soon(self, reading: Future[str]) -> str | None:
        """What was read, `None` if that takes longer than a decision may wait for it."""
        done, _ = await asyncio.wait({asyncio.wrap_future(reading)}, timeout=self._seconds)
        return next((one.result() for one in done if not one.cancelled()), None)

    def close(self) -> None:
        """Read no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _read(read: Callable[[], str]) -> str:
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - people then decide without it, whatever has failed
        logger.warning("people are not told why a call was made: %s", type(error).__name__)
        return ""


def _empty() -> Future[str]:
    nothing: Future[str] = Future()
    nothing.set_result("")
    return nothing
