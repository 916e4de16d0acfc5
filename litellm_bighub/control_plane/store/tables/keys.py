"""API keys. Only digests are stored: the key itself is shown once, when it is made."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from sqlalchemy import Connection, RowMapping, delete, select, update

from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.people.roles import AGENT, ROLES, SCOPES, Scope, scopes_of
from litellm_bighub.control_plane.store.schema import api_key_minutes, api_keys
from litellm_bighub.domain.actor import is_marked
from litellm_bighub.policy.rule_pattern import Pattern

PREFIX: Final = "bhk_"
_WILD: Final = frozenset("*?[")
_CLOCKS_DIFFER: Final = 60
"""Minutes that another process may be ahead; its minute goes on then, so that no two minutes are counted in turns."""
_COLUMNS: Final = tuple(column.name for column in api_keys.columns if column.name != "digest")


@dataclass(frozen=True, slots=True)
class Key:
    """Who a key belongs to and what it may do.

    Attributes:
        name: of the person or agent, as the audit names them.
        prefix: the first characters, by which people recognise the key.
        scopes: what it may do now. A user's key may no more than the user's roles let them.
        lineage: the person behind the key. Whoever makes a key sees it, so it is its maker's; so is one that replaces
            an old one. Only a key that was made on the server itself begins a lineage, with its own id, unless it was
            made for a user: then it has the user's id.
        actor: pattern of the actors that an agent's key speaks for; `None` for any.
        ip_whitelist: addresses and networks from which the key may be used; empty for any.
        rate_limit_per_minute: how many requests it may make in a minute, over all processes.
        holder: what holds the key: the id of the first of the keys that took each other's place by rotation.
        litellm_user: of the user whose key it is, as is known now.
        roles_of: when an identity provider told the roles of the user whose key it is; `None` if it is no such user's.
        user_is_gone: whether it is a user's who is disabled, or whom the database does not know.
    """

    id: str
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    lineage: str
    actor: str | None = None
    ip_whitelist: tuple[str, ...] = ()
    rate_limit_per_minute: int | None = None
    holder: str = ""
    litellm_user: str = ""
    roles_of: float | None = None
    user_is_gone: bool = False

    @property
    def person(self) -> Person:
        """Who answers for what this key does. Also a user's key has no name and no groups that rules ask for."""
        return Person(self.lineage, self.name, self.scopes, litellm_user=self.litellm_user)

    @property
    def is_agent(self) -> bool:
        """Whether it is an agent's."""
        return bool(self.scopes & AGENT)

    def speaks_for(self, actor: str) -> bool:
        """Whether the key may act as this actor, or see what is that actor's. A person's sees every actor's."""
        return not self.is_agent or self.actor is None or bool(Pattern(self.actor).matches(actor))

    @property
    def vouches(self) -> bool:
        """Whether it may say whose key, user and team a gateway has authenticated.

        A gateway's key speaks for any actor, or for whoever authentication names. An agent's own would name others.
        """
        if self.actor is None or not self.actor.strip("*"):
            return True
        return is_marked(self.actor) and not self.single_actor

    @property
    def single_actor(self) -> str:
        """The one actor that the key speaks for; empty if there may be others."""
        return self.actor if self.actor is not None and _WILD.isdisjoint(self.actor) else ""

    def may_come_from(self, address: str | None) -> bool:
        """Whether the key may be used from this address."""
        if not self.ip_whitelist:
            return True
        try:
            found = ip_address((address or "").partition("%")[0])
        except ValueError:  # a unix socket has none
            return False
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in ip_network(network) for network in self.ip_whitelist)

    def valid_at(self, now: float) -> bool:
        """Whether the key opens anything."""
        is_over = self.revoked_at is not None or (self.expires_at is not None and now >= self.expires_at)
        return not is_over and not self.user_is_gone


def new_secret() -> str:
    """A random key."""
    return PREFIX + secrets.token_urlsafe(32)


def mixes_scopes(scopes: frozenset[Scope]) -> bool:
    """Whether these scopes would let an agent's key do more than ask."""
    return bool(scopes & AGENT) and scopes != AGENT


