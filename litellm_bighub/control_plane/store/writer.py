"""One writer at a time, many jobs a transaction.

The events form a chain and the counters are exact, so writers must take turns. To be fast nevertheless, each process
has one writing thread that commits everything that waits in one transaction: the busier, the larger the batch.
A job is a function of a `Transaction`; its result reaches the caller only after the commit.

On SQLite a brief job runs in the caller's event loop if no writer is active: its commit only writes to the system's
cache, which takes less time than waking a thread. The others of the same turn of the loop are committed together, by
the loop itself if they are few. Everything that may wait stays in the thread: other writers, and the checkpoints that
move what was committed from SQLite's log to its file.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, OperationalError

from litellm_bighub.control_plane.store.driver_statements import LedgerStatements, ledger
from litellm_bighub.control_plane.store.sqlite_file import OpenedFile
from litellm_bighub.control_plane.store.time_limit import Watch, hang_up_after
from litellm_bighub.control_plane.store.transaction import KeptTotals, Transaction
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable

T = TypeVar("T")
_BATCH = 256
_FEW: Final = 16
"""Jobs that an event loop commits itself. More would keep its other tasks waiting for longer than a thread does."""
_CHECKPOINT_AFTER: Final = 128
"""Jobs. SQLite itself would do it after 1,000 pages, and keep an event loop waiting for the disk."""


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    """A job and who waits for it: a task of an event loop, or a thread."""

    run: Callable[[Transaction], T]
    waiter: asyncio.Future[T] | Future[T]

    def begins(self) -> bool:
        """Whether the caller still waits."""
        if isinstance(self.waiter, Future):
            return self.waiter.set_running_or_notify_cancel()
        return not self.is_abandoned()

    def is_abandoned(self) -> bool:
        """Whether the caller has stopped waiting."""
        return self.waiter.cancelled()


class Writer:
    """Runs jobs one after the other in a thread of its own.

    Args:
        engine: the database, opened just now.
        on_commit: called in the writing thread after each commit that others may wait for.
        on_rollback: called in the writing thread when what its jobs did was undone.
        patience: how many seconds a transaction may take; without it, as long as it needs.

    Attributes:
        file: the database's, where it is one.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        on_commit: Callable[[], None],
        on_rollback: Callable[[], None],
        patience: float | None = None,
    ) -> None:
        self.file = OpenedFile(engine)
        self._on_commit = on_commit
        self._on_rollback = on_rollback
        self._closed = False
        # The driver's own too: the ledger's statements do not go through SQLAlchemy.
        driver = engine.dialect.loaded_dbapi
        self._failures = (OperationalError, driver.OperationalError)
        self._refusals = (DataError, driver.DataError)
        self._patience = patience
        self._others: type[Exception] = driver.Error
        kept = KeptTotals()
        self._session = _Session(engine, self._failures, kept)
        self._brief = _BriefSession(engine, self._failures, kept) if engine.dialect.name == "sqlite" else None
        self._turn = threading.Lock()
        self._in_the_log = 0
        self._turns: dict[asyncio.AbstractEventLoop, list[_Job[Any]]] = {}
        """The brief jobs that have followed another one in the same turn of their event loop."""
        self._jobs: queue.SimpleQueue[_Job[Any] | _Command] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="bighub-writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[Transaction], T], *, brief: bool = False) -> T:
        """Run a job and wait for its commit.

        A job may run twice (a batch with a failing job is taken apart), so it must do nothing but use its transaction.
        A job whose caller has stopped waiting is not committed.

        Args:
            job: what to do.
            brief: it takes so little that an event loop may do it itself.

        Raises:
            DecisionUnavailable: the database cannot be used.
            DecisionRefused: it cannot hold a value; text on PostgreSQL holds no NUL.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        asked = _Job(job, waiter)
        if not brief or self._brief is None:
            self._put(asked)
        elif (turn := self._turns.get(loop)) is not None:
            turn.append(asked)
        else:
            self._turns[loop] = []
            loop.call_soon(self._end_turn, loop)
            if not self._run_inline([asked]):
                self._put(asked)
        return await waiter

    def submit(self, job: Callable[[Transaction], T]) -> Future[T]:
        """Like `run`, for callers without an event loop."""
        waiter: Future[T] = Future()
        self._put(_Job(job, waiter))
        return waiter

    def close(self) -> None:
        """Finish what waits, then stop; a database that hangs is waited for no longer than for a transaction."""
        if not self._closed:
            self._closed = True
            self._jobs.put(_Command.STOP)
            self._thread.join(self._patience)

    def _put(self, job: _Job[Any]) -> None:
        if self._closed:
            raise DecisionUnavailable("the control plane is closed")
        self._jobs.put(job)

    def _end_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit the brief jobs that came after the first one of this turn of the loop."""
        batch = [job for job in self._turns.pop(loop) if job.begins()]
        if not batch or (len(batch) <= _FEW and self._run_inline(batch)):
            return
        try:
            for job in batch:
                self._put(job)
        except DecisionUnavailable as error:
            _settle(batch, [error] * len(batch), failed=True)

    def _run_inline(self, batch: Sequence[_Job[Any]]) -> bool:
        """Run jobs of one event loop in its own thread if no writer is active; whether they were run, and settled."""
        if self._brief is None or self._closed or not self._jobs.empty() or not self._turn.acquire(blocking=False):
            return False
        try:
            if self._log_is_long:  # leave the turn to the thread: a free lock would go to the busiest event loop
                return False
            transaction = self._brief.begin_at_once()
            if transaction is None:
                return False
            results = self._transact(self._brief, transaction, [job.run for job in batch], _none_abandoned)
            if self._log_is_long:
                self._jobs.put(_Command.CHECKPOINT)
        except Exception as error:  # noqa: BLE001 - a job's failure of any kind belongs to its caller; an interrupt does not
            if len(batch) > 1:  # the thread takes them apart
                return False
            failure = self._error_for_caller(error)
            if failure is not error:
                failure.__cause__ = error
            _set_results([(batch[0].waiter, failure)], failed=True)
        else:
            _set_results([(job.waiter, result) for job, result in zip(batch, results, strict=True)], failed=False)
        finally:
            self._turn.release()
        return True

    @property
    def _log_is_long(self) -> bool:
        return self._brief is not None and self._in_the_log >= _CHECKPOINT_AFTER

    def _work(self) -> None:
        todo = self._jobs.get()
        while todo is not _Command.STOP:
            batch: list[_Job[Any]] = []
            while isinstance(todo, _Job):
                batch.append(todo)
                if len(batch) == _BATCH or self._jobs.empty():
                    break
                todo = self._jobs.get()
            with self._turn:
                self._commit([job for job in batch if job.begins()])
                if self._brief is not None:
                    self._brief.prepare()
                if self._log_is_long:  # with the turn held, no commit grows the log, so SQLite can begin it anew
                    self._session.checkpoint()
                    self._in_the_log = 0
            if todo is not _Command.STOP:
                todo = self._jobs.get()
        with self._turn:
            self._session.disconnect()
            if self._brief is not None:
                self._brief.disconnect()

    def _commit(self, batch: list[_Job[Any]]) -> None:
        if not batch:
            return
        try:
            with hang_up_after(self._patience) as watch:
                transaction = self._session.begin(watch)
                left = partial(_any_abandoned, batch)
                results = self._transact(self._session, transaction, [job.run for job in batch], left)
        except _AbandonedError:
            self._commit([job for job in batch if not job.is_abandoned()])
        except self._failures as error:
            failure = self._error_for_caller(error)
            failure.__cause__ = error
            _settle(batch, [failure] * len(batch), failed=True)
        except BaseException as error:  # noqa: BLE001 - a job's failure of any kind belongs to its caller, not to this thread
            if len(batch) == 1:
                _settle(batch, [self._error_for_caller(error)], failed=True)
            else:
                for job in batch:
                    self._commit([job])
        else:
            _settle(batch, results, failed=False)

    def _error_for_caller(self, error: BaseException) -> BaseException:
        """The error that a caller gets: one of ours in place of the database's."""
        if isinstance(error, self._failures):
            return DecisionUnavailable(f"the control plane's database failed: {type(error).__name__}")
        if isinstance(error, self._refusals):
            return DecisionRefused("the control plane's database cannot hold one of the values")
        if isinstance(error, self._others):  # as of a table that is not there
            return DecisionUnavailable(f"the control plane's database failed: {type(error).__name__}")
        return error

    def _transact(
        self,
        session: _Session,
        transaction: Transaction,
        jobs: Sequence[Callable[[Transaction], Any]],
        abandoned: Callable[[], bool],
    ) -> list[Any]:
        try:
            results = [job(transaction) for job in jobs]
            self.file.check()
            if abandoned():
                raise _AbandonedError  # noqa: TRY301 - undone like any other failure
            transaction.commit()
            self._in_the_log += len(jobs)
        except BaseException as error:
            self._on_rollback()
            session.roll_back()
            if isinstance(error, self._failures):
                session.disconnect()
            raise
        if transaction.notifies:
            self._on_commit()
        return results


