"""Every version of the policy that decisions were made under, and what each changed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from litellm_bighub.control_plane.store.tables import policies
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.difference import Difference, compare
from litellm_bighub.policy.policy_text import AddedRules, PolicyText, read_canonical_text


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version.

    Attributes:
        text: the file's content.
        added: rules by API, temporary allowances left out.
        changes: against the version that was first used before; `None` for the first.
    """

    version: str
    first_used_at: float
    text: PolicyText
    added: AddedRules
    changes: tuple[Difference, ...] | None

    @property
    def file(self) -> JsonObject:
        """The file's content, as it was written."""
        return self.text.model_dump(mode="json", exclude_unset=True)

    @property
    def added_rules(self) -> list[tuple[str, JsonObject]]:
        """Rules by API, each with its id."""
        return [(rule_id, rule.model_dump(mode="json", exclude_unset=True)) for rule_id, rule in self.added]


def versions(connection: Connection, limit: int) -> list[PolicyVersion]:
    """Versions, the newest first."""
    found = policies.listed(connection, limit + 1)
    if not found:
        return []
    older = [*(body for _, _, body in found[1:]), None]
    return [_version(name, at, body, before) for (name, at, body), before in zip(found, older, strict=True)][:limit]


def version(connection: Connection, name: str) -> PolicyVersion | None:
    """One version."""
    found = policies.get(connection, name)
    if found is None:
        return None
    at, body = found
    return _version(name, at, body, policies.before(connection, at))


def _version(name: str, at: float, body: str, before: str | None) -> PolicyVersion:
    text, added = read_canonical_text(body)
    changes = None if before is None else tuple(compare(_content(*read_canonical_text(before)), _content(text, added)))
    return PolicyVersion(name, at, text, added, changes)


def _content(text: PolicyText, added: AddedRules) -> PolicyText:
    """File and API together; a rule's id distinguishes two of one name."""
    rules = [rule.model_copy(update={"name": f"{rule.name} ({rule_id})"}) for rule_id, rule in added]
    return text.model_copy(update={"rules": [*text.rules, *rules]})
