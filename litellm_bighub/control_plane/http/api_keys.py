"""`/api-keys`: who may do what."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import Connection
from typing_extensions import Self

from litellm_bighub.control_plane.http.auth import ANY_ACTOR, Anybody, KeyWriter, Plane
from litellm_bighub.control_plane.http.errors import not_found, problem
from litellm_bighub.control_plane.http.json_values import iso
from litellm_bighub.control_plane.people.roles import AGENT, SCOPES, Scope
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import keys
from litellm_bighub.control_plane.store.tables.keys import Key
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/api-keys")

DAY = 86400


Addresses = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)]
PerMinute = Annotated[int, Field(ge=1, le=10**6)]
Actor = Annotated[str, Field(min_length=1, max_length=500)]


class KeyFields(BaseModel):
    """What may be said of a key, and be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: Actor | None = Field(default=None, description="pattern of the actors that an agent's key speaks for")
    ip_whitelist: Addresses | None = Field(default=None, description="addresses and networks; none for any")
    rate_limit_per_minute: PerMinute | None = Field(default=None, description="requests in a minute")

    @field_validator("ip_whitelist")
    @classmethod
    def _are_networks(cls, addresses: list[str] | None) -> list[str] | None:
        try:
            return None if addresses is None else [str(ip_network(address, strict=False)) for address in addresses]
        except ValueError as error:
            raise ValueError("an address is no IP address, and no network as in 10.0.0.0/8") from error


class NewKey(KeyFields):
    """A key to make."""

    label: str = Field(min_length=1, max_length=200)
    scopes: list[Scope] = Field(min_length=1)
    expires_in_days: float | None = Field(default=None, gt=0, le=3660)

    @field_validator("scopes")
    @classmethod
    def _keeps_agents_apart(cls, scopes: list[Scope]) -> list[Scope]:
        if keys.mixes_scopes(frozenset(scopes)):
            raise ValueError("a key that asks for decisions (actions:validate) may hold no other scope")
        return scopes

    @model_validator(mode="after")
    def _only_agents_have_actors(self) -> Self:
        if self.actor is not None and not AGENT & set(self.scopes):
            raise ValueError("an actor is for a key that asks for decisions (actions:validate)")
        return self


