"""Decisions as CSV for a spreadsheet, or as JSON Lines for a program, each with how its approval ended."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import datetime, timezone
from typing import Final, Literal, TypeAlias

from litellm_bighub.control_plane.audit.audit_export import spreadsheet_cell
from litellm_bighub.control_plane.inbox.decision_pages.decision_filter import DecisionFilter, ListedDecision, listed
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.domain.payload import JsonObject

ExportFormat: TypeAlias = Literal["csv", "jsonl"]
MEDIA_TYPES: Final[dict[ExportFormat, str]] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_AT_ONCE: Final = 500
_OF_EVENT: Final = ("verdict", "tool", "actor", "domain")
_OF_BODY: Final = ("reason", "blocked_by", "enforced", "type", "value", "target", "arguments", "arguments_digest")
_OF_CALLER: Final = ("user", "team", "key", "end_user", "model", "surface", "policy_version", "approval_id")
COLUMNS: Final = (
    *("time", "decision_id", *_OF_EVENT, "rule", *_OF_BODY, *_OF_CALLER),
    *("approval_state", "answered_by", "answered_at", "comment", "event", "digest"),
)


async def exported(plane: ControlPlane, wanted: DecisionFilter, kind: ExportFormat) -> AsyncGenerator[str]:
    """The decisions that fit, the newest first, some at a time."""
    if kind == "csv":
        yield _line(COLUMNS)
    now, before = plane.clock(), 0
    while True:
        start = before
        found = await plane.read(lambda connection: listed(connection, wanted, before=start, limit=_AT_ONCE))  # noqa: B023 - read before the next round
        yield "".join(_lines(found, kind, now))
        if len(found) < _AT_ONCE:
            return
        before = found[-1].event["seq"]


def _lines(found: Sequence[ListedDecision], kind: ExportFormat, now: float) -> Iterator[str]:
    for one in found:
        row = _row(one, now)
        yield json.dumps(row) + "\n" if kind == "jsonl" else _line(spreadsheet_cell(row[name]) for name in COLUMNS)


def _row(one: ListedDecision, now: float) -> JsonObject:
    event, approval = one.event, one.approval
    body = event["body"]
    row: JsonObject = {"time": _iso(event["time"]), "decision_id": event["subject"]}
    row |= {name: event[name] for name in _OF_EVENT} | {"rule": event["rule_id"]}
    row |= {name: body.get(name, "") for name in (*_OF_BODY, *_OF_CALLER)}
    row |= dict.fromkeys(("approval_state", "answered_by", "answered_at", "comment"), "")
    if approval is not None:
        row |= {"approval_state": approval.state_at(now), "comment": approval.comment or ""}
        row |= {"answered_by": approval.resolved_by or "", "answered_at": _iso(approval.resolved_at)}
    return row | {"event": event["seq"], "digest": event["digest"]}


def _iso(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def _line(cells: Iterator[object] | Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
