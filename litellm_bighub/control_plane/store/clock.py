"""The time that decisions, approvals and events go by.

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
    """PostgreSQL's clock, as every transaction tells it. In between it goes on as this machine's monotonic one does.

    Args:
        engine: of the database.
        monotonic: seconds since some moment; steps of the machine's clock do not change it.
    """

    def __init__(self, engine: Engine, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        with engine.connect() as connection:
            self._ahead: float = connection.execute(text(f"SELECT {NOW}")).scalar_one() - monotonic()

    def __call__(self) -> float:
        """POSIX seconds."""
        return self._monotonic() + self._ahead

    def told(self, now: float) -> float:
        """Go by what the database has just said, and say it."""
        self._ahead = now - self._monotonic()
        return now


def clock_of(engine: Engine) -> Callable[[], float]:
    """The clock that counts for a database."""
    return time.time if engine.dialect.name == "sqlite" else DatabaseClock(engine)


def now_in(transaction: Transaction, clock: Callable[[], float]) -> float:
    """The time of a transaction. A clock that was given in place of the database's is believed."""
    if isinstance(clock, DatabaseClock) and transaction.time is not None:
        return clock.told(transaction.time)
    return clock()
