"""`/actions/live`: sessions of programs that stay connected. A session's questions are answered while it lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from fastapi.exceptions import HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from litellm_bighub.control_plane.http.auth import Asker, Plane, require_actor
from litellm_bighub.control_plane.http.errors import problem
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.schema import live_sessions as table
from litellm_bighub.control_plane.store.tables.keys import Key
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/actions/live")

TTL_SECONDS: Final = 90
MOST: Final = 1000
"""Live sessions of one key."""
_BEAT_SECONDS: Final = TTL_SECONDS // 3


@dataclass(frozen=True, slots=True)
class LiveSession:
    """One session."""

    id: str
    key_id: str
    actor: str
    connected_at: float
    expires_at: float


class Connect(BaseModel):
    """Who connects. Its context comes with every question of the session, and counts there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: str = Field(default="AI_AGENT", min_length=1, max_length=500)
    context: JsonObject | None = None


class Connected(BaseModel):
    """Which session is meant. Its context is as of `Connect`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connection_id: str = Field(min_length=1, max_length=300)
    context: JsonObject | None = None


@router.post("/connect")
async def connect(body: Connect, plane: Plane, caller: Asker) -> JsonObject:
    """Begin a session."""
    require_actor(caller, body.actor)
    now = plane.clock()
    session = LiveSession(f"live_{plane.new_id()}", caller.id, body.actor, now, now + TTL_SECONDS)

    def job(transaction: Transaction) -> int | None:
        number = _begin(transaction.connection, session)
        if number is not None:
            transaction.append(AuditEvent(now, "live.connected", session.id, {"by": caller.name}, actor=body.actor))
        return number

    number = await plane.write(job)
    if number is None:
        raise problem(429, "too_many_connections", limit=MOST)
    return _shown(session, number, "connected")


@router.post("/heartbeat")
async def heartbeat(body: Connected, plane: Plane, caller: Asker) -> JsonObject:
    """Say that the program is still there."""
    now = plane.clock()

    def job(transaction: Transaction) -> tuple[LiveSession | None, int]:
        found = _prolong(transaction.connection, body.connection_id, caller.id, now)
        if found is not None:
            require_actor(caller, found.actor)
        return found, _count(transaction.connection, caller.id, now)

    session, number = await plane.write(job)
    if session is None:
        raise _no_session()
    return _shown(session, number, "connected")


@router.post("/disconnect")
async def disconnect(body: Connected, plane: Plane, caller: Asker) -> JsonObject:
    """End a session."""
    now = plane.clock()

    def job(transaction: Transaction) -> tuple[LiveSession | None, int]:
        found = _end(transaction.connection, body.connection_id, caller.id, now)
        if found is not None:
            transaction.append(AuditEvent(now, "live.disconnected", found.id, {"by": caller.name}, actor=found.actor))
        return found, _count(transaction.connection, caller.id, now)

    session, number = await plane.write(job)
    if session is None:
        raise _no_session()
    return _shown(session, number, "disconnected")


async def check(plane: ControlPlane, caller: Key, actor: str, context: JsonObject) -> None:
    """See that a question that needs a live session has one, of this key and actor.

    Raises:
        HTTPException: 422, it has none.
    """
    if not context.get("require_live_connection"):
        return
    name, now = context.get("connection_id"), plane.clock()
    found = None
    if isinstance(name, str):
        found = await plane.read(lambda connection: _find(connection, name, caller.id, now))
    if found is None or found.actor != actor:
        raise _no_session()


def _no_session() -> HTTPException:
    return problem(422, "no_live_connection")


def _shown(session: LiveSession, number: int, status: str) -> JsonObject:
    return {
        "connection_id": session.id,
        "agent_id": session.actor,
        "current_connections": number,
        "max_connections": MOST,
        "ttl_seconds": TTL_SECONDS,
        "heartbeat_interval_seconds": _BEAT_SECONDS,
        "status": status,
    }


def _begin(connection: Connection, session: LiveSession) -> int | None:
    """Begin a session; how many its key has now, `None` if that would be too many. Those that ended are forgotten."""
    now = session.connected_at
    connection.execute(delete(table).where(table.c.expires_at <= now))
    others = _count(connection, session.key_id, now)
    if others >= MOST:
        return None
    connection.execute(table.insert(), {name: getattr(session, name) for name in LiveSession.__slots__})
    return others + 1


def _prolong(connection: Connection, session_id: str, key_id: str, now: float) -> LiveSession | None:
    """Prolong a session; `None` if the key has none of this name that still lives."""
    statement = update(table).where(*_is_live(session_id, key_id, now)).values(expires_at=now + TTL_SECONDS)
    return _find(connection, session_id, key_id, now) if connection.execute(statement).rowcount == 1 else None


def _end(connection: Connection, session_id: str, key_id: str, now: float) -> LiveSession | None:
    """End a session; `None` if the key has none of this name that still lives."""
    found = _find(connection, session_id, key_id, now)
    connection.execute(delete(table).where(*_is_live(session_id, key_id, now)))
    return found


def _find(connection: Connection, session_id: str, key_id: str, now: float) -> LiveSession | None:
    """The session of a key, if it lives."""
    query = select(table).where(*_is_live(session_id, key_id, now))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else LiveSession(**row)


def _count(connection: Connection, key_id: str, now: float) -> int:
    """How many sessions of a key live."""
    query = select(func.count()).where(table.c.key_id == key_id, table.c.expires_at > now)
    return connection.execute(query).scalar_one()


def _is_live(session_id: str, key_id: str, now: float) -> tuple[ColumnElement[bool], ...]:
    return table.c.id == session_id, table.c.key_id == key_id, table.c.expires_at > now
