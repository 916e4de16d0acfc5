"""What each rule decided, what it has counted and summed up. It costs the same beside a million events."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from litellm_bighub.control_plane.audit import event_counts
from litellm_bighub.control_plane.decisions import remaining_totals
from litellm_bighub.control_plane.decisions.explained_call import use_for_call, use_of
from litellm_bighub.control_plane.decisions.remaining_totals import RemainingTotal
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.tables.clock_checks import DAY
from litellm_bighub.domain.call import CallContext
from litellm_bighub.policy.evaluation import Usage
from litellm_bighub.policy.rule import Policy, Rule


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How often a rule may allow calls, and has; of its cooldown, how many seconds must pass, and have.

    Attributes:
        field: of the rule.
    """

    field: str
    used: int
    most: float

    @property
    def left(self) -> float:
        """What is left."""
        return max(0, self.most - self.used)


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """What the sums of one account leave.

    Attributes:
        whose: the account in words; empty where all callers share one.
    """

    whose: str
    totals: Sequence[RemainingTotal]


@dataclass(frozen=True, slots=True)
class RuleUse:
    """Of one rule.

    Attributes:
        today: how many decisions it made since midnight, UTC, by verdict.
        lately: how many in all the days that are looked at.
    """

    today: Mapping[str, int] = field(default_factory=dict)
    lately: int = 0
    limits: Sequence[LimitUse] = ()
    accounts: Sequence[AccountTotals] = ()


def use_of_rules(connection: Connection, policy: Policy, now: float, days: int) -> Mapping[str, RuleUse]:
    """The use of each rule by its id; of the default, by an empty one.

    Args:
        connection: of a reader.
        policy: in force.
        now: POSIX seconds.
        days: how many are looked at, today among them.
    """
    counts = event_counts.totals(
        connection, ("day", "rule_id", "verdict"), {"type": DECISION}, since=now - (days - 1) * DAY
    )
    today: dict[str, dict[str, int]] = {}
    lately: dict[str, int] = {}
    for (day, rule_id, verdict), count in counts.items():
        lately[rule_id] = lately.get(rule_id, 0) + count.number
        if day == int(now // DAY):
            today.setdefault(rule_id, {})[verdict] = count.number
    found = {"": RuleUse(today.get("", {}), lately.get("", 0))}
    for rule in {rule.id: rule for rule in policy.rules}.values():
        found[rule.id] = RuleUse(
            today.get(rule.id, {}),
            lately.get(rule.id, 0),
            _windows(rule, use_of(connection, rule, now)) if rule.limits_use else (),
            _accounts(connection, rule, now) if rule.max_totals else (),
        )
    return found


def limits_of_call(connection: Connection, rule: Rule, context: CallContext, now: float) -> Sequence[LimitUse]:
    """The limits of a rule as they are for a call that waits, which they do not count yet."""
    use = use_for_call(connection, rule, context, now)
    limits = [*_windows(rule, use)]
    if rule.max_per_conversation is not None and use.in_conversation is not None:
        limits.append(LimitUse("max_per_conversation", use.in_conversation, rule.max_per_conversation))
    if (most := rule.cooldown_seconds) is not None:
        passed = most if use.last_at is None else min(most, max(0.0, now - use.last_at))
        limits.append(LimitUse("cooldown_seconds", math.floor(passed), math.ceil(most)))
    return limits


def _windows(rule: Rule, used: Usage) -> Sequence[LimitUse]:
    limits = (("max_per_hour", used.this_hour, rule.max_per_hour), ("max_per_day", used.today, rule.max_per_day))
    return [LimitUse(name, number, most) for name, number, most in limits if most is not None]


def _accounts(connection: Connection, rule: Rule, now: float) -> Sequence[AccountTotals]:
    found = remaining_totals.of_rule(connection, rule, now)
    return [AccountTotals(_whose(account), totals) for account, totals in found.items()]


def _whose(account: str) -> str:
    """An account in words; a key is told by the beginning of its hash."""
    named = {name: value for name, value in json.loads(account).items() if name != "currency"}
    return ", ".join(f"{name} {value[:12] if name == 'key' else value}" for name, value in named.items())
