"""One writer at a time, many jobs a transaction.

The events form a chain and the counters are exact, so writers must take turns. To be fast nevertheless, each process
has one writing thread that commits everything that waits in one transaction: the busier, the larger the batch.
A job is a function of a `Transaction`; its result reaches the caller only after the commit.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from litellm_bighub.control_plane.store.ledger import Ledger, ledger
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.errors import DecisionUnavailable

T = TypeVar("T")
_BATCH = 256


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    """A job and who waits for it: a task of an event loop, or a thread."""

    run: Callable[[Transaction], T]
    waiter: asyncio.Future[T] | Future[T]

    def begins(self) -> bool:
        """Whether somebody still waits."""
        if isinstance(self.waiter, Future):
            return self.waiter.set_running_or_notify_cancel()
        return not self.waiter.cancelled()


class Writer:
    """Runs jobs one after the other in a thread of its own.

    Args:
        engine: the database.
        on_commit: called in the writing thread after each commit that others may wait for.
        on_rollback: called in the writing thread when what its jobs did was undone.
    """

    def __init__(self, engine: Engine, *, on_commit: Callable[[], None], on_rollback: Callable[[], None]) -> None:
        self._engine = engine
        self._on_commit = on_commit
        self._on_rollback = on_rollback
        self._closed = False
        self._open: tuple[Connection, Ledger] | None = None
        # The driver's own too: the ledger's statements do not go through SQLAlchemy.
        self._failures = (OperationalError, engine.dialect.loaded_dbapi.OperationalError)
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="bighub-writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[Transaction], T]) -> T:
        """Run a job and wait for its commit.

        A job may run twice (a batch with a failing job is taken apart), so it must do nothing but use its transaction.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(_Job(job, waiter))
        return await waiter

    def submit(self, job: Callable[[Transaction], T]) -> Future[T]:
        """Like `run`, for callers without an event loop."""
        waiter: Future[T] = Future()
        self._put(_Job(job, waiter))
        return waiter

    def close(self) -> None:
        """Finish what waits, then stop."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _put(self, job: _Job[Any]) -> None:
        if self._closed:
            raise DecisionUnavailable("the control plane is closed")
        self._jobs.put(job)

    def _work(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch = [first]
            last = False
            while len(batch) < _BATCH and not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    last = True
                    break
                batch.append(job)
            self._commit([job for job in batch if job.begins()])
            if last:
                break
        self._disconnect()

    def _commit(self, batch: list[_Job[Any]]) -> None:
        if not batch:
            return
        try:
            results = self._transact(batch)
        except self._failures as error:
            self._disconnect()
            failure = DecisionUnavailable(f"the control plane's database failed: {type(error).__name__}")
            failure.__cause__ = error
            _settle(batch, [failure] * len(batch), failed=True)
        except BaseException as error:  # noqa: BLE001 - a job's failure of any kind belongs to its caller, not to this thread
            if len(batch) == 1:
                _settle(batch, [error], failed=True)
            else:
                for job in batch:
                    self._commit([job])
        else:
            _settle(batch, results, failed=False)

    def _transact(self, batch: list[_Job[Any]]) -> list[Any]:
        transaction = self._begin()
        try:
            results = [job.run(transaction) for job in batch]
            transaction.commit()
        except BaseException:
            self._on_rollback()
            self._roll_back()
            raise
        if transaction.notifies:
            self._on_commit()
        return results

    def _begin(self) -> Transaction:
        """A new transaction; a server that was restarted has closed the connection of the one before."""
        if self._open is not None:
            try:
                return Transaction(*self._open)
            except self._failures:
                self._disconnect()
                if self._engine.dialect.name == "sqlite":  # a file does not hang up: it is busy
                    raise
        connection = self._engine.connect()
        self._open = (connection, ledger(connection))
        return Transaction(*self._open)

    def _roll_back(self) -> None:
        if self._open is not None:
            try:
                self._open[1].roll_back()
            except self._failures:  # the connection is gone, and the transaction with it
                self._disconnect()

    def _disconnect(self) -> None:
        """Let the connection go; the next batch makes another."""
        if self._open is not None:
            connection = self._open[0]
            self._open = None
            connection.invalidate()
            connection.close()


def _settle(batch: list[_Job[Any]], results: list[Any], *, failed: bool) -> None:
    """Tell those who wait; each event loop is woken once for the whole batch."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, result in zip(batch, results, strict=True):
        if isinstance(job.waiter, Future):
            (job.waiter.set_exception if failed else job.waiter.set_result)(result)
        else:
            by_loop.setdefault(job.waiter.get_loop(), []).append((job.waiter, result))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed, and nobody waits any more
            loop.call_soon_threadsafe(_tell, settled, failed)


def _tell(settled: list[tuple[asyncio.Future[Any], Any]], failed: bool) -> None:  # noqa: FBT001 - called by the loop
    for waiter, result in settled:
        if not waiter.done():
            (waiter.set_exception if failed else waiter.set_result)(result)
