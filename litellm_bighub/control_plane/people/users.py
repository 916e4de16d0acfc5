"""Users of the control plane, as they are stored: names, groups, roles, and the digest of a password."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, RowMapping, select, update

from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.people.roles import Role, known_roles, scopes_of
from litellm_bighub.control_plane.store.schema import users

OF_PROVIDER: Final = "oidc_"
"""What ids begin with that stand for an issuer and a subject of an identity provider."""
_LOCAL: Final = "user_"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
_SLACK: Final = re.compile(r"[UW][A-Z0-9]{2,30}")
_GROUP: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a login of their own.

    Attributes:
        name: what they log in with, or have chosen at an identity provider. One spelling has one name: small letters,
            digits and a few signs.
        password: its hash.
        litellm_user: the LiteLLM user that they are; empty if nobody has said so.
        disabled_at: since when they cannot log in.
        totp_secret: of their authenticator app, sealed; empty without a second factor.
        totp_step: the last one whose code was used.
        recovery: digests of recovery codes that are left.
        email: where mail tells them of calls that wait; empty for nowhere.
        slack: their account in Slack, by its id; empty for none. An account is one user's alone.
        login_at: when an identity provider last let them in, and told their roles; `None` for a local user, and where
            nobody knows.
    """

    id: str
    name: str
    password: str = field(repr=False)
    roles: frozenset[Role]
    groups: frozenset[str]
    litellm_user: str
    created_at: float
    disabled_at: float | None = None
    totp_secret: str = field(default="", repr=False)
    totp_step: int = 0
    recovery: frozenset[str] = field(default=frozenset(), repr=False)
    email: str = ""
    slack: str = ""
    login_at: float | None = None

    @property
    def of_provider(self) -> bool:
        """Whether they log in at an identity provider."""
        return self.id.startswith(OF_PROVIDER)

    @property
    def roles_of(self) -> float | None:
        """When a provider told their roles, long ago if nobody knows; `None` for those that are told here."""
        return (self.login_at or 0.0) if self.of_provider else None

    @property
    def has_totp(self) -> bool:
        """Whether a code is asked for when they log in."""
        return bool(self.totp_secret)

    @property
    def person(self) -> Person:
        """Who answers for what this user does; what `RuleNames.person` says counts for rules."""
        user = "" if self.of_provider else self.name
        return Person(self.id, self.name, scopes_of(self.roles), user, self.groups, self.litellm_user)


def new_id(random: str) -> str:
    """The id of a local user."""
    return f"{_LOCAL}{random}"


def is_user_id(text: str) -> bool:
    """Whether a text is made as ids of users are, and so stands for a user or for nobody."""
    return text.startswith((_LOCAL, OF_PROVIDER))


def user_name(text: str) -> str | None:
    """A text as a user's name; `None` if it cannot be one."""
    name = text.strip().lower()
    return name if _NAME.fullmatch(name) else None


def slack_account(text: str) -> str | None:
    """A text as the id of an account in Slack; `None` if it cannot be one."""
    return text if _SLACK.fullmatch(text) else None


def group_name(text: str) -> str | None:
    """A text as a group's name; `None` if it cannot be one."""
    return text if _GROUP.fullmatch(text) else None


def insert(connection: Connection, user: User) -> None:
    """Store a new user."""
    connection.execute(users.insert(), {"id": user.id, "created_at": user.created_at, **_values(user)})


def change(connection: Connection, user: User) -> None:
    """Store a user anew."""
    connection.execute(update(users).where(users.c.id == user.id).values(**_values(user)))


def get(connection: Connection, user_id: str) -> User | None:
    """The user with this id."""
    row = connection.execute(select(users).where(users.c.id == user_id)).mappings().one_or_none()
    return None if row is None else _user(row)


def named(connection: Connection, name: str) -> User | None:
    """The user with this name."""
    row = connection.execute(select(users).where(users.c.name == name)).mappings().one_or_none()
    return None if row is None else _user(row)


def of_slack(connection: Connection, account: str) -> User | None:
    """The user with this account in Slack."""
    query = select(users).where(users.c.slack == account, users.c.slack != "")
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _user(row)


def everybody(connection: Connection) -> list[User]:
    """All users, by name."""
    return [_user(row) for row in connection.execute(select(users).order_by(users.c.name)).mappings()]


def _values(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "password": user.password,
        "roles": _joined(user.roles),
        "groups": _joined(user.groups),
        "litellm_user": user.litellm_user,
        "disabled_at": user.disabled_at,
        "totp_secret": user.totp_secret,
        "totp_step": user.totp_step,
        "recovery": _joined(user.recovery),
        "email": user.email,
        "slack": user.slack,
        "login_at": user.login_at,
    }


def _joined(words: Iterable[str]) -> str:
    return " ".join(sorted(words))


def _user(row: RowMapping) -> User:
    return User(
        id=row["id"],
        name=row["name"],
        password=row["password"],
        roles=known_roles(row["roles"].split()),
        groups=frozenset(row["groups"].split()),
        litellm_user=row["litellm_user"],
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        totp_secret=row["totp_secret"],
        totp_step=row["totp_step"],
        recovery=frozenset(row["recovery"].split()),
        email=row["email"],
        slack=row["slack"],
        login_at=row["login_at"],
    )
