"""API keys. Only digests are stored: the key itself is shown once, when it is made."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from sqlalchemy import Connection, RowMapping, select, update

from litellm_bighub.control_plane.store.schema import api_keys

Scope: TypeAlias = Literal[
    "actions:validate",
    "approvals:resolve",
    "audit:read",
    "keys:write",
    "kill_switch:write",
    "rules:write",
    "webhooks:write",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
AGENT: Final[frozenset[Scope]] = frozenset({"actions:validate"})
"""What an agent's key may hold. It can never resolve: such a key holds nothing else, and this scope is in no other."""
PREFIX: Final = "bhk_"


@dataclass(frozen=True, slots=True)
class Key:
    """Who a key belongs to and what it may do.

    Attributes:
        name: of the person or agent, as the audit names them.
        prefix: the first characters, by which people recognise the key.
    """

    id: str
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created_at: float
    expires_at: float | None
    revoked_at: float | None

    def valid_at(self, now: float) -> bool:
        """Whether the key opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def new_secret() -> str:
    """A key that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(32)


def mixes(scopes: frozenset[Scope]) -> bool:
    """Whether these scopes would let an agent's key do more than ask."""
    return bool(scopes & AGENT) and scopes != AGENT


def insert(connection: Connection, key: Key, secret: str) -> None:
    """Store a key."""
    values = {name: getattr(key, name) for name in Key.__slots__}
    values["scopes"] = " ".join(sorted(key.scopes))
    connection.execute(api_keys.insert(), {**values, "digest": digest(secret)})


def find(connection: Connection, secret: str) -> Key | None:
    """The key with this secret."""
    row = connection.execute(select(api_keys).where(api_keys.c.digest == digest(secret))).mappings().one_or_none()
    return None if row is None else _key(row)


def get(connection: Connection, key_id: str) -> Key | None:
    """The key with this id."""
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().one_or_none()
    return None if row is None else _key(row)


def listed(connection: Connection, *, revoked: bool) -> list[Key]:
    """All keys, the oldest first."""
    query = select(api_keys).order_by(api_keys.c.created_at)
    if not revoked:
        query = query.where(api_keys.c.revoked_at.is_(None))
    return [_key(row) for row in connection.execute(query).mappings()]


def revoke(connection: Connection, key_id: str, now: float) -> bool:
    """Make a key useless; false if it is already, or unknown."""
    statement = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
    return connection.execute(statement).rowcount == 1


def digest(secret: str) -> str:
    """Keys are random enough to need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(row: RowMapping) -> Key:
    scopes: frozenset[Scope] = frozenset(scope for scope in SCOPES if scope in str(row["scopes"]).split())
    columns = {name: row[name] for name in Key.__slots__ if name != "scopes"}
    return Key(**columns, scopes=scopes)
