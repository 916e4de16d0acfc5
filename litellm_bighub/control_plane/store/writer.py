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
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from litellm_bighub.control_plane.store.database import CHANNEL, begin_writing
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.errors import DecisionUnavailable

T = TypeVar("T")
_BATCH = 256


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    run: Callable[[Transaction], T]
    future: Future[T]


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
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="bighub-writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[Transaction], T]) -> T:
        """Run a job and wait for its commit.

        A job may run twice (a batch with a failing job is taken apart), so it must do nothing but use its transaction.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        return await asyncio.wrap_future(self.submit(job))

    def submit(self, job: Callable[[Transaction], T]) -> Future[T]:
        """Like `run`, for callers without an event loop."""
        if self._closed:
            raise DecisionUnavailable("the control plane is closed")
        future: Future[T] = Future()
        self._jobs.put(_Job(job, future))
        return future

    def close(self) -> None:
        """Finish what waits, then stop."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

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
            self._commit([job for job in batch if job.future.set_running_or_notify_cancel()])
            if last:
                return

    def _commit(self, batch: list[_Job[Any]]) -> None:
        if not batch:
            return
        try:
            results = self._transact(batch)
        except OperationalError as error:
            for job in batch:
                failure = DecisionUnavailable(f"the control plane's database failed: {type(error).__name__}")
                failure.__cause__ = error
                job.future.set_exception(failure)
        except BaseException as error:  # noqa: BLE001 - a job's failure of any kind belongs to its caller, not to this thread
            if len(batch) == 1:
                batch[0].future.set_exception(error)
            else:
                for job in batch:
                    self._commit([job])
        else:
            for job, result in zip(batch, results, strict=True):
                job.future.set_result(result)

    def _transact(self, batch: list[_Job[Any]]) -> list[Any]:
        with self._engine.connect() as connection:
            begin_writing(connection)
            try:
                transaction = Transaction(connection)
                results = [job.run(transaction) for job in batch]
                transaction.finish()
                if transaction.notifies:
                    _notify(connection)
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                self._on_rollback()
                _roll_back(connection)
                raise
        if transaction.notifies:
            self._on_commit()
        return results


def _notify(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"NOTIFY {CHANNEL}")


def _roll_back(connection: Connection) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:  # the connection is gone, and the transaction with it
        connection.invalidate()