class Revocation(BaseModel):
    """Why a key is revoked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str | None = Field(default=None, max_length=2000)


@router.post("")
async def create(body: NewKey, plane: Plane, caller: KeyWriter) -> JsonObject:
    """Make a key; this answer is the only place where it is shown.

    Whoever asks for it sees it, so with four eyes it stands for the same person as the key that asked.
    """
    now = plane.clock()
    key = new_key(
        plane,
        body.label,
        frozenset(body.scopes),
        lineage=caller.lineage,
        actor=body.actor,
        ip_whitelist=tuple(body.ip_whitelist or ()),
        rate_limit_per_minute=body.rate_limit_per_minute,
        expires_at=None if body.expires_in_days is None else now + body.expires_in_days * DAY,
    )
    made, secret = await _store(plane, key, by=caller.name)
    return {**_shown(made, now), "key": secret}


@router.get("")
async def listed(plane: Plane, _: KeyWriter, include_revoked: bool = False) -> JsonObject:  # noqa: FBT001, FBT002 - a query parameter
    """All keys, by their first characters."""
    found = await plane.read(lambda connection: keys.listed(connection, revoked=include_revoked))
    return {"keys": [_shown(key, plane.clock()) for key in found], "total": len(found)}


@router.get("/scopes")
async def scopes(_: Anybody) -> JsonObject:
    """What a key may hold."""
    return {"scopes": list(SCOPES)}


@router.get("/validate")
async def validate(plane: Plane, caller: Anybody) -> JsonObject:
    """Whether the key of the header is valid. The one in the query is not looked at: it stands in every log."""
    return {"valid": True, **_shown(caller, plane.clock())}


@router.patch("/{key_id}")
async def update(key_id: str, body: KeyFields, plane: Plane, caller: KeyWriter) -> JsonObject:
    """Change for whom, from where and how often a key may be used; `null` removes a bound, but no actor."""
    now, names = plane.clock(), ("actor", "ip_whitelist", "rate_limit_per_minute")

    def job(transaction: Transaction) -> Key:
        key = keys.get(transaction.connection, key_id)
        if key is None or not key.valid_at(now):
            raise not_found("valid API key", key_id)
        changed = _changed(key, body)
        keys.change(transaction.connection, key_id, **{name: getattr(changed, name) for name in names})
        details = {"by": caller.name, "before": _bounds(key), "after": _bounds(changed)}
        transaction.append(AuditEvent(now, "api_key.changed", key_id, details, severity="warning"))
        return changed

    return _shown(await plane.write(job), now)


@router.delete("/{key_id}")
async def revoke(key_id: str, plane: Plane, caller: KeyWriter, body: Revocation | None = None) -> JsonObject:
    """Make a key useless from now on."""
    reason = (body.reason if body else None) or ""
    key = await plane.read(lambda connection: keys.get(connection, key_id))
    if key is None or not await revoke_key(plane, key, by=caller.name, reason=reason):
        raise not_found("valid API key", key_id)
    return {"key_id": key_id, "revoked": True}


@router.post("/{key_id}/rotate")
async def rotate(key_id: str, plane: Plane, caller: Anybody) -> JsonObject:
    """Put a new key in the place of the one that asks: only its holder may have it. Others can revoke it.

    The old key ends at once: a stolen one that made a second key would be noticed.
    """
    if key_id != caller.id:
        raise problem(403, "not_the_holder", prefix=caller.prefix)
    rotated = await rotate_key(plane, caller, by=caller.name)
    if rotated is None:
        raise problem(409, "rotated")
    made, secret = rotated
    return {**_shown(made, made.created_at), "key": secret}


async def rotate_key(plane: ControlPlane, key: Key, *, by: str, grace_seconds: float = 0) -> tuple[Key, str] | None:
    """Make a key that takes another's place: the same person, scopes and bounds.

    Args:
        plane: where the keys are.
        key: the one that ends.
        by: who asks.
        grace_seconds: how long the old key goes on opening what it opens, so that its users can change over.

    Returns:
        The new key, and its secret, which is not stored; `None` if the old one was revoked in the meantime.
    """
    new_id, (begun, secret) = f"key_{plane.new_id()}", _with_secret(plane, key)
    now = begun.created_at

    def job(transaction: Transaction) -> Key | None:
        old = keys.get(transaction.connection, key.id)  # its bounds may have changed since
        if old is None or not (
            _expire(transaction, old, now, grace_seconds, by)
            if grace_seconds
            else _revoke(transaction, old.id, by, now)
        ):
            return None
        made = replace(old, id=new_id, prefix=begun.prefix, created_at=now)
        _insert(transaction, made, secret, by=by)
        keys.move_request_count(transaction.connection, old.id, made.id)
        return made

    made = await plane.write(job)
    return None if made is None else (made, secret)


async def revoke_key(plane: ControlPlane, key: Key, *, by: str, reason: str = "") -> bool:
    """Make a key useless from now on; false if it is already."""
    return await plane.write(lambda transaction: _revoke(transaction, key.id, by, plane.clock(), reason))


async def make_key(
    plane: ControlPlane,
    name: str,
    scopes: frozenset[Scope],
    *,
    by: str,
    expires_at: float | None = None,
    actor: str | None = None,
    lineage: str = "",
) -> tuple[Key, str]:
    """Make and store a key of a person or agent of its own, on the server itself, or of a user with this id as lineage.

    Returns:
        The key, and its secret, which is not stored.
    """
    return await _store(plane, new_key(plane, name, scopes, lineage=lineage, expires_at=expires_at, actor=actor), by=by)


def new_key(
    plane: ControlPlane,
    name: str,
    scopes: frozenset[Scope],
    *,
    lineage: str = "",
    expires_at: float | None = None,
    actor: str | None = None,
    ip_whitelist: tuple[str, ...] = (),
    rate_limit_per_minute: int | None = None,
) -> Key:
    """A key that has no secret yet. Without a lineage it begins one."""
    key_id = f"key_{plane.new_id()}"
    return Key(
        id=key_id,
        name=name,
        prefix="",
        scopes=scopes,
        created_at=plane.clock(),
        expires_at=expires_at,
        revoked_at=None,
        lineage=lineage or key_id,
        actor=actor,
        ip_whitelist=ip_whitelist,
        rate_limit_per_minute=rate_limit_per_minute,
    )


async def _store(plane: ControlPlane, key: Key, *, by: str) -> tuple[Key, str]:
    made, secret = _with_secret(plane, key)

    def job(transaction: Transaction) -> Key:
        _insert(transaction, made, secret, by=by)
        return keys.get(transaction.connection, made.id) or made  # of a user, it may do less than was asked for

    return await plane.write(job), secret


def _with_secret(plane: ControlPlane, key: Key) -> tuple[Key, str]:
    secret = keys.new_secret()
    return replace(key, prefix=secret[:10], created_at=plane.clock()), secret


def _insert(transaction: Transaction, key: Key, secret: str, *, by: str) -> None:
    keys.insert(transaction.connection, key, secret)
    body = {"by": by, "name": key.name, "scopes": sorted(key.scopes), "person": key.lineage, **_bounds(key)}
    transaction.append(AuditEvent(key.created_at, "api_key.created", key.id, body, severity="warning"))


def _revoke(transaction: Transaction, key_id: str, by: str, now: float, reason: str = "") -> bool:
    if not keys.revoke(transaction.connection, key_id, now):
        return False
    body = {"by": by, "reason": reason}
    transaction.append(AuditEvent(now, "api_key.revoked", key_id, body, severity="warning"))
    return True


def _expire(transaction: Transaction, key: Key, now: float, grace_seconds: float, by: str) -> bool:
    if not keys.expire(transaction.connection, key, now + grace_seconds):
        return False
    body = {"by": by, "ends_at": now + grace_seconds}
    transaction.append(AuditEvent(now, "api_key.expires", key.id, body, severity="warning"))
    return True


def _changed(key: Key, body: KeyFields) -> Key:
    said = body.model_fields_set
    if "actor" in said and (body.actor is None or not key.is_agent):
        raise problem(422, "no_actor")
    return replace(
        key,
        actor=body.actor if "actor" in said else key.actor,
        ip_whitelist=tuple(body.ip_whitelist or ()) if "ip_whitelist" in said else key.ip_whitelist,
        rate_limit_per_minute=body.rate_limit_per_minute
        if "rate_limit_per_minute" in said
        else key.rate_limit_per_minute,
    )


def _bounds(key: Key) -> JsonObject:
    return {
        "actor": key.actor,
        "ip_whitelist": list(key.ip_whitelist),
        "rate_limit_per_minute": key.rate_limit_per_minute,
    }


def _shown(key: Key, now: float) -> JsonObject:
    return {
        "key_id": key.id,
        "label": key.name,
        "key_prefix": key.prefix,
        "scopes": sorted(key.scopes),
        "is_active": key.valid_at(now),
        "created_at": iso(key.created_at),
        "expires_at": iso(key.expires_at),
        "revoked_at": iso(key.revoked_at),
        "person": key.lineage,
        **_bounds(key),
        "warnings": [ANY_ACTOR] if key.is_agent and key.actor is None else [],
    }


async def first_key(plane: ControlPlane) -> str | None:
    """A key for the first person, where there is no key at all; its secret, `None` if there are keys.

    Of several processes that start at once, one makes it.
    """
    if await plane.read(_keys_exist):
        return None
    made, secret = _with_secret(plane, new_key(plane, "admin", frozenset(SCOPES) - AGENT))

    def job(transaction: Transaction) -> bool:
        if _keys_exist(transaction.connection):
            return False
        _insert(transaction, made, secret, by="the first start")
        return True

    return secret if await plane.write(job) else None


def _keys_exist(connection: Connection) -> bool:
    return bool(keys.listed(connection, revoked=True))
