"""An opened database in use: one writer, and queries beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.control_plane.store.writer import Writer
from litellm_bighub.errors import DecisionUnavailable

T = TypeVar("T")


def _nothing() -> None:
    """Nobody in this process waits for changes, or holds what was undone."""


class Database:
    """The control plane's, or one without a control plane.

    Args:
        engine: an opened database (`store.database.open_database`).
        on_commit: as for `Writer`.
        on_rollback: as for `Writer`.
    """

    def __init__(
        self, engine: Engine, *, on_commit: Callable[[], None] = _nothing, on_rollback: Callable[[], None] = _nothing
    ) -> None:
        self._engine = engine
        self._writer = Writer(engine, on_commit=on_commit, on_rollback=on_rollback)

    async def write(self, job: Callable[[Transaction], T], *, brief: bool = False) -> T:
        """Run a job of the writer and wait for its commit. It may run twice, so it must only use its transaction.

        Args:
            job: what to do.
            brief: as for `Writer.run`.
        """
        return await self._writer.run(job, brief=brief)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query beside the writer."""
        return await asyncio.to_thread(self._read, query)

    def close(self) -> None:
        """Finish what waits and let the database go. Safe to call twice."""
        self._writer.close()
        self._engine.dispose()

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return query(connection)


@contextmanager
def unavailable_when_failing(whose: str) -> Generator[None]:
    """Who cannot use the database cannot decide.

    Raises:
        DecisionUnavailable: the database failed.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise DecisionUnavailable(f"the {whose}'s database failed: {type(error).__name__}") from error
