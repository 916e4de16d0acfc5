"""Logins of the inbox, of users and of keys. The database holds digests only."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, RowMapping, delete, select

from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.people.rule_names import NONE_DECLARED, RuleNames
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.store.schema import api_keys, sessions, users as users_table
from litellm_bighub.control_plane.store.tables import keys
from litellm_bighub.control_plane.store.tables.keys import Key

LIFETIME_SECONDS = 8 * 3600
_ID: Final = 16
"""How much of a digest names a session to people. It opens nothing: the cookie is what was digested."""


@dataclass(frozen=True, slots=True)
class Login:
    """A person who is logged in.

    Attributes:
        session: its id.
        csrf: must come with every form.
        key: what they have logged in with; `None` for a user.
        has_totp: whether it is a user with a second factor.
    """

    session: str
    person: Person
    csrf: str
    expires_at: float
    key: Key | None = None
    has_totp: bool = False

    @property
    def is_user(self) -> bool:
        """Whether it is a user."""
        return self.key is None

    @property
    def has_password(self) -> bool:
        """Whether it is a user with a password."""
        return self.is_user and not self.person.id.startswith(users.OF_PROVIDER)

    def may_come_from(self, address: str | None) -> bool:
        """Whether what they have logged in with may be used from this address."""
        return self.key is None or self.key.may_come_from(address)


@dataclass(frozen=True, slots=True)
class Session:
    """A login as it is listed.

    Attributes:
        name: of the user or the key.
        client: the browser, in its own words.
    """

    id: str
    user_id: str
    key_id: str
    name: str
    address: str
    client: str
    created_at: float
    expires_at: float

    @property
    def of_provider(self) -> bool:
        """Whether they have logged in at an identity provider."""
        return self.user_id.startswith(users.OF_PROVIDER)


def start(
    connection: Connection,
    who: Key | User,
    now: float,
    *,
    address: str = "",
    client: str = "",
    until: float | None = None,
) -> str:
    """Log a person in, for eight hours or until an earlier time; the cookie's value."""
    cookie = secrets.token_urlsafe(32)
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    row = {
        "digest": keys.digest(cookie),
        "key_id": who.id if isinstance(who, Key) else "",
        "user_id": who.id if isinstance(who, User) else "",
        "csrf": secrets.token_urlsafe(32),
        "created_at": now,
        "expires_at": min(now + LIFETIME_SECONDS, until or math.inf),
        "address": address,
        "client": client[:200],
    }
    connection.execute(sessions.insert(), row)
    return cookie


def session_id(cookie: str) -> str:
    """What names the session of a cookie."""
    return keys.digest(cookie)[:_ID]


def find(connection: Connection, cookie: str, now: float, names: RuleNames = NONE_DECLARED) -> Login | None:
    """The session of a cookie, if its time is not over and its user or key is still good."""
    query = select(sessions).where(sessions.c.digest == keys.digest(cookie), sessions.c.expires_at > now)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    key: Key | None = None
    has_totp = False
    if row["user_id"]:
        user = users.get(connection, row["user_id"])
        if user is None or user.disabled_at is not None:
            return None
        person, has_totp = names.person(connection, user), user.has_totp
    else:
        key = keys.get(connection, row["key_id"])
        if key is None or not key.valid_at(now) or not names.roles_count(key.roles_of, now):
            return None
        person = key.person
    return Login(row["digest"][:_ID], person, row["csrf"], row["expires_at"], key, has_totp)


def listed(connection: Connection, now: float, *, user_id: str = "") -> list[Session]:
    """Who is logged in, the latest first.

    Args:
        connection: to read with.
        now: POSIX seconds.
        user_id: only this user's; empty for everybody's.
    """
    names = users_table.c.name.label("user_name"), api_keys.c.name.label("key_name")
    query = (
        select(sessions, *names)
        .outerjoin(users_table, users_table.c.id == sessions.c.user_id)
        .outerjoin(api_keys, api_keys.c.id == sessions.c.key_id)
        .where(sessions.c.expires_at > now)
        .order_by(sessions.c.created_at.desc(), sessions.c.digest)
    )
    if user_id:
        query = query.where(sessions.c.user_id == user_id)
    return [_session(row) for row in connection.execute(query).mappings()]


def end(connection: Connection, session: str) -> bool:
    """End the session with this id; false if there is none."""
    if len(session) != _ID:
        return False
    ended = connection.execute(delete(sessions).where(sessions.c.digest.startswith(session, autoescape=True)))
    return ended.rowcount > 0


def _session(row: RowMapping) -> Session:
    return Session(
        row["digest"][:_ID],
        row["user_id"],
        row["key_id"],
        row["user_name"] or row["key_name"] or "",
        row["address"],
        row["client"],
        row["created_at"],
        row["expires_at"],
    )
