"""What a job of the writer works with: a connection whose events and counters are written at the end, together."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, text

from litellm_bighub.control_plane.policy.counters import Tally
from litellm_bighub.control_plane.policy.evaluation import Usage
from litellm_bighub.control_plane.policy.rule import Rule
from litellm_bighub.control_plane.store.chain import Entry, link
from litellm_bighub.control_plane.store.schema import events

_HEAD = text("SELECT seq, digest, epoch FROM head WHERE id = 1")
_MOVE_HEAD = text("UPDATE head SET seq = :seq, digest = :digest, epoch = :epoch WHERE id = 1")
_EVENTS = events.insert()
_USAGE = text("SELECT day, today, hour, this_hour, last_at FROM usage WHERE rule_id = :rule_id")
_COUNT = text(
    "INSERT INTO usage (rule_id, day, today, hour, this_hour, last_at)"
    " VALUES (:rule_id, :day, :today, :hour, :this_hour, :last_at)"
    " ON CONFLICT (rule_id) DO UPDATE SET day = excluded.day, today = excluded.today, hour = excluded.hour,"
    " this_hour = excluded.this_hour, last_at = excluded.last_at"
)


class Transaction:
    """One writing transaction; no other writer is active in any process.

    Attributes:
        connection: for statements of the job's own.
        notifies: whether somebody may wait for what was changed.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.notifies = False
        seq, digest, epoch = connection.execute(_HEAD).one()
        self._seq: int = seq
        self._digest: str = digest
        self._epoch: int = epoch
        self._head = (self._seq, self._digest, self._epoch)
        self._entries: list[Entry] = []
        self._tallies: dict[str, Tally] = {}
        self._counted: set[str] = set()

    @property
    def epoch(self) -> int:
        """Grows with every change of rules and switches."""
        return self._epoch

    def reconfigure(self) -> None:
        """Say that rules or switches were changed: every process reads them before its next decision."""
        self._epoch += 1
        self.notifies = True

    def append(self, entry: Entry, *, notify: bool = True) -> None:
        """Add an event to the chain."""
        self._entries.append(entry)
        self.notifies = self.notifies or notify

    def usage(self, rule: Rule, now: float) -> Usage:
        """What a limited rule has allowed, with everything that this transaction allowed before."""
        return self._tally(rule).usage(rule, now)

    def count(self, rule: Rule, now: float) -> None:
        """Count one allowed call."""
        self._tallies[rule.id] = self._tally(rule).counted(rule, now)
        self._counted.add(rule.id)

    def finish(self) -> None:
        """Write what was collected."""
        rows = [self._link(entry) for entry in self._entries]
        if rows:
            self.connection.execute(_EVENTS, rows)
        for rule_id in sorted(self._counted):
            self.connection.execute(_COUNT, {"rule_id": rule_id, **asdict(self._tallies[rule_id])})
        if self._head != (self._seq, self._digest, self._epoch):
            self.connection.execute(_MOVE_HEAD, {"seq": self._seq, "digest": self._digest, "epoch": self._epoch})

    def _link(self, entry: Entry) -> dict[str, object]:
        row = link(entry, self._seq + 1, self._digest)
        self._seq, self._digest = row["seq"], row["digest"]
        return row

    def _tally(self, rule: Rule) -> Tally:
        if rule.id not in self._tallies:
            found = self.connection.execute(_USAGE, {"rule_id": rule.id}).mappings().one_or_none()
            self._tallies[rule.id] = Tally(**found) if found else Tally()
        return self._tallies[rule.id]
