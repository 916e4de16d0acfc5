"""The chain of events: each holds the digest of the one before, so that a change of the past shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from litellm_bighub.domain.payload import JsonObject

DECISION: Final = "decision_event.created"
"""The type of an event that records a decision."""
Severity: TypeAlias = Literal["info", "warning", "critical"]

_DIGESTED: Final = (
    *("seq", "time", "type", "severity", "subject", "actor", "domain", "tool", "verdict", "rule_id", "body"),
    "previous",
)
COLUMNS: Final = (*_DIGESTED, "digest")
"""Of an event, in their order."""
_WRITER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """An event before it has its place in the chain.

    Attributes:
        type: as in `decision_event.created` or `approval.resolved`.
        subject: the id of what it is about.
        body: everything else, JSON; arguments in it are redacted.
    """

    time: float
    type: str
    subject: str
    body: JsonObject
    severity: Severity = "info"
    actor: str = ""
    domain: str = ""
    tool: str = ""
    verdict: str = ""
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """The first place where the chain does not hold."""

    seq: int
    problem: str


def link(entry: AuditEvent, seq: int, previous: str) -> JsonObject:
    """The row of an event that follows the one with the digest `previous`."""
    row: JsonObject = {
        "seq": seq,
        "time": entry.time,
        "type": entry.type,
        "severity": entry.severity,
        "subject": entry.subject,
        "actor": entry.actor,
        "domain": entry.domain,
        "tool": entry.tool,
        "verdict": entry.verdict,
        "rule_id": entry.rule_id,
        "body": dump(entry.body),
        "previous": previous,
    }
    row["digest"] = _digest_of_written(row)
    return row


def digest(row: JsonObject) -> str:
    """SHA-256 (hex) over every column but itself, in a fixed order."""
    columns = [row[name] for name in _DIGESTED]
    return hashlib.sha256(dump(columns).encode()).hexdigest()


def _digest_of_written(row: JsonObject) -> str:
    """The same of a row whose body `dump` has written: it is ASCII, and nothing in it but quotes needs escaping."""
    *columns, body, previous = [row[name] for name in _DIGESTED]
    escaped = body.replace("\\", "\\\\").replace('"', '\\"')
    written = f'{dump(columns)[:-1]},"{escaped}",{dump(previous)}]'
    return hashlib.sha256(written.encode()).hexdigest()


def dump(value: object) -> str:
    """JSON text as it is stored. ASCII only, because PostgreSQL's text holds no NUL."""
    return _WRITER.encode(value)


def check(rows: Iterable[JsonObject], *, seq: int, previous: str) -> tuple[int, str] | ChainBreak:
    """Follow the chain.

    Args:
        rows: events in order.
        seq: the number of the event before the first, 0 at the very start.
        previous: its digest.

    Returns:
        Number and digest of the last event, or where the chain breaks.
    """
    for row in rows:
        if row["seq"] != seq + 1:
            return ChainBreak(seq + 1, "the event is missing")
        if row["previous"] != previous:
            return ChainBreak(row["seq"], "it does not follow the event before it")
        if row["digest"] != digest(row):
            return ChainBreak(row["seq"], "its content was changed")
        seq, previous = row["seq"], row["digest"]
    return seq, previous
