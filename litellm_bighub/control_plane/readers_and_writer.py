"""An opened database: one writer, and queries that run in parallel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from litellm_bighub.control_plane.store.time_limit import hang_up_after
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.control_plane.store.writer import Writer
from litellm_bighub.errors import ConfigurationError, DecisionRefused, DecisionUnavailable

T = TypeVar("T")
_READERS: Final = 8


def _nothing() -> None:
    """For a database whose changes wake no waiter and undo no cache."""


class Database:
    """The control plane's, or one without a control plane.

    Args:
        engine: an opened database (`store.database.open_database`).
        on_commit: as for `Writer`.
        on_rollback: as for `Writer`.
        patience: as for `Writer`, and for queries.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        on_commit: Callable[[], None] = _nothing,
        on_rollback: Callable[[], None] = _nothing,
        patience: float | None = None,
    ) -> None:
        self._engine = engine
        self._patience = patience
        self._closed = False
        self._writer = Writer(engine, on_commit=on_commit, on_rollback=on_rollback, patience=patience)
        # Threads of its own: queries that hang must not take those that others of this process wait for.
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="bighub-reader")

    async def write(self, job: Callable[[Transaction], T], *, brief: bool = False) -> T:
        """Run a job of the writer and wait for its commit. It may run twice, so it must only use its transaction.

        Args:
            job: what to do.
            brief: as for `Writer.run`.
        """
        return await self._writer.run(job, brief=brief)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query in parallel to the writer."""
        if self._closed:
            raise DecisionUnavailable("the control plane is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query)

    def close(self) -> None:
        """Finish what waits and let the database go. Safe to call twice."""
        self._closed = True
        self._writer.close()
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def _read(self, query: Callable[[Connection], T]) -> T:
        self._writer.file.check()
        with hang_up_after(self._patience) as watch, self._engine.connect() as connection:
            watch(connection)
            return query(connection)


@contextmanager
def unavailable_when_failing(whose: str) -> Generator[None]:
    """Turn the database's errors into those of deciders.

    Raises:
        DecisionUnavailable: the database failed, or cannot be opened now.
        DecisionRefused: it cannot be used at all.
    """
    try:
        yield
    except ConfigurationError as error:
        if isinstance(error.__cause__, OperationalError):
            raise DecisionUnavailable(f"the {whose}'s database cannot be opened") from error
        raise DecisionRefused(f"the {whose}'s database cannot be used: {error}") from error
    except SQLAlchemyError as error:
        raise DecisionUnavailable(f"the {whose}'s database failed: {type(error).__name__}") from error
