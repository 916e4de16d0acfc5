"""What every decision reads and writes, in the driver's own words.

SQLAlchemy costs more than the statements themselves where they are as small as these, so head, events, counters and
decided calls are read and written through the driver, on the same connection that jobs use through SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from litellm_bighub.control_plane.store.chain import COLUMNS
from litellm_bighub.control_plane.store.clock import NOW
from litellm_bighub.control_plane.store.database import CHANNEL, LOCK
from litellm_bighub.control_plane.store.tables.decided_calls import COLUMNS as CALL
from litellm_bighub.policy.counters import Tally
from litellm_bighub.policy.rule import Period
from litellm_bighub.policy.totals import Total

if TYPE_CHECKING:
    import sqlite3

    import psycopg
    from sqlalchemy import Connection

_HEAD: Final = "SELECT seq, digest, epoch FROM head WHERE id = 1"
_HEAD_AND_TIME: Final = f"SELECT seq, digest, epoch, {NOW} FROM head WHERE id = 1"  # noqa: S608 - constants
_TALLIED: Final = tuple(each.name for each in fields(Tally))
_TALLY: Final = f"SELECT {', '.join(_TALLIED)} FROM usage WHERE rule_id = ?"  # noqa: S608 - constants
_SET: Final = ", ".join(f"{name} = excluded.{name}" for name in _TALLIED)
_COUNT: Final = (
    f"INSERT INTO usage (rule_id, {', '.join(_TALLIED)}) VALUES (?{', ?' * len(_TALLIED)})"  # noqa: S608 - constants
    f" ON CONFLICT (rule_id) DO UPDATE SET {_SET}"
)
TOTAL_COLUMNS: Final = Total._fields
"""Of a total, in their order."""
_QUOTED: Final = ", ".join(f'"{name}"' for name in TOTAL_COLUMNS)  # one of them is a word of SQL's
_TOTALS: Final = f"SELECT period, {_QUOTED} FROM totals WHERE rule_id = ? AND account = ?"  # noqa: S608 - constants
_NEW_TOTAL: Final = ", ".join(f'"{name}" = excluded."{name}"' for name in TOTAL_COLUMNS)
_SET_TOTAL: Final = (
    f"INSERT INTO totals (rule_id, account, period, {_QUOTED}) VALUES (?{', ?' * (2 + len(TOTAL_COLUMNS))})"  # noqa: S608 - constants
    f" ON CONFLICT (rule_id, account, period) DO UPDATE SET {_NEW_TOTAL}"
)
RESERVED: Final = ("decision_id", "rule_id", "approval_id", "account", "amount", "windows", "reserved", "time")
"""The columns of a reservation."""
_RESERVE: Final = f"INSERT INTO reservations ({', '.join(RESERVED)}) VALUES ({', '.join(['?'] * len(RESERVED))})"  # noqa: S608 - constants
_MOVE_HEAD: Final = "UPDATE head SET seq = ?, digest = ?, epoch = ? WHERE id = 1"
_EVENT: Final = f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - constants
_COPY: Final = f"COPY events ({', '.join(COLUMNS)}) FROM STDIN"
_NAMES: Final = ", ".join(f'"{name}"' for name in CALL)  # one of them is a word of SQL's
_CALL: Final = f"INSERT INTO decided_calls ({_NAMES}) VALUES ({', '.join(['?'] * len(CALL))})"  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain, and the number that grows with every change of rules and switches.

    Attributes:
        time: what the database's own clock said when it was read, `None` if it has none.
    """

    seq: int
    digest: str
    epoch: int
    time: float | None = field(default=None, compare=False)


class LedgerStatements(Protocol):
    """One connection's transactions, of which no two of any process overlap."""

    def begin(self) -> Head:
        """Wait for the writer's turn; where the chain ends."""
        ...

    def is_busy(self, error: BaseException) -> bool:
        """Whether `begin` failed only because another writer has its turn, and began nothing."""
        ...

    def tally(self, rule_id: str) -> Tally:
        """What a rule has allowed."""
        ...

    def totals(self, rule_id: str, account: str) -> Mapping[Period, Total]:
        """What the calls of a rule and an account sum up to."""
        ...

    def write(
        self,
        events: Sequence[Sequence[Any]],
        tallies: Mapping[str, Tally],
        totals: Sequence[Sequence[Any]],
        head: Head | None,
    ) -> None:
        """Write what a transaction has collected.

        Args:
            events: to add, in the order of `COLUMNS`.
            tallies: to replace.
            totals: to replace, as `total_rows` gives them.
            head: the new one, if it moved.
        """
        ...

    def reserve(self, reservations: Sequence[Sequence[Any]]) -> None:
        """Add reservations, in the order of `RESERVED`."""
        ...

    def remember(self, calls: Sequence[Sequence[Any]]) -> None:
        """Add decided calls, in the order of `decided_calls.COLUMNS`."""
        ...

    def commit(self, *, notify: bool) -> None:
        """Commit, and notify other processes that may wait for it."""
        ...

    def roll_back(self) -> None:
        """Undo it."""
        ...


