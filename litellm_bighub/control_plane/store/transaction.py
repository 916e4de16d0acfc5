"""The transaction of a writer's jobs. Their events, counters and decided calls are written together at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from litellm_bighub.control_plane.store.chain import COLUMNS, AuditEvent, link
from litellm_bighub.control_plane.store.driver_statements import Head, LedgerStatements, total_rows
from litellm_bighub.control_plane.store.tables.decided_calls import row
from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.policy.counters import Tally
from litellm_bighub.policy.evaluation import Usage
from litellm_bighub.policy.rule import Rule
from litellm_bighub.policy.totals import KnownTotals, Totals

_MOST_KEPT: Final = 1000


class KeptTotals:
    """Totals as the last transaction of this process left them.

    They are right as long as the chain of events ends where that transaction ended it: whoever changes totals adds an
    event.
    """

    def __init__(self) -> None:
        self._head: Head | None = None
        self._totals: KnownTotals = {}

    def take(self, head: Head) -> KnownTotals:
        """What is known where the chain ends now. It is kept no longer: the transaction may be undone."""
        totals = self._totals if head == self._head else {}
        self._totals = {}
        return totals

    def keep(self, head: Head, totals: KnownTotals) -> None:
        """Keep what was committed with this end of the chain, unless it is much."""
        self._head, self._totals = head, totals if len(totals) <= _MOST_KEPT else {}


class Transaction:
    """One writing transaction; no other writer is active in any process.

    Args:
        connection: for statements of the job's own.
        ledger: of the same connection.
        kept: what the transaction before left.

    Attributes:
        notifies: whether a process may wait for the change.
        time: what the database's own clock says, `None` if it has none.
        totals: sums of values, written at the end.
    """

    def __init__(self, connection: Connection, ledger: LedgerStatements, kept: KeptTotals) -> None:
        self._connection = connection
        self.notifies = False
        self._ledger = ledger
        self._head = ledger.begin()
        self.time = self._head.time
        self._epoch = self._head.epoch
        self._entries: list[AuditEvent] = []
        self._tallies: dict[str, Tally] = {}
        self._counted: set[str] = set()
        self._calls: list[list[Any]] = []
        self._kept = kept
        self.totals = Totals(ledger.totals, kept.take(self._head))
        self._reservations: list[Sequence[Any]] = []

    @property
    def connection(self) -> Connection:
        """For statements of a job's own, which see the decided calls and reservations of the jobs before."""
        self._write_calls()
        return self._connection

    @property
    def epoch(self) -> int:
        """Grows with every change of rules and switches."""
        return self._epoch

    @property
    def last_event(self) -> int:
        """The number of the newest event, with those that this transaction adds."""
        return self._head.seq + len(self._entries)

    def reconfigure(self) -> None:
        """Mark rules and switches as changed: every process reads them before its next decision."""
        self._epoch += 1
        self.notifies = True

    def append(self, entry: AuditEvent, *, notify: bool = True) -> None:
        """Add an event to the chain."""
        self._entries.append(entry)
        self.notifies = self.notifies or notify

    def appended(self, subject: str) -> list[AuditEvent]:
        """The events about something that this transaction adds."""
        return [entry for entry in self._entries if entry.subject == subject]

    def usage(self, rule: Rule, now: float) -> Usage:
        """What a limited rule has allowed, with everything that this transaction allowed before."""
        return self._tally(rule).usage(rule, now)

    def count(self, rule: Rule, now: float) -> None:
        """Count one allowed call."""
        self._tallies[rule.id] = self._tally(rule).counted(rule, now)
        self._counted.add(rule.id)

    def remember(self, calls: Sequence[DecidedCall]) -> None:
        """Add calls to the ledger of decided calls."""
        self._calls += map(row, calls)

    def reserve(self, reservation: Sequence[Any]) -> None:
        """Add a reservation, in the order of `driver_statements.RESERVED`."""
        self._reservations.append(reservation)

    def commit(self) -> None:
        """Write what was collected, and commit."""
        self._write_calls()
        rows: list[list[Any]] = []
        seq, digest = self._head.seq, self._head.digest
        for entry in self._entries:
            row = link(entry, seq + 1, digest)
            seq, digest = row["seq"], row["digest"]
            rows.append([row[name] for name in COLUMNS])
        head = Head(seq, digest, self._epoch)
        counted = {rule_id: self._tallies[rule_id] for rule_id in self._counted}
        self._ledger.write(rows, counted, total_rows(self.totals.changed()), None if head == self._head else head)
        self._ledger.commit(notify=self.notifies)
        self._kept.keep(head, self.totals.known)

    def _write_calls(self) -> None:
        if self._calls:
            calls, self._calls = self._calls, []
            self._ledger.remember(calls)
        if self._reservations:
            reservations, self._reservations = self._reservations, []
            self._ledger.reserve(reservations)

    def _tally(self, rule: Rule) -> Tally:
        if rule.id not in self._tallies:
            self._tallies[rule.id] = self._ledger.tally(rule.id)
        return self._tallies[rule.id]
