"""The clock of decisions, approvals and events.

Gateways whose clocks differ share a PostgreSQL, so its clock counts there. SQLite has none: a file is used by the
processes of one machine, which have one clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine, text

if TYPE_CHECKING:
    from litellm_bighub.control_plane.store.transaction import Transaction

NOW: Final = "extract(epoch FROM clock_timestamp())::float8"
"""What PostgreSQL's clock says, in POSIX seconds."""


class DatabaseClock:
    """PostgreSQL's clock. Each transaction adjusts it; in between this machine's monotonic clock carries it on.

    Args:
        engine: of the database.
        monotonic: seconds since some moment; steps of the machine's clock do not change it.
    """

    def __init__(self, engine: Engine, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        with engine.connect() as connection:
            self._offset: float = connection.execute(text(f"SELECT {NOW}")).scalar_one() - monotonic()

    def __call__(self) -> float:
        """POSIX seconds."""
        return self._monotonic() + self._offset

    def adjust(self, now: float) -> float:
        """Follow what the database's clock has just said, and return it."""
        self._offset = now - self._monotonic()
        return now


def clock_of(engine: Engine) -> Callable[[], float]:
    """The clock that counts for a database."""
    return time.time if engine.dialect.name == "sqlite" else DatabaseClock(engine)


def now_in(transaction: Transaction, clock: Callable[[], float]) -> float:
    """The time of a transaction. A clock that was given in place of the database's counts."""
    if isinstance(clock, DatabaseClock) and transaction.time is not None:
        return clock.adjust(transaction.time)
    return clock()