def insert(connection: Connection, key: Key, secret: str) -> None:
    """Store a key."""
    values = {name: getattr(key, name) for name in _COLUMNS}
    values["scopes"] = " ".join(sorted(key.scopes))
    values["ip_whitelist"] = " ".join(key.ip_whitelist)
    connection.execute(api_keys.insert(), {**values, "digest": digest(secret)})


def find(connection: Connection, secret: str) -> Key | None:
    """The key with this secret."""
    row = connection.execute(select(api_keys).where(api_keys.c.digest == digest(secret))).mappings().one_or_none()
    return None if row is None else _key(connection, row)


def get(connection: Connection, key_id: str) -> Key | None:
    """The key with this id."""
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().one_or_none()
    return None if row is None else _key(connection, row)


def listed(connection: Connection, *, revoked: bool) -> list[Key]:
    """All keys, the oldest first."""
    query = select(api_keys).order_by(api_keys.c.created_at)
    if not revoked:
        query = query.where(api_keys.c.revoked_at.is_(None))
    return [_key(connection, row) for row in connection.execute(query).mappings().all()]


def names(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """What the keys with these ids are called, also those that are over."""
    known = select(api_keys.c.id, api_keys.c.name).where(api_keys.c.id.in_(ids))
    return {row.id: row.name for row in connection.execute(known)} if ids else {}


def revoke(connection: Connection, key_id: str, now: float) -> bool:
    """Make a key useless; false if it is already, or unknown."""
    statement = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
    return connection.execute(statement).rowcount == 1


def expire(connection: Connection, key: Key, at: float) -> bool:
    """Let a key end at a time, or when it does already if that is sooner; false if it opens nothing any more."""
    ends = at if key.expires_at is None else min(at, key.expires_at)
    statement = update(api_keys).where(api_keys.c.id == key.id, api_keys.c.revoked_at.is_(None)).values(expires_at=ends)
    return connection.execute(statement).rowcount == 1


def digest(secret: str) -> str:
    """Keys are random enough to need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def change(
    connection: Connection,
    key_id: str,
    *,
    actor: str | None,
    ip_whitelist: tuple[str, ...],
    rate_limit_per_minute: int | None,
) -> None:
    """Say anew for whom, from where and how often a key may be used."""
    values = {
        "actor": actor,
        "ip_whitelist": " ".join(ip_whitelist),
        "rate_limit_per_minute": rate_limit_per_minute,
    }
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(**values))


def count_request(connection: Connection, key: Key, now: float) -> float | None:
    """Count a request of a key that has a limit.

    Returns:
        Seconds until the next request may come, `None` if this one may.
    """
    minute = int(now // 60)
    row = connection.execute(select(api_key_minutes).where(api_key_minutes.c.key_id == key.id)).mappings().one_or_none()
    requests = 0
    if row is not None and minute <= row["minute"] <= minute + _CLOCKS_DIFFER:
        minute, requests = row["minute"], row["requests"]
    if key.rate_limit_per_minute is not None and requests >= key.rate_limit_per_minute:
        return (minute + 1) * 60 - now
    connection.execute(delete(api_key_minutes).where(api_key_minutes.c.key_id == key.id))
    connection.execute(api_key_minutes.insert(), {"key_id": key.id, "minute": minute, "requests": requests + 1})
    return None


def move_request_count(connection: Connection, old_id: str, new_id: str) -> None:
    """Count the requests of a key with those of the one that it replaces."""
    moved = update(api_key_minutes).where(api_key_minutes.c.key_id == old_id).values(key_id=new_id)
    connection.execute(moved)


def _key(connection: Connection, row: RowMapping) -> Key:
    scopes: frozenset[Scope] = frozenset(scope for scope in SCOPES if scope in str(row["scopes"]).split())
    columns = {name: row[name] for name in _COLUMNS if name not in {"scopes", "ip_whitelist"}}
    columns["holder"] = row["holder"] or row["id"]  # a key that replaced none holds itself
    key = Key(**columns, scopes=scopes, ip_whitelist=tuple(str(row["ip_whitelist"]).split()))
    if not users.is_user_id(key.lineage):
        return key
    user = users.get(connection, key.lineage)
    if user is None or user.disabled_at is not None:
        return replace(key, user_is_gone=True)
    lost = scopes_of(ROLES) - scopes_of(user.roles)
    return replace(key, scopes=scopes - lost, litellm_user=user.litellm_user, roles_of=user.roles_of)
