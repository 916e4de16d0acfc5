"""Live sessions: programs that said that they are there, until they leave or stop saying so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from litellm_bighub.control_plane.store.schema import live_sessions

TTL_SECONDS: Final = 90
MOST: Final = 1000
"""Of one key at a time."""


@dataclass(frozen=True, slots=True)
class LiveSession:
    """One session."""

    id: str
    key_id: str
    actor: str
    connected_at: float
    expires_at: float


def connect(connection: Connection, session: LiveSession) -> int | None:
    """Begin a session; how many its key has now, `None` if that would be too many. Those that ended are forgotten."""
    now = session.connected_at
    connection.execute(delete(live_sessions).where(live_sessions.c.expires_at <= now))
    others = count(connection, session.key_id, now)
    if others >= MOST:
        return None
    connection.execute(live_sessions.insert(), {name: getattr(session, name) for name in LiveSession.__slots__})
    return others + 1


def beat(connection: Connection, session_id: str, key_id: str, now: float) -> LiveSession | None:
    """Prolong a session; `None` if the key has none of this name that still lives."""
    statement = update(live_sessions).where(*_lives(session_id, key_id, now)).values(expires_at=now + TTL_SECONDS)
    return find(connection, session_id, key_id, now) if connection.execute(statement).rowcount == 1 else None


def disconnect(connection: Connection, session_id: str, key_id: str, now: float) -> LiveSession | None:
    """End a session; `None` if the key has none of this name that still lives."""
    found = find(connection, session_id, key_id, now)
    connection.execute(delete(live_sessions).where(*_lives(session_id, key_id, now)))
    return found


def find(connection: Connection, session_id: str, key_id: str, now: float) -> LiveSession | None:
    """The session of a key, if it lives."""
    query = select(live_sessions).where(*_lives(session_id, key_id, now))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else LiveSession(**row)


def count(connection: Connection, key_id: str, now: float) -> int:
    """How many sessions of a key live."""
    query = select(func.count()).where(live_sessions.c.key_id == key_id, live_sessions.c.expires_at > now)
    return connection.execute(query).scalar_one()


def _lives(session_id: str, key_id: str, now: float) -> tuple[ColumnElement[bool], ...]:
    table = live_sessions.c
    return table.id == session_id, table.key_id == key_id, table.expires_at > now
