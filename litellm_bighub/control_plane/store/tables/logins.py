"""Logins of the inbox. The database holds digests only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from litellm_bighub.control_plane.store.schema import sessions
from litellm_bighub.control_plane.store.tables import keys
from litellm_bighub.control_plane.store.tables.keys import Key

LIFETIME_SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class Login:
    """A person who is logged in.

    Attributes:
        csrf: must come with every form.
    """

    key: Key
    csrf: str
    expires_at: float


def start(connection: Connection, key: Key, now: float) -> str:
    """Log a person in; the cookie's value."""
    cookie = secrets.token_urlsafe(32)
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    row = {
        "digest": keys.digest(cookie),
        "key_id": key.id,
        "csrf": secrets.token_urlsafe(32),
        "created_at": now,
        "expires_at": now + LIFETIME_SECONDS,
    }
    connection.execute(sessions.insert(), row)
    return cookie


def find(connection: Connection, cookie: str, now: float) -> Login | None:
    """The session of a cookie, if its time is not over and its key is still good."""
    query = select(sessions).where(sessions.c.digest == keys.digest(cookie), sessions.c.expires_at > now)
    row = connection.execute(query).mappings().one_or_none()
    key = None if row is None else keys.get(connection, row["key_id"])
    if row is None or key is None or not key.valid_at(now):
        return None
    return Login(key, row["csrf"], row["expires_at"])


def end(connection: Connection, cookie: str) -> None:
    """Log out."""
    connection.execute(delete(sessions).where(sessions.c.digest == keys.digest(cookie)))