class _AbandonedError(Exception):
    """A caller of the batch has stopped waiting. Its job must not commit: it might use up an approval in vain."""


def _any_abandoned(batch: Sequence[_Job[Any]]) -> bool:
    return any(job.is_abandoned() for job in batch)


def _none_abandoned() -> bool:
    """A job that runs in its caller's event loop still has its caller."""
    return False


class _Command(Enum):
    """What the thread does besides jobs."""

    CHECKPOINT = auto()
    STOP = auto()


class _Session:
    """A connection that one transaction after the other uses."""

    def __init__(self, engine: Engine, failures: tuple[type[Exception], ...], kept: KeptTotals) -> None:
        self._engine = engine
        self._failures = failures
        self._kept = kept
        self._open: tuple[Connection, LedgerStatements] | None = None

    def begin(self, watch: Watch) -> Transaction:
        """A new transaction; a server that was restarted has closed the connection of the one before.

        Args:
            watch: called with the connection.
        """
        if self._open is not None:
            watch(self._open[0])
            try:
                return self._begun(*self._open)
            except self._failures:
                if self._engine.dialect.name == "sqlite":  # a file does not hang up: it is busy
                    raise
        connection, statements = self._connected()
        watch(connection)
        return self._begun(connection, statements)

    def _begun(self, connection: Connection, statements: LedgerStatements) -> Transaction:
        """Begin on this connection. One that fails is not used again, as a transaction may have begun by half.

        One that is busy has begun nothing and stays: another writer is quicker, and opening a file takes long.
        """
        try:
            return Transaction(connection, statements, self._kept)
        except BaseException as error:
            if not statements.is_busy(error):
                self.roll_back()
                self.disconnect()
            raise

    def roll_back(self) -> None:
        """Undo the transaction that has begun."""
        if self._open is not None:
            try:
                self._open[1].roll_back()
            except self._failures:  # the connection is gone, and the transaction with it
                self.disconnect()

    def checkpoint(self) -> None:
        """Move what was committed from SQLite's log to its file, as far as no reader needs it. May be tried again."""
        with suppress(*self._failures):
            (self._open or self._connected())[0].exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def disconnect(self) -> None:
        """Let the connection go; the next transaction makes another."""
        if self._open is not None:
            connection = self._open[0]
            self._open = None
            connection.invalidate()
            connection.close()

    def _connected(self) -> tuple[Connection, LedgerStatements]:
        connection = self._engine.connect()
        self._open = (connection, ledger(connection))
        return self._open


