"""What agents report of their runs is kept once."""

from __future__ import annotations

from sqlalchemy import select

from litellm_bighub.control_plane.store.schema import memory
from litellm_bighub.control_plane.store.tables import agent_memory


def event(event_id, **fields):
    blank = dict.fromkeys(("source", "actor", "domain", "tool", "status"), "")
    return {**blank, "event_id": event_id, "time": 1.0, "body": {"step": 1}, **fields}


def test_an_event_that_is_known_is_dropped(connection):
    assert agent_memory.insert(connection, [event("e1", tool="pay"), event("e2")]) == 2
    assert agent_memory.insert(connection, [event("e1", tool="other"), event("e3"), event("e3")]) == 1

    kept = connection.execute(select(memory.c.event_id, memory.c.tool, memory.c.body).order_by(memory.c.event_id)).all()
    assert [tuple(row) for row in kept] == [
        ("e1", "pay", '{"step":1}'),
        ("e2", "", '{"step":1}'),
        ("e3", "", '{"step":1}'),
    ]


def test_nothing_is_kept_of_no_events(connection):
    assert agent_memory.insert(connection, []) == 0
