"""What a job of the writer works with: a connection whose events and counters are written at the end, together."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TypeAlias

from sqlalchemy import Connection, text

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

_Row: TypeAlias = dict[str, str | int | float | None]


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
        self._usage: dict[str, _Row] = {}
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
        row = self._row(rule)
        day, hour = _windows(rule, now)
        last_at = row["last_at"]
        return Usage(
            today=int(row["today"] or 0) if row["day"] == day else 0,
            this_hour=int(row["this_hour"] or 0) if row["hour"] == hour else 0,
            last_at=None if last_at is None else float(last_at),
        )

    def count(self, rule: Rule, now: float) -> None:
        """Count one allowed call."""
        used = self.usage(rule, now)
        day, hour = _windows(rule, now)
        self._usage[rule.id] = {
            "rule_id": rule.id,
            "day": day,
            "today": used.today + 1,
            "hour": hour,
            "this_hour": used.this_hour + 1,
            "last_at": now,
        }
        self._counted.add(rule.id)

    def finish(self) -> None:
        """Write what was collected."""
        rows = [self._link(entry) for entry in self._entries]
        if rows:
            self.connection.execute(_EVENTS, rows)
        for rule_id in sorted(self._counted):
            self.connection.execute(_COUNT, self._usage[rule_id])
        if self._head != (self._seq, self._digest, self._epoch):
            self.connection.execute(_MOVE_HEAD, {"seq": self._seq, "digest": self._digest, "epoch": self._epoch})

    def _link(self, entry: Entry) -> dict[str, object]:
        row = link(entry, self._seq + 1, self._digest)
        self._seq, self._digest = row["seq"], row["digest"]
        return row

    def _row(self, rule: Rule) -> _Row:
        if rule.id not in self._usage:
            found = self.connection.execute(_USAGE, {"rule_id": rule.id}).mappings().one_or_none()
            empty: _Row = {"day": "", "today": 0, "hour": "", "this_hour": 0, "last_at": None}
            self._usage[rule.id] = dict(found) if found else empty
        return self._usage[rule.id]


def _windows(rule: Rule, now: float) -> tuple[str, str]:
    """The calendar day and the clock hour in the rule's zone; the hour with its offset, for autumn's double one."""
    moment = datetime.fromtimestamp(now, rule.zone or timezone.utc)
    return moment.strftime("%Y-%m-%d"), moment.strftime("%Y-%m-%dT%H%z")
