"""What the order of rules does that nobody meant: rules that are never reached, and rules that allow all.

Only what is sure is told. A rule is never reached if an earlier one fits every part of every call that it fits. Where
that cannot be read off the patterns, and for every field that this module does not know, it is taken for reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from litellm_bighub.policy.policy_text import CommandsText, PolicyText, RuleText
from litellm_bighub.policy.rule_pattern import ActorPattern

_AFTER_THE_FIT: Final = frozenset(
    {
        "name",
        "description",
        "effect",
        "min_value",
        "max_value",
        "require_approval_above",
        "max_per_day",
        "max_per_hour",
        "max_per_conversation",
        "cooldown_seconds",
        "allowed_hours_start",
        "allowed_hours_end",
        "time_zone",
        "approval_ttl_seconds",
        "four_eyes",
        "approvers",
        "quorum",
        "escalation",
        "priority",
        "tags",
        "metadata",
        "examples",
    }
)
"""Fields that say nothing of which calls a rule fits."""
_PARTS: Final = ("command", "read", "write", "url", "sql", "recipient")
_READ_HERE: Final = frozenset({*_AFTER_THE_FIT, *_PARTS, "tool", "actor"})


def unreached(policy: PolicyText) -> Iterator[tuple[RuleText, RuleText]]:
    """Each rule in force that no call can reach, with the earlier one that fits all that it fits."""
    rules = _in_order(policy)
    for at, rule in enumerate(rules):
        before = next((one for one in rules[:at] if _covers(one, rule)), None)
        if before is not None:
            yield rule, before


def allowing_all(policy: PolicyText) -> Iterator[tuple[RuleText, int]]:
    """Each rule in force that allows every call of everybody, with how many rules come behind it."""
    rules = _in_order(policy)
    for at, rule in enumerate(rules[:-1]):
        if rule.effects == ("allow",) and _covers(rule, RuleText(name=rule.name)):
            yield rule, len(rules) - at - 1


def _in_order(policy: PolicyText) -> list[RuleText]:
    return sorted((rule for rule in policy.rules if rule.status == "active"), key=lambda rule: -rule.priority)


def _covers(over: RuleText, rule: RuleText) -> bool:
    """Whether one surely fits every part of every call that the other one fits."""
    fields = RuleText.model_fields.keys() - _READ_HERE
    return (
        all(_is_open(over, name) or getattr(over, name) == getattr(rule, name) for name in fields)
        and over.expires_at is None
        and over.after is over.not_after is None  # where that is only possible, the next rule decides, too
        and (over.actor in {"*", rule.actor} and not ActorPattern(over.actor).is_unmarked)
        and all(any(_contains(one, pattern) for one in over.tools) for pattern in rule.tools)
        and _covers_parts(over, rule)
    )


def _is_open(rule: RuleText, name: str) -> bool:
    """Whether the field leaves the rule as wide as without it."""
    return bool(getattr(rule, name) == RuleText.model_fields[name].get_default(call_default_factory=True))


def _contains(wide: str, narrow: str) -> bool:
    """Whether every name that fits the second pattern fits the first."""
    if wide in {"*", narrow}:
        return True
    start = narrow[: min((narrow.find(sign) for sign in "*?[" if sign in narrow), default=len(narrow))]
    if start == narrow:
        return fnmatchcase(narrow, wide)
    beginning = wide.removesuffix("*")
    return beginning != wide and not set("*?[") & set(beginning) and start.startswith(beginning)


def _covers_parts(over: RuleText, rule: RuleText) -> bool:
    """Without patterns a rule fits every part except operands, which only rules with patterns fit."""
    wide, narrow = _parts(over), _parts(rule)
    if not narrow:
        return not wide
    if over.command is not None and over.command.by_effect:
        return False
    surely = "allow" in over.effects and rule.effects != ("allow",)  # one that allows fits less than one that blocks
    return not surely and narrow <= wide


def _parts(rule: RuleText) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for name in _PARTS:
        held: CommandsText | Sequence[str] | None = getattr(rule, name)
        if isinstance(held, CommandsText):
            held = [*held.patterns, *(text for _, texts in held.by_effect for text in texts)]
        found |= {(name, text) for text in held or ()}
    return frozenset(found)
