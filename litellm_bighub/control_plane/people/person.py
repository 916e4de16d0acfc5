"""Whoever answers for what is done: a user, or the person behind an API key."""

from __future__ import annotations

from dataclasses import dataclass

from litellm_bighub.control_plane.people.roles import Scope


@dataclass(frozen=True, slots=True)
class Person:
    """A person as authenticated.

    Attributes:
        id: tells two people apart, whatever they are called: a user's id, or the lineage of a key.
        name: as the audit names them.
        user: their name in `user:` of rules; empty for the person behind a key and for somebody from an identity
            provider without a name in the settings: anybody may have chosen those names.
        groups: whose approvals they may answer. The person behind a key has none.
        litellm_user: the LiteLLM user that they are; empty if nobody has said so.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    user: str = ""
    groups: frozenset[str] = frozenset()
    litellm_user: str = ""
