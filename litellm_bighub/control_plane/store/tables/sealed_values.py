"""Values that are hidden in calls that wait, sealed. A row goes in the transaction that ends its approval's wait."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete as delete_rows, select

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import sealed_values
from litellm_bighub.domain.redaction import ArgumentPath


@dataclass(frozen=True, slots=True)
class SealedValue:
    """One of them.

    Attributes:
        path: where it stands in the arguments.
        visible_to: who may look, as rules name people.
        sealed: as JSON, as `Sealing.seal` has it.
    """

    path: ArgumentPath
    visible_to: tuple[str, ...]
    sealed: str


def insert(connection: Connection, approval_id: str, values: Iterable[SealedValue]) -> None:
    """Keep the hidden values of a call that waits from now on."""
    rows = [
        {"approval_id": approval_id, "path": dump(one.path), "visible_to": dump(one.visible_to), "sealed": one.sealed}
        for one in values
    ]
    if rows:
        connection.execute(sealed_values.insert(), rows)


def of_approvals(connection: Connection, ids: Collection[str]) -> dict[str, list[SealedValue]]:
    """What is sealed of these approvals, by their ids and in the order of the paths."""
    wanted = select(sealed_values).where(sealed_values.c.approval_id.in_(ids))
    found: dict[str, list[SealedValue]] = {}
    for row in connection.execute(wanted.order_by(sealed_values.c.path)).mappings():
        found.setdefault(row["approval_id"], []).append(_value(row))
    return found


def delete(connection: Connection, approval_id: str) -> None:
    """Forget what is sealed of an approval."""
    connection.execute(delete_rows(sealed_values).where(sealed_values.c.approval_id == approval_id))


def _value(row: RowMapping) -> SealedValue:
    return SealedValue(tuple(json.loads(row["path"])), tuple(json.loads(row["visible_to"])), row["sealed"])
