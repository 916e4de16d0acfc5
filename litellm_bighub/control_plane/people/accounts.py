"""What is done with users: made, changed, disabled. Each change is an event, and who may do less does so at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.roles import Role
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import logins
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject


async def add_user(
    plane: ControlPlane,
    name: str,
    password: str,
    *,
    roles: frozenset[Role],
    groups: frozenset[str] = frozenset(),
    litellm_user: str = "",
    email: str = "",
    slack: str = "",
    by: str,
) -> User | None:
    """Make a user; `None` if there is one of this name, or with this account in Slack.

    Args:
        plane: where users are.
        name: as `users.user_name` has it.
        password: its hash.
        roles: what they may do.
        groups: whose approvals they may answer.
        litellm_user: the LiteLLM user that they are.
        email: where mail tells them of calls that wait.
        slack: their account in Slack.
        by: who makes them.
    """
    user = User(
        users.new_id(plane.new_id()),
        name,
        password,
        roles,
        groups,
        litellm_user,
        plane.clock(),
        email=email,
        slack=slack,
    )

    def job(transaction: Transaction) -> User | None:
        if users.named(transaction.connection, name) is not None or users.of_slack(transaction.connection, slack):
            return None
        users.insert(transaction.connection, user)
        body = {"by": by, **shown(user)}
        transaction.append(AuditEvent(user.created_at, "user.created", user.id, body, severity="warning"))
        return user

    return await plane.write(job)


async def change_user(plane: ControlPlane, user_id: str, changed: Callable[[User], User], *, by: str) -> User | None:
    """Change a user. One who is disabled, or has a new password or no second factor any more, is logged out everywhere.

    Args:
        plane: where users are.
        user_id: of the user.
        changed: makes the new user of what is stored now.
        by: who changes them.

    Returns:
        The new user; `None` if there is none with this id, or another one has the new account in Slack.
    """
    now = plane.clock()

    def job(transaction: Transaction) -> User | None:
        before = users.get(transaction.connection, user_id)
        if before is None:
            return None
        after = changed(before)
        if after.slack != before.slack and users.of_slack(transaction.connection, after.slack) is not None:
            return None
        users.change(transaction.connection, after)
        body: JsonObject = {"by": by, "before": shown(before), "after": shown(after)}
        body["password_changed"] = before.password != after.password
        transaction.append(AuditEvent(now, "user.changed", user_id, body, severity="warning"))
        reason = _end_of_sessions(before, after)
        if reason:
            for session in logins.listed(transaction.connection, now, user_id=user_id):
                end_login(transaction, session, by=by, reason=reason, now=now)
        return after

    return await plane.write(job)


def _end_of_sessions(before: User, after: User) -> str:
    """Why a user is logged out everywhere; empty if they are not."""
    if after.disabled_at is not None:
        return "disabled"
    if before.password != after.password:
        return "password changed"
    return "second factor reset" if before.has_totp and not after.has_totp else ""


def disabled(now: float | None) -> Callable[[User], User]:
    """A change: the user cannot log in since then, or with `None` can again."""
    return lambda user: replace(user, disabled_at=now)


def end_login(transaction: Transaction, session: logins.Session, *, by: str, reason: str, now: float) -> None:
    """End a session, and record it."""
    if logins.end(transaction.connection, session.id):
        body = {"by": by, "name": session.name, "session": session.id, "reason": reason}
        transaction.append(AuditEvent(now, "login.ended", session.user_id or session.key_id, body))


def shown(user: User) -> JsonObject:
    """What an event tells of a user."""
    return {
        "name": user.name,
        "roles": sorted(user.roles),
        "groups": sorted(user.groups),
        "litellm_user": user.litellm_user,
        "slack": user.slack,
        "disabled": user.disabled_at is not None,
        "totp": user.has_totp,
        "email": user.email,
    }
