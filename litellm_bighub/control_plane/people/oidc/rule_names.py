"""The names that `user:` of rules has for people of an identity provider, by their subjects.

People may choose their names there, so none of those counts: what counts is declared in the settings of the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.oidc.provider_user import provider_user_id
from litellm_bighub.control_plane.store.tables.logins import Login
from litellm_bighub.settings import OidcSettings


def rule_names(settings: OidcSettings) -> Mapping[str, str]:
    """The declared names, by the ids of the users."""
    return {provider_user_id(settings.issuer, subject): name for name, subject in settings.users.items()}


def named_in_rules(connection: Connection, session: Login, names: Mapping[str, str]) -> Login:
    """The session with the name that rules have for its person.

    A name that a local user has is nobody else's: with four eyes they would be two people of one name.
    """
    name = names.get(session.person.id)
    if name is None:
        return session
    holder = users.named(connection, name)
    if holder is not None and not holder.of_provider:
        return session
    return replace(session, person=replace(session.person, user=name))
