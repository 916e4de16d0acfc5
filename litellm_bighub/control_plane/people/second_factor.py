"""The second factor of users with a password: enrolled by themselves, asked for at each login, used up with each use.

Whoever logs in at an identity provider gives it there, and keys have none. A code counts once in all processes, since
only one of them writes at a time. What the database holds of a secret is sealed for its user.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from sqlalchemy import Connection

from litellm_bighub.control_plane.people import totp, users
from litellm_bighub.control_plane.people.accounts import end_login, shown
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.seal import HOW_TO_MAKE, VARIABLE, Sealing
from litellm_bighub.control_plane.store.tables import keys, logins
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import ConfigurationError

logger = logging.getLogger(__name__)
STEP_SECONDS = 600
"""How long a login waits for its code."""
Used: TypeAlias = Literal["code", "recovery code"]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret that waits for its first code.

    Attributes:
        secret: in base32, for the user's app.
        candidate: the same, sealed: the form brings it back.
    """

    secret: str
    candidate: str


class SecondFactor:
    """What an app knows of second factors.

    Args:
        sealing: seals the secrets; without it nobody can enrol, and nobody who has is let in.
        required: whether every user with a password must have one.
    """

    def __init__(self, sealing: Sealing | None = None, *, required: bool = False) -> None:
        self._sealing = sealing
        self._required = required

    @property
    def is_offered(self) -> bool:
        """Whether users can enrol."""
        return self._sealing is not None

    @property
    def is_required(self) -> bool:
        """Whether users must."""
        return self._required

    def check(self, connection: Connection) -> None:
        """Require what is stored to be usable.

        Raises:
            ConfigurationError: secrets are needed and cannot be sealed or opened.
        """
        if self._sealing is not None:
            return
        if self._required:
            raise ConfigurationError("serve.require_totp", f"needs a key in {VARIABLE}; {HOW_TO_MAKE}")
        if any(user.has_totp for user in users.everybody(connection)):
            raise ConfigurationError(VARIABLE, "is not set, and has sealed the second factors of users")

    def is_missing(self, login: Login) -> bool:
        """Whether somebody has to enrol before anything else."""
        return self._required and login.has_password and not login.has_totp

    def begin(self, user_id: str) -> Enrolment | None:
        """A new secret; `None` where nobody can enrol."""
        secret = totp.new_secret()
        return (
            None if self._sealing is None else Enrolment(secret, self._sealing.seal(secret, "totp candidate", user_id))
        )

    def waiting(self, user_id: str, candidate: str) -> Enrolment | None:
        """The secret that a form brings back; `None` for one that was not handed out to this user."""
        secret = self._sealing and self._sealing.open(candidate, "totp candidate", user_id)
        return Enrolment(secret, candidate) if secret else None

    def enrol(
        self, transaction: Transaction, login: Login, enrolment: Enrolment, code: str, now: float
    ) -> list[str] | None:
        """Ask for codes from now on, and end the user's other sessions; their recovery codes.

        Returns:
            `None` if the code is none of this secret, or they have a second factor already.
        """
        before = users.get(transaction.connection, login.person.id)
        step = totp.fitting_step(enrolment.secret, code, now, after=0)
        if before is None or before.has_totp or step is None or self._sealing is None:
            return None
        codes = totp.new_recovery_codes()
        after = replace(
            before,
            totp_secret=self._sealing.seal(enrolment.secret, "totp", before.id),
            totp_step=step,
            recovery=frozenset(totp.recovery_digest(before.id, one) for one in codes),
        )
        _change(transaction, before, after, now)
        for session in logins.listed(transaction.connection, now, user_id=before.id):
            if session.id != login.session:
                end_login(transaction, session, by=before.name, reason="second factor enrolled", now=now)
        return codes

    def remove(self, transaction: Transaction, user: User, code: str, now: float) -> bool:
        """Ask for codes no longer; false for a wrong code."""
        if self.spend(transaction, user, code, now) is None:
            return False
        _change(transaction, user, without_totp(user), now)
        return True

    def spend(self, transaction: Transaction, user: User, code: str, now: float) -> Used | None:
        """Use a code up, of the app or for recovery; `None` for a wrong one.

        Args:
            transaction: in which the user was read.
            user: as stored.
            code: as typed.
            now: POSIX seconds.
        """
        if not user.has_totp:
            return None
        secret = self._sealing and self._sealing.open(user.totp_secret, "totp", user.id)
        if self._sealing is None or not secret:
            logger.error("the second factor of %s cannot be opened with the keys of %s", user.name, VARIABLE)
            return None
        step = totp.fitting_step(secret, code, now, after=user.totp_step)
        if step is not None:
            sealed = self._sealing.seal(secret, "totp", user.id)  # anew: older keys fall out of use
            users.change(transaction.connection, replace(user, totp_secret=sealed, totp_step=step))
            return "code"
        digest = totp.recovery_digest(user.id, code)
        if digest in user.recovery:
            users.change(transaction.connection, replace(user, recovery=user.recovery - {digest}))
            return "recovery code"
        return None

    def password_passed(self, user: User, now: float) -> str | None:
        """What the browser of somebody keeps whose password was right; `None` where no code can be checked."""
        told = json.dumps([user.id, now + STEP_SECONDS, _mark(user)])
        return None if self._sealing is None else self._sealing.seal(told, "login step")

    def asked(self, connection: Connection, cookie: str, now: float) -> User | None:
        """The user whose code is awaited. A new password, or being disabled, ends that as time does."""
        told = self._sealing and self._sealing.open(cookie, "login step")
        if not told:
            return None
        user_id, until, mark = json.loads(told)
        user = users.get(connection, user_id)
        if user is None or user.disabled_at is not None or until <= now or mark != _mark(user):
            return None
        return user


def without_totp(user: User) -> User:
    """The user without a second factor."""
    return replace(user, totp_secret="", totp_step=0, recovery=frozenset())


def _change(transaction: Transaction, before: User, after: User, now: float) -> None:
    users.change(transaction.connection, after)
    body: JsonObject = {"by": before.name, "before": shown(before), "after": shown(after), "password_changed": False}
    transaction.append(AuditEvent(now, "user.changed", before.id, body, severity="warning"))


def _mark(user: User) -> str:
    return keys.digest(user.password)
