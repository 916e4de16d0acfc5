"""Reading and writing what came back in conversations."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Final

from sqlalchemy import Connection, delete, select

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import histories as table
from litellm_bighub.domain.conversation.history import Returned, merged

AT_ONCE: Final = 500


def find(connection: Connection, marks: Collection[str]) -> Mapping[str, Returned]:
    """What is known of these marks."""
    found: dict[str, Returned] = {}
    for some in _pieces(marks):
        query = select(table.c.mark, table.c.returned).where(table.c.mark.in_(some))
        found |= {row.mark: json.loads(row.returned) for row in connection.execute(query)}
    return found


def add(connection: Connection, marks: Collection[str], returned: Returned, now: float) -> None:
    """Add to what is known of these marks. Writers take turns, so nothing is lost in between."""
    known = find(connection, marks)
    for some in _pieces(marks):
        connection.execute(delete(table).where(table.c.mark.in_(some)))
        rows = [{"mark": mark, "returned": dump(merged([known.get(mark, {}), returned])), "time": now} for mark in some]
        connection.execute(table.insert(), rows)


def _pieces(marks: Collection[str]) -> Iterator[list[str]]:
    """The marks in one order for all processes, no more at once than a statement takes."""
    waiting = iter(sorted(marks))
    while some := list(islice(waiting, AT_ONCE)):
        yield some


def prune(connection: Connection, before: float, *, most: int = AT_ONCE) -> int:
    """Forget some of what was last written before, the oldest first; how many marks."""
    old = select(table.c.mark).where(table.c.time < before).order_by(table.c.time).limit(most)
    return connection.execute(delete(table).where(table.c.mark.in_(old))).rowcount
