"""What may be done, by scopes; and roles, which are sets of them. Keys hold scopes, people hold roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

Scope: TypeAlias = Literal[
    "actions:validate",
    "approvals:resolve",
    "audit:read",
    "inbox:read",
    "keys:write",
    "kill_switch:write",
    "outcomes:write",
    "rules:write",
    "users:write",
    "webhooks:write",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
MEANINGS: Final[dict[Scope, str]] = {
    "actions:validate": "ask for decisions and report calls, as agents and gateways do; such a key holds nothing else",
    "approvals:resolve": "answer approvals",
    "audit:read": "read events, decisions, rules and metrics",
    "inbox:read": "see the inbox and what waits",
    "keys:write": "make, list, change and revoke keys",
    "kill_switch:write": "set and lift kill switches",
    "outcomes:write": "report what became of calls",
    "rules:write": "change rules",
    "users:write": "disable and enable users, and end sessions of others",
    "webhooks:write": "change webhooks and look at their deliveries",
}
"""What each scope lets do, in words."""
AGENT: Final[frozenset[Scope]] = frozenset({"actions:validate"})
"""What an agent's key may hold. It can never resolve: such a key holds nothing else, and this scope is in no other."""

Role: TypeAlias = Literal["viewer", "approver", "operator", "auditor"]
ROLES: Final[dict[Role, frozenset[Scope]]] = {
    "viewer": frozenset({"inbox:read"}),
    "approver": frozenset({"inbox:read", "approvals:resolve"}),
    "operator": frozenset(
        {"inbox:read", "audit:read", "keys:write", "kill_switch:write", "rules:write", "users:write", "webhooks:write"}
    ),
    "auditor": frozenset({"inbox:read", "audit:read"}),
}
"""What each role may do. An operator answers no approval: who changes rules and who approves are two roles."""


def scopes_of(roles: Iterable[Role]) -> frozenset[Scope]:
    """What somebody with these roles may do."""
    return frozenset(scope for role in roles for scope in ROLES[role])


def known_roles(words: Iterable[str]) -> frozenset[Role]:
    """Those of the words that name a role."""
    given = set(words)
    return frozenset(role for role in ROLES if role in given)
