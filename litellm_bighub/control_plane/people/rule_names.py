"""What counts here of users of an identity provider: the names that rules have for them, and the roles it has told.

The names that `user:` of rules has for users are their own if they are local, declared ones for those of a provider.
People may choose their names there, so none of those counts: what counts is declared in the settings of the server. It
does wherever a user answers. A key has no such name, also where it is a user's (`store.tables.keys.Key.person`).

Roles and groups are those of the last login. Where somebody answers without one (in Slack, with a key), they count for
some days only: nobody tells this server when the provider takes them away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection

from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.people.users import User


@dataclass(frozen=True, slots=True)
class RuleNames:
    """Names for people of an identity provider.

    Attributes:
        declared: by the ids of the users.
        roles_last: for how many seconds after a login its roles count where nobody logs in.
    """

    declared: Mapping[str, str] = field(default_factory=dict)
    roles_last: float = 7 * 86400.0

    def person(self, connection: Connection, user: User) -> Person:
        """The person that a user is, with the name that rules have for them.

        A name that a local user has is nobody else's: with four eyes they would be two people of one name.
        """
        name = self.declared.get(user.id)
        if name is None or not user.of_provider:
            return user.person
        holder = users.named(connection, name)
        if holder is not None and not holder.of_provider:
            return user.person
        return replace(user.person, user=name)

    def roles_count(self, told_at: float | None, now: float) -> bool:
        """Whether roles count that a provider told at this time; those that are told here always do."""
        return told_at is None or now <= told_at + self.roles_last


NONE_DECLARED: Final = RuleNames()
