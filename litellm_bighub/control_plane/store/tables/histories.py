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
    """What is known of these marks: one value for all that know the same, as the calls of one answer do."""
    found: dict[str, Returned] = {}
    read: dict[str, Returned] = {}
    for some in _pieces(marks):
        query = select(table.c.mark, table.c.returned).where(table.c.mark.in_(some))
        for mark, text in connection.execute(query):
            if text not in read:
                read[text] = json.loads(text)
            found[mark] = read[text]
    return found


def add(connection: Connection, marks: Collection[str], returned: Returned, now: float) -> None:
    """Add to what is known of these marks. Writers take turns, so nothing is lost in between."""
    known = find(connection, marks)
    alone = dump(merged([returned]))
    for some in _pieces(marks):
        connection.execute(delete(table).where(table.c.mark.in_(some)))
        texts = {mark: dump(merged([known[mark], returned])) if mark in known else alone for mark in some}
        rows = [{"mark": mark, "returned": text, "time": now} for mark, text in texts.items()]
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
