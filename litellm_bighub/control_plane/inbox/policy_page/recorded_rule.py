"""The rule that asked for a person, as it stood in the policy of that decision, and what would need none."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from sqlalchemy import Connection

from litellm_bighub.control_plane.inbox.policy_page.rule_text import rule_block
from litellm_bighub.control_plane.inbox.views.text_block import TextBlock
from litellm_bighub.control_plane.store.tables import policies
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.callers.caller_rules import CallerRules, read_rules

_LIMITS: Final = ("max_per_day", "max_per_hour", "max_per_conversation", "cooldown_seconds")
RuleOfVersion: TypeAlias = "tuple[str, str]"
"""A version of the policy, and the id of a rule; an empty one for the default."""


@dataclass(frozen=True, slots=True)
class RecordedRule:
    """What a template prints of it.

    Attributes:
        text: `None` for the default.
        without_person: names the sentence on what would run without a person; empty for a rule that asks nobody.
        threshold: of that sentence.
        limits_use: whether it limits how often it allows calls.
    """

    name: str
    description: str
    text: TextBlock | None
    without_person: str
    threshold: float | None = None
    limits_use: bool = False


def recorded_rules(connection: Connection, wanted: Collection[RuleOfVersion]) -> Mapping[RuleOfVersion, RecordedRule]:
    """The rules that are recorded: temporary allowances are in no version."""
    found: dict[RuleOfVersion, RecordedRule] = {}
    for version in {version for version, _ in wanted}:
        known = policies.get(connection, version)
        if known is None:  # retention has removed it
            continue
        content = json.loads(known[1])
        by_id = {rule["name"]: rule for rule in content["file"].get("rules", ())} | dict(content["added"])
        for rule_id in {rule_id for of, rule_id in wanted if of == version}:
            if not rule_id:
                asks = content["file"].get("default") == "require_approval"
                found[version, ""] = RecordedRule("", "", None, "page_without_rule" if asks else "")
            elif rule_id in by_id:
                found[version, rule_id] = _told(by_id[rule_id])
    return found


def rule_of_caller(caller_rules: str, rule_id: str) -> RecordedRule | None:
    """A rule of the key or team that asked, as it stood then; `None` if it is none of theirs.

    Args:
        caller_rules: as the context of the call has them.
        rule_id: of the rule that decided.
    """
    read = read_rules(caller_rules) if caller_rules else None
    found = read.texts.get(rule_id) if isinstance(read, CallerRules) else None
    if found is None:
        return None
    return replace(_told(found.model_dump(mode="json", exclude_unset=True)), name=rule_id, without_person="")


def _told(rule: JsonObject) -> RecordedRule:
    return replace(_asking(rule), limits_use=any(rule.get(name) is not None for name in _LIMITS))


def _asking(rule: JsonObject) -> RecordedRule:
    told = (rule["name"], rule.get("description", ""), rule_block(rule))
    commands = rule.get("command", {})
    if rule.get("effect") == "require_approval":
        return RecordedRule(*told, "page_without_other_rule")
    if commands.get("require_approval"):
        return RecordedRule(*told, "page_without_allowed_command")
    threshold = rule.get("require_approval_above")
    return RecordedRule(*told, "" if threshold is None else "page_without_up_to", threshold)
