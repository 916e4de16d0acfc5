"""What differs between two policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from litellm_bighub.policy.policy_text import PolicyText

Kind: TypeAlias = Literal["added", "removed", "changed", "moved"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    Attributes:
        what: a rule's name, or a key of the file.
        fields: for a change, each field with what it was and what it is.
    """

    kind: Kind
    what: str
    fields: dict[str, tuple[Any, Any]]


def compare(before: PolicyText, after: PolicyText) -> list[Difference]:
    """All differences. The order of rules is one: the first match decides."""
    found = [
        Difference("changed", name, {name: (getattr(before, name), getattr(after, name))})
        for name in ("default", "mode", "audit_keep_days", "workspace", "history", "trusted_end_user", "tools")
        if getattr(before, name) != getattr(after, name)
    ]
    old = {rule.name: rule.model_dump() for rule in before.rules}
    new = {rule.name: rule.model_dump() for rule in after.rules}
    found += [Difference("removed", name, {}) for name in old if name not in new]
    found += [Difference("added", name, {}) for name in new if name not in old]
    for name, rule in new.items():
        was = old.get(name, rule)
        if was != rule:
            changed = {key: (was[key], value) for key, value in rule.items() if was[key] != value}
            found.append(Difference("changed", name, changed))
    kept_before = [name for name in old if name in new]
    kept_after = [name for name in new if name in old]
    found += [Difference("moved", name, {}) for was, name in zip(kept_before, kept_after, strict=True) if was != name]
    return found
