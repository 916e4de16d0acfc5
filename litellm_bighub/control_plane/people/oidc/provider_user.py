"""The user that an ID token stands for. Issuer and subject say who it is; a name or an address never does."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.accounts import shown
from litellm_bighub.control_plane.people.oidc.id_token import IdToken
from litellm_bighub.control_plane.people.roles import Role
from litellm_bighub.control_plane.people.rule_names import RuleNames
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.settings import OidcSettings


def claimed_user(token: IdToken, settings: OidcSettings, now: float) -> User:
    """The user as the token describes them. A claim that is missing or of another shape gives nothing."""
    digest = subject_digest(settings.issuer, token.subject)
    told = _texts(token.claims.get(settings.groups_claim))
    roles: set[Role] = {role for group in told for role in settings.roles.get(group, ())}
    groups = {settings.groups[group] for group in told if group in settings.groups}
    name = token.claims.get(settings.name_claim)
    litellm_user = token.claims.get(settings.litellm_user_claim) if settings.litellm_user_claim else ""
    return User(
        provider_user_id(settings.issuer, token.subject),
        (users.user_name(name) if isinstance(name, str) else None) or f"user-{digest[:12]}",
        "",
        frozenset(roles),
        frozenset(groups),
        litellm_user if isinstance(litellm_user, str) else "",
        now,
        login_at=now,
    )


def subject_digest(issuer: str, subject: str) -> str:
    """Tells people of providers apart."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode("utf-8", "surrogatepass")).hexdigest()


def provider_user_id(issuer: str, subject: str) -> str:
    """The id of the user that an issuer and a subject stand for."""
    return f"{users.OF_PROVIDER}{subject_digest(issuer, subject)[:32]}"


def rule_names(settings: OidcSettings) -> RuleNames:
    """The names that the settings declare."""
    declared = {provider_user_id(settings.issuer, subject): name for name, subject in settings.users.items()}
    return RuleNames(declared, 86400 * settings.roles_last_days)


def record_login(transaction: Transaction, claimed: User, issuer: str) -> User:
    """Store what the login says of a user: somebody new, or new roles and groups; the user as stored.

    Somebody new without a role is not stored. The name is that of the first login, with a part of the id if somebody
    else has it. Who is disabled stays so.
    """
    connection, now, by = transaction.connection, claimed.created_at, f"identity provider {issuer}"
    before = users.get(connection, claimed.id)
    if before is None:
        taken = users.named(connection, claimed.name) is not None
        suffix = claimed.id.removeprefix(users.OF_PROVIDER)[:12]
        user = replace(claimed, name=f"{claimed.name[:80]}-{suffix}") if taken else claimed
        if user.roles:
            users.insert(connection, user)
            created: JsonObject = {"by": by, **shown(user)}
            transaction.append(AuditEvent(now, "user.created", user.id, created, severity="warning"))
        return user
    told_again = replace(before, login_at=now)
    after = replace(told_again, roles=claimed.roles, groups=claimed.groups, litellm_user=claimed.litellm_user)
    users.change(connection, after)
    if after != told_again:
        changed: JsonObject = {"by": by, "before": shown(before), "after": shown(after), "password_changed": False}
        transaction.append(AuditEvent(now, "user.changed", after.id, changed, severity="warning"))
    return after


def _texts(claim: Payload) -> list[str]:
    if isinstance(claim, str):
        return [claim]
    return [each for each in claim if isinstance(each, str)] if isinstance(claim, list) else []
