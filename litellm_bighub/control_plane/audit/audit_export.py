"""Exports the audit, and removes its old events."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timezone
from typing import Final, Literal, TextIO, TypeAlias

from sqlalchemy import Engine, select

from litellm_bighub.control_plane.store.chain import ChainBreak
from litellm_bighub.control_plane.store.clock import clock_of
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import clock_checks, events, retention
from litellm_bighub.control_plane.store.writer import Writer

Format: TypeAlias = Literal["jsonl", "csv"]

_MOST: Final = 2**63 - 1
"""The largest number of an event that a database holds."""


def verified_chain(engine: Engine, since: tuple[int, str] | None = None) -> events.Verified | str:
    """The chain that holds, or what is wrong with it; `since` as for `events.verify`."""
    with engine.connect() as connection:
        result = events.verify(connection, since)
    if isinstance(result, ChainBreak):
        return f"the audit is broken at event {result.seq}: {result.problem}"
    return result


def event_mismatch(engine: Engine, seq: int, digest: str) -> str | None:
    """Why an event is not the one whose digest was kept; `None` if it is."""
    if seq == 0:
        return None
    found = None
    if seq <= _MOST:
        with engine.connect() as connection:
            found = events.digest_of(connection, seq)
    if found is None:
        return f"event {seq} is not there (any more)"
    return None if found == digest else f"event {seq} is another one than it was: the chain was written anew"


def export(engine: Engine, file: TextIO, format_: Format) -> None:
    """Write every event, the oldest first."""
    seq = 0
    rows = csv.writer(file)
    columns = [column.name for column in table.columns]
    if format_ == "csv":
        rows.writerow(columns)
    with engine.connect() as connection:
        while page := events.after(connection, seq):
            for event in page:
                if format_ == "jsonl":
                    file.write(json.dumps(event, separators=(",", ":")) + "\n")
                else:
                    rows.writerow([spreadsheet_cell(event[name]) for name in columns])
            seq = page[-1]["seq"]


def clock_doubt(engine: Engine, keep_seconds: float) -> str | None:
    """Why the clock may be wrong, so that what seems old is not; `None` if nothing suggests it.

    The newest event is of about now, unless nothing was decided for a while or the clock has made a step.
    """
    now = clock_of(engine)()
    with engine.connect() as connection:
        newest = connection.execute(select(table.c.time).order_by(table.c.seq.desc()).limit(1)).scalar()
        seen = clock_checks.past_checks(connection, "audit")
        if newest is None or not retention.is_due(connection, now - keep_seconds):
            return None
    if seen is not None and seen.doubted_at is not None:
        return f"the clock is believed a day after {_utc(seen.doubted_at)} only, when it may have made a step"
    if abs(now - newest) > clock_checks.DAY:
        return f"the clock says {_utc(now)}, and the newest event is of {_utc(newest)}"
    return None


def retain(engine: Engine, keep_seconds: float) -> int:
    """Remove what is older; how many events that were."""
    now = clock_of(engine)()
    writer = Writer(engine, on_commit=lambda: None, on_rollback=lambda: None)
    removed = 0
    try:
        while True:
            some = writer.submit(
                lambda transaction: retention.retain(transaction, before=now - keep_seconds, now=now)
            ).result()
            removed += some
            if some < retention.AT_ONCE:
                return removed
    finally:
        writer.close()


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def spreadsheet_cell(value: object) -> object:
    """A cell that no spreadsheet runs as a formula."""
    text = json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
