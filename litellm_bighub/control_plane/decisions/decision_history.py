"""What the database holds for commands: recorded decisions, and rules that were added by API."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine

from litellm_bighub.control_plane.decisions.policy_versions import (
    PolicyVersion,
    version as kept_version,
    versions as kept_versions,
)
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import events, rules
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.policy_text import AddedRules


def decisions(engine: Engine, since: float) -> Iterator[JsonObject]:
    """Decisions since a time, the oldest first."""
    seq = 0
    conditions = (table.c.type == DECISION, table.c.time >= since)
    with engine.connect() as connection:
        while page := events.after(connection, seq, *conditions):
            yield from page
            seq = page[-1]["seq"]


def added_rules(engine: Engine) -> AddedRules:
    """Rules that live in the database."""
    with engine.connect() as connection:
        return tuple((rule.id, rule.text) for rule in rules.everything(connection))


def versions(engine: Engine, name: str, limit: int) -> list[PolicyVersion]:
    """Versions of the policy, the newest first, or the one of this name."""
    with engine.connect() as connection:
        if not name:
            return kept_versions(connection, limit)
        found = kept_version(connection, name)
        return [] if found is None else [found]
