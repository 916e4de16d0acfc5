"""The ledger of decided calls in the control plane's database, shared by all processes and kept over restarts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from litellm_bighub.control_plane.readers_and_writer import Database, unavailable_when_failing
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.database import check_url, open_database
from litellm_bighub.control_plane.store.sqlite_file import warn_if_readable
from litellm_bighub.control_plane.store.tables import clock_checks, decided_calls as store, histories
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.deciders.wrappers.deadline import DEADLINE_SECONDS
from litellm_bighub.domain.conversation.history import Returned
from litellm_bighub.domain.decided_call import DecidedCall, Search, storable
from litellm_bighub.domain.event import OptOut, UnapprovedResult

T = TypeVar("T")

UNAPPROVED = "tool_result.unapproved"
OPTED_OUT = "guardrail.opted_out"
KEEP_DAYS = 30.0
_PRUNE_SECONDS = 3_600.0


class DatabaseLedger:
    """Implements `Ledger`.

    Args:
        opened: gives the database, as `EmbeddedDecider.plane` and `OwnDatabase.opened` do.
        keep_days: after which calls are forgotten.
        clock: POSIX seconds, in place of the clock that counts for the database.
        close: closes the database; by default its owner does.
    """

    def __init__(
        self,
        opened: Callable[[], Awaitable[Database]],
        *,
        keep_days: float = KEEP_DAYS,
        clock: Callable[[], float] | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._opened = opened
        self._close = close
        self._keep_seconds = keep_days * clock_checks.DAY
        self._clock = clock
        self._next_pruning = 0.0

    @classmethod
    def at(cls, url: str, *, keep_days: float = KEEP_DAYS, patience: float | None = DEADLINE_SECONDS) -> DatabaseLedger:
        """A ledger with a database of its own.

        Args:
            url: where that is.
            keep_days: after which calls are forgotten.
            patience: how many seconds the database may take for a connection, a lock, a statement or a transaction.

        Raises:
            ConfigurationError: the URL is none of SQLite or PostgreSQL.
        """
        own = OwnDatabase(url, patience=patience)
        return cls(own.opened, keep_days=keep_days, close=own.aclose)

    async def write(self, calls: Sequence[DecidedCall]) -> None:
        """Remember the calls; about once an hour also forget old ones, a few with each write until none is left.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        asked = (self._clock or time.time)()
        prunes = not self._next_pruning - _PRUNE_SECONDS <= asked < self._next_pruning
        if not (calls or prunes):
            return

        def job(transaction: Transaction) -> bool:
            is_left = False
            # The database's time: by its own, a gateway whose clock is behind would write calls that are old already.
            database_time = transaction.time if self._clock is None else None
            now = asked if database_time is None else database_time
            if prunes:
                sure = clock_checks.check_clock(transaction.connection, "decided_calls", now).sure_at
                if sure is not None:
                    pruned = store.prune(transaction.connection, sure - self._keep_seconds)
                    forgotten = histories.prune(transaction.connection, sure - self._keep_seconds)
                    is_left = store.AT_ONCE in {pruned, forgotten}
            transaction.remember(
                calls if database_time is None else [replace(call, time=database_time) for call in calls]
            )
            return is_left

        is_left = await self._write(job, brief=not prunes)
        if prunes:
            self._next_pruning = 0.0 if is_left else asked + _PRUNE_SECONDS

    async def find(self, search: Search) -> Sequence[DecidedCall]:
        """The calls that fit, the oldest first.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        with unavailable_when_failing("ledger"):
            database = await self._opened()
            return await database.read(lambda connection: store.find(connection, search))

    async def answered(self, conversation: str, call_ids: Collection[str]) -> None:
        """Remember that the provider's conversation holds outputs for these calls."""
        await self._write(lambda transaction: store.answered(transaction.connection, conversation, call_ids))

    async def joined(self, response_id: str, continued_by: str) -> bool:
        """Remember which answer stands behind a response in its stream."""
        return await self._write(lambda transaction: store.joined(transaction.connection, response_id, continued_by))

    async def returned(self, marks: Collection[str]) -> Mapping[str, Returned]:
        """What had come back where these marks stand, for those that are known.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        with unavailable_when_failing("ledger"):
            database = await self._opened()
            return await database.read(lambda connection: histories.find(connection, marks))

    async def mark(self, marks: Collection[str], returned: Returned) -> None:
        """Remember what has come back where these marks stand, beside what is known of them."""

        def job(transaction: Transaction) -> None:
            database_time = transaction.time if self._clock is None else None
            now = (self._clock or time.time)() if database_time is None else database_time
            histories.add(transaction.connection, marks, returned, now)

        await self._write(job, brief=True)

    async def report(self, event: UnapprovedResult | OptOut) -> None:
        """Put the event into the chained audit."""
        critical = isinstance(event, UnapprovedResult) and event.kind == "withheld_call_result"
        entry = AuditEvent(
            time=event.time,
            type=OPTED_OUT if isinstance(event, OptOut) else UNAPPROVED,
            subject=event.event_id,
            body=event.as_dict(),
            severity="critical" if critical else "warning",
            actor=event.actor,
            domain=event.domain,
            tool="" if isinstance(event, OptOut) else storable(event.tool),
        )
        await self._write(lambda transaction: transaction.append(entry))

    async def aclose(self) -> None:
        """Close the database, if it is the ledger's own."""
        if self._close is not None:
            await self._close()

    async def _write(self, job: Callable[[Transaction], T], *, brief: bool = False) -> T:
        with unavailable_when_failing("ledger"):
            database = await self._opened()
            return await database.write(job, brief=brief)


class OwnDatabase:
    """The control plane's database where no control plane decides. Each worker process opens its own with first use.

    Raises:
        ConfigurationError: the URL is none of SQLite or PostgreSQL.
    """

    def __init__(self, url: str, *, patience: float | None = None) -> None:
        check_url(url)
        self._patience = patience
        self._url = url
        self._opening = asyncio.Lock()
        self._database: Database | None = None

    async def opened(self) -> Database:
        """The database, brought to the newest schema.

        Raises:
            ConfigurationError: it cannot be opened.
        """
        async with self._opening:
            if self._database is None:
                engine = await asyncio.to_thread(open_database, self._url, patience=self._patience)
                warn_if_readable(engine)
                self._database = Database(engine, patience=self._patience)
            return self._database

    async def aclose(self) -> None:
        """Finish what waits and let the database go. Safe to call twice."""
        async with self._opening:
            database, self._database = self._database, None
        if database is not None:
            await asyncio.to_thread(database.close)
