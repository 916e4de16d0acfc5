"""`/actions/live`: sessions of programs that stay connected. What a session asks is answered only while it lives."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.exceptions import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from litellm_bighub.control_plane.http.auth import Asker, Plane, see_actor
from litellm_bighub.control_plane.http.errors import problem
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import live_sessions as live
from litellm_bighub.control_plane.store.tables.keys import Key
from litellm_bighub.control_plane.store.tables.live_sessions import LiveSession
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/actions/live")

OF_THE_SESSION: Final = frozenset({"connection_mode", "require_live_connection", "connection_id"})
"""What the SDK's live session adds to the context of each question."""
_BEAT_SECONDS: Final = live.TTL_SECONDS // 3


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
    see_actor(caller, body.actor)
    now = plane.clock()
    session = LiveSession(f"live_{plane.new_id()}", caller.id, body.actor, now, now + live.TTL_SECONDS)

    def job(transaction: Transaction) -> int | None:
        number = live.connect(transaction.connection, session)
        if number is not None:
            transaction.append(AuditEvent(now, "live.connected", session.id, {"by": caller.name}, actor=body.actor))
        return number

    number = await plane.write(job)
    if number is None:
        raise problem(429, "too_many_connections", f"this API key has {live.MOST} live sessions")
    return _shown(session, number, "connected")


@router.post("/heartbeat")
async def heartbeat(body: Connected, plane: Plane, caller: Asker) -> JsonObject:
    """Say that the program is still there."""
    now = plane.clock()

    def job(transaction: Transaction) -> tuple[LiveSession | None, int]:
        found = live.beat(transaction.connection, body.connection_id, caller.id, now)
        if found is not None:
            see_actor(caller, found.actor)
        return found, live.count(transaction.connection, caller.id, now)

    session, number = await plane.write(job)
    if session is None:
        raise _gone()
    return _shown(session, number, "connected")


@router.post("/disconnect")
async def disconnect(body: Connected, plane: Plane, caller: Asker) -> JsonObject:
    """End a session."""
    now = plane.clock()

    def job(transaction: Transaction) -> tuple[LiveSession | None, int]:
        found = live.disconnect(transaction.connection, body.connection_id, caller.id, now)
        if found is not None:
            transaction.append(AuditEvent(now, "live.disconnected", found.id, {"by": caller.name}, actor=found.actor))
        return found, live.count(transaction.connection, caller.id, now)

    session, number = await plane.write(job)
    if session is None:
        raise _gone()
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
        found = await plane.read(lambda connection: live.find(connection, name, caller.id, now))
    if found is None or found.actor != actor:
        raise _gone()


def _gone() -> HTTPException:
    return problem(422, "no_live_connection", "there is no such live session of this API key and actor; connect again")


def _shown(session: LiveSession, number: int, status: str) -> JsonObject:
    return {
        "connection_id": session.id,
        "agent_id": session.actor,
        "current_connections": number,
        "max_connections": live.MOST,
        "ttl_seconds": live.TTL_SECONDS,
        "heartbeat_interval_seconds": _BEAT_SECONDS,
        "status": status,
    }