class _BriefSession(_Session):
    """A connection to SQLite that never waits for a lock, and leaves checkpoints to the thread."""

    def begin_at_once(self) -> Transaction | None:
        """A new transaction, `None` while another process writes or the file cannot be used."""
        if self._open is None:
            return None
        try:
            return self._begun(*self._open)
        except self._failures:
            return None

    def prepare(self) -> None:
        """Connect, if it is not connected. Only the thread calls this: a locked file may keep it waiting."""
        with suppress(*self._failures):
            if self._open is None:
                self._connected()

    def _connected(self) -> tuple[Connection, LedgerStatements]:
        connection, statements = super()._connected()
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
        return connection, statements


def _settle(batch: list[_Job[Any]], results: list[Any], *, failed: bool) -> None:
    """Give the results to those who wait, and wake each event loop once for the whole batch."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, result in zip(batch, results, strict=True):
        if isinstance(job.waiter, Future):
            (job.waiter.set_exception if failed else job.waiter.set_result)(result)
        else:
            by_loop.setdefault(job.waiter.get_loop(), []).append((job.waiter, result))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed, so its tasks no longer wait
            loop.call_soon_threadsafe(_set_results, settled, failed)


def _set_results(settled: Sequence[tuple[Any, Any]], failed: bool) -> None:  # noqa: FBT001 - called by the loop
    for waiter, result in settled:
        if not waiter.done():
            (waiter.set_exception if failed else waiter.set_result)(result)
