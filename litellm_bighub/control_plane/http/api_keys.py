"""`/api-keys`: who may do what."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_validator

from litellm_bighub.control_plane.http.auth import Anybody, KeyWriter, Plane
from litellm_bighub.control_plane.http.errors import not_found, problem
from litellm_bighub.control_plane.http.times import iso
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store import keys
from litellm_bighub.control_plane.store.chain import Entry
from litellm_bighub.control_plane.store.keys import Key, Scope
from litellm_bighub.control_plane.store.transaction import Transaction

router = APIRouter(prefix="/api-keys")

DAY = 86400


class NewKey(BaseModel):
    """A key to make."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    label: str = Field(min_length=1, max_length=200)
    scopes: list[Scope] = Field(min_length=1)
    expires_in_days: float | None = Field(default=None, gt=0, le=3660)

    @field_validator("scopes")
    @classmethod
    def _keeps_agents_apart(cls, scopes: list[Scope]) -> list[Scope]:
        if keys.mixes(frozenset(scopes)):
            raise ValueError("a key that asks for decisions (actions:validate) may hold no other scope")
        return scopes


@router.post("")
async def create(body: NewKey, plane: Plane, caller: KeyWriter) -> dict[str, Any]:
    """Make a key; this answer is the only place where it is shown."""
    end = None if body.expires_in_days is None else plane.clock() + body.expires_in_days * DAY
    key, secret = await make_key(plane, body.label, frozenset(body.scopes), by=caller.name, expires_at=end)
    return {**_shown(key, plane.clock()), "key": secret}


@router.get("")
async def listed(plane: Plane, _: KeyWriter, include_revoked: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - a query parameter
    """All keys, by their first characters."""
    found = await plane.read(lambda connection: keys.listed(connection, revoked=include_revoked))
    return {"keys": [_shown(key, plane.clock()) for key in found], "total": len(found)}


@router.get("/scopes")
async def scopes(_: Anybody) -> dict[str, Any]:
    """What a key may hold."""
    return {"scopes": list(keys.SCOPES)}


@router.get("/validate")
async def validate(plane: Plane, caller: Anybody) -> dict[str, Any]:
    """Whether the key of the header is valid. The one in the query is not looked at: it stands in every log."""
    return {"valid": True, **_shown(caller, plane.clock())}


@router.delete("/{key_id}")
async def revoke(key_id: str, plane: Plane, caller: KeyWriter) -> dict[str, Any]:
    """Make a key useless from now on."""
    if not await plane.write(lambda transaction: _revoke(transaction, key_id, caller.name, plane.clock())):
        raise not_found("valid API key", key_id)
    return {"key_id": key_id, "revoked": True}


@router.post("/{key_id}/rotate")
async def rotate(key_id: str, plane: Plane, caller: KeyWriter) -> dict[str, Any]:
    """Put a new key in an old one's place."""
    old = await plane.read(lambda connection: keys.get(connection, key_id))
    if old is None or not old.valid_at(plane.clock()):
        raise not_found("valid API key", key_id)
    if not await plane.write(lambda transaction: _revoke(transaction, key_id, caller.name, plane.clock())):
        raise problem(409, "rotated", "the key was revoked in the meantime")
    key, secret = await make_key(plane, old.name, old.scopes, by=caller.name, expires_at=old.expires_at)
    return {**_shown(key, plane.clock()), "key": secret}


async def make_key(
    plane: ControlPlane, name: str, scopes: frozenset[Scope], *, by: str, expires_at: float | None = None
) -> tuple[Key, str]:
    """Make and store a key.

    Returns:
        The key, and its secret, which is not stored.
    """
    secret, now = keys.new_secret(), plane.clock()
    key = Key(
        id=f"key_{plane.new_id()}",
        name=name,
        prefix=secret[:10],
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
    )

    def job(transaction: Transaction) -> None:
        keys.insert(transaction.connection, key, secret)
        body = {"by": by, "name": name, "scopes": sorted(scopes)}
        transaction.append(Entry(now, "api_key.created", key.id, body, severity="warning"))

    await plane.write(job)
    return key, secret


def _revoke(transaction: Transaction, key_id: str, by: str, now: float) -> bool:
    if not keys.revoke(transaction.connection, key_id, now):
        return False
    transaction.append(Entry(now, "api_key.revoked", key_id, {"by": by}, severity="warning"))
    return True


def _shown(key: Key, now: float) -> dict[str, Any]:
    return {
        "key_id": key.id,
        "label": key.name,
        "key_prefix": key.prefix,
        "scopes": sorted(key.scopes),
        "is_active": key.valid_at(now),
        "created_at": iso(key.created_at),
        "expires_at": iso(key.expires_at),
        "revoked_at": iso(key.revoked_at),
    }


async def first_key(plane: ControlPlane) -> str | None:
    """A key for the first person, where there is no key at all; its secret, `None` if there are keys."""
    if await plane.read(lambda connection: keys.listed(connection, revoked=True)):
        return None
    _, secret = await make_key(plane, "admin", frozenset(keys.SCOPES) - keys.AGENT, by="the first start")
    return secret