class SQLiteLedger:
    """Writers take turns by `BEGIN IMMEDIATE`. Others see a commit by `PRAGMA data_version`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()

    def begin(self) -> Head:
        """See `LedgerStatements`."""
        self._cursor.execute("BEGIN IMMEDIATE")
        return Head(*self._cursor.execute(_HEAD).fetchone())

    def is_busy(self, error: BaseException) -> bool:
        """See `LedgerStatements`. Python 3.10 has no error codes, so the message tells."""
        return not self._connection.in_transaction and "locked" in str(error)

    def tally(self, rule_id: str) -> Tally:
        """See `LedgerStatements`."""
        found = self._cursor.execute(_TALLY, (rule_id,)).fetchone()
        return Tally(*found) if found else Tally()

    def totals(self, rule_id: str, account: str) -> Mapping[Period, Total]:
        """See `LedgerStatements`."""
        return totals_of(self._cursor.execute(_TOTALS, (rule_id, account)).fetchall())

    def reserve(self, reservations: Sequence[Sequence[Any]]) -> None:
        """See `LedgerStatements`."""
        self._cursor.executemany(_RESERVE, reservations)

    def write(
        self,
        events: Sequence[Sequence[Any]],
        tallies: Mapping[str, Tally],
        totals: Sequence[Sequence[Any]],
        head: Head | None,
    ) -> None:
        """See `LedgerStatements`."""
        if events:
            self._cursor.executemany(_EVENT, events)
        if tallies:
            self._cursor.executemany(_COUNT, _tally_rows(tallies))
        if totals:
            self._cursor.executemany(_SET_TOTAL, totals)
        if head is not None:
            self._cursor.execute(_MOVE_HEAD, (head.seq, head.digest, head.epoch))

    def remember(self, calls: Sequence[Sequence[Any]]) -> None:
        """See `LedgerStatements`."""
        self._cursor.executemany(_CALL, calls)

    def commit(self, *, notify: bool) -> None:  # noqa: ARG002 - the protocol's
        """See `LedgerStatements`."""
        self._cursor.execute("COMMIT")

    def roll_back(self) -> None:
        """See `LedgerStatements`."""
        self._cursor.execute("ROLLBACK")


class PostgresLedger:
    """Writers take turns by an advisory lock. Statements that wait for nothing share a round trip."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection
        self._cursor = connection.cursor()

    def begin(self) -> Head:
        """See `LedgerStatements`. Each statement has its own snapshot: the head is read with the lock held."""
        self._cursor.execute(f"BEGIN; SELECT pg_advisory_xact_lock({LOCK}); {_HEAD_AND_TIME}".encode())
        while self._cursor.nextset():
            pass
        (row,) = self._cursor.fetchall()
        return Head(*row)

    def is_busy(self, error: BaseException) -> bool:  # noqa: ARG002 - the protocol's
        """See `LedgerStatements`. The lock is taken within the transaction, which a timeout spoils."""
        return False

    def tally(self, rule_id: str) -> Tally:
        """See `LedgerStatements`."""
        found = self._cursor.execute(_for_psycopg(_TALLY), (rule_id,)).fetchone()
        return Tally(*found) if found else Tally()

    def totals(self, rule_id: str, account: str) -> Mapping[Period, Total]:
        """See `LedgerStatements`."""
        return totals_of(self._cursor.execute(_for_psycopg(_TOTALS), (rule_id, account)).fetchall())

    def reserve(self, reservations: Sequence[Sequence[Any]]) -> None:
        """See `LedgerStatements`."""
        self._cursor.executemany(_for_psycopg(_RESERVE), reservations)

    def write(
        self,
        events: Sequence[Sequence[Any]],
        tallies: Mapping[str, Tally],
        totals: Sequence[Sequence[Any]],
        head: Head | None,
    ) -> None:
        """See `LedgerStatements`."""
        if events:
            with self._cursor.copy(_COPY.encode()) as copy:
                for event in events:
                    copy.write_row(event)
        with self._connection.pipeline():
            for counted in _tally_rows(tallies):
                self._cursor.execute(_for_psycopg(_COUNT), counted)
            for total in totals:
                self._cursor.execute(_for_psycopg(_SET_TOTAL), total)
            if head is not None:
                self._cursor.execute(_for_psycopg(_MOVE_HEAD), (head.seq, head.digest, head.epoch))

    def remember(self, calls: Sequence[Sequence[Any]]) -> None:
        """See `LedgerStatements`."""
        self._cursor.executemany(_for_psycopg(_CALL), calls)

    def commit(self, *, notify: bool) -> None:
        """See `LedgerStatements`."""
        self._cursor.execute(f"NOTIFY {CHANNEL}; COMMIT".encode() if notify else b"COMMIT")

    def roll_back(self) -> None:
        """See `LedgerStatements`."""
        self._cursor.execute(b"ROLLBACK")


def ledger(connection: Connection) -> LedgerStatements:
    """The ledger of a connection of either kind."""
    driver: Any = connection.connection.driver_connection  # SQLAlchemy has one type for all drivers' connections
    return SQLiteLedger(driver) if connection.dialect.name == "sqlite" else PostgresLedger(driver)


@lru_cache
def _for_psycopg(statement: str) -> bytes:
    """A statement in the spelling of PostgreSQL's driver."""
    return statement.replace("?", "%s").encode()


def _tally_rows(tallies: Mapping[str, Tally]) -> list[tuple[Any, ...]]:
    """Rows in one order for all processes."""
    return [(rule_id, *(getattr(tallies[rule_id], name) for name in _TALLIED)) for rule_id in sorted(tallies)]


def totals_of(rows: Iterable[Sequence[Any]]) -> Mapping[Period, Total]:
    """Totals out of rows of their period and of `TOTAL_COLUMNS`."""
    return {
        row[0]: Total(row[1], Decimal(row[2]), Decimal(row[3]), row[4], Decimal(row[5]), Decimal(row[6]))
        for row in rows
    }


def total_rows(totals: Iterable[tuple[str, str, Period, Total]]) -> list[list[Any]]:
    """Totals as they are written. Decimals are kept as texts: neither database has them exactly."""
    return [
        [
            *(rule_id, account, period, total.window, f"{total.used:f}", f"{total.reserved:f}"),
            *(total.window_before, f"{total.used_before:f}", f"{total.reserved_before:f}"),
        ]
        for rule_id, account, period, total in totals
    ]
