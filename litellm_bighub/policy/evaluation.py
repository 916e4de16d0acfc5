"""Judging one call by a policy: a pure function of the call, the time and what its rule has allowed so far.

It has two steps, because a store must lock the counters of exactly one rule between them: `find` says which rule
decides, `judge` applies that rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Verdict
from litellm_bighub.policy.approvers import ANYONE, Requirement, all_of
from litellm_bighub.policy.argument_condition import Undecidable
from litellm_bighub.policy.callers.caller_rules import UnreadableRules, read_rules
from litellm_bighub.policy.parts.part import WHOLE_CALL, Part
from litellm_bighub.policy.rule import CallerField, Effect, Period, Policy, Rule
from litellm_bighub.policy.rule_pattern import Pattern
from litellm_bighub.policy.totals import NOTHING_SPENT, Charge, RuleCharge, Spent, Uncountable, charge_of

Mismatch: TypeAlias = (
    CallerField
    | Literal["status", "expires_at", "tool", "type", "actor", "taint", "after", "not_after", "when", "part"]
)

Deciding: TypeAlias = tuple[Rule | None, ...]
"""The rules that decide on a call, in the policy's order: one for each of its parts, and behind them those that the
caller's key and team add. `None` is the default."""


UNREADABLE_RULES: Final = "caller_rules"
"""What blocks every call of a key or team whose own rules cannot be read."""

OVER_TOTAL: Final = "max_total_per_"
"""How the field of a rule begins that limits a total."""


_NO_TOTALS: Final[Mapping[Period, Spent]] = MappingProxyType({})


class Usage(NamedTuple):
    """What a rule has allowed so far, in the current calendar day and clock hour of its time zone.

    Attributes:
        totals: what its calls have summed up to, for the account of the call that is judged.
        in_conversation: in the conversation of the call that is judged; `None` where nobody knows which that is.
    """

    today: int = 0
    this_hour: int = 0
    last_at: float | None = None
    totals: Mapping[Period, Spent] = _NO_TOTALS
    in_conversation: int | None = 0


UNUSED = Usage()
UsageOf: TypeAlias = Callable[[Rule, Charge | None], Usage | None]
"""Gives what a limited rule has allowed so far, for what the call adds to its totals; `None` if that is unknown."""


@dataclass(frozen=True, slots=True)
class PolicyJudgement:
    """What a policy says about a call.

    Attributes:
        verdict: BIGHUB's word for it.
        reason: one sentence for people, without the call's arguments.
        blocked_by: the field of the rule that decided, or `default`; empty where the call is allowed.
        rule: the rule that decided, `None` where none matched.
        rules: all rules that decided on a part of the call; each counts the call if it is allowed.
        asking: those that ask for a person, `None` for the default.
        charges: what the call adds to the totals of these rules, unless it is blocked.
    """

    verdict: Verdict
    reason: str
    blocked_by: str
    rule: Rule | None
    policy_version: str
    rules: tuple[Rule, ...] = ()
    asking: Deciding = ()
    charges: tuple[RuleCharge, ...] = ()

    @property
    def is_over_total(self) -> bool:
        """Whether the call is blocked because a total leaves less than its value."""
        return self.blocked_by.startswith(OVER_TOTAL)

    @property
    def counting(self) -> tuple[Rule, ...]:
        """The rules that count the call, if it is allowed."""
        return tuple(rule for rule in self.rules if rule.limits_use) if self.verdict == "allowed" else ()

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """Who must approve it: all that the rules that ask require."""
        return all_of(one for rule in self.asking for one in ((ANYONE,) if rule is None else rule.requirements))


@dataclass(frozen=True, slots=True)
class Considered:
    """One rule that was looked at, and why it does not apply (`None`: it decides)."""

    rule: Rule
    mismatch: Mismatch | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The judgement with every rule that was looked at before it."""

    judgement: PolicyJudgement
    considered: tuple[Considered, ...]
    parts: tuple[PartDecision, ...] = ()


@dataclass(frozen=True, slots=True)
class PartDecision:
    """A part of the call, and the rule that decides on it; `None` for the default.

    Attributes:
        ignored: no rule restricts it, and it needs none that allows it.
        unsure: the rule may be for it, as far as its history is known; another rule decides on it, too.
    """

    part: Part
    rule: Rule | None
    ignored: bool = False
    unsure: bool = False


def find(policy: Policy, call: ToolCall, context: CallContext, now: float) -> Deciding | PolicyJudgement:
    """The rules that decide: for each part of the call the first that matches.

    A rule that asks for earlier calls of which nobody knows whether they were made decides together with the next that
    matches: the strictest answer is right, whether or not they were.

    A condition that cannot be evaluated is decided at once: whether its rule applies is unknown, so the call is
    blocked. So is a call of a key or user whom a rule that restrains may mean: its pattern does not say. And so is a
    call that cannot be read: the name of its tool would be matched against patterns.

    Rules of the caller's key and team decide together with these, each that fits: whatever they say, the policy is
    asked, and the strictest answer counts.
    """
    if call.unreadable is not None:
        return _unreadable(policy, call.unreadable)
    decided = _decided_parts(policy, call, context, now)
    if isinstance(decided, PolicyJudgement):
        return decided
    if not context.caller_rules:
        return _deciding(decided)
    further = _further_parts(policy, call, context, now)
    if isinstance(further, PolicyJudgement):
        return further
    return _deciding(decided) + tuple(
        {(one.rule.id, one.rule.effect): one.rule for one in further if one.rule}.values()
    )


def _decided_parts(
    policy: Policy, call: ToolCall, context: CallContext, now: float
) -> PolicyJudgement | list[PartDecision]:
    name, labels = call.name, policy.labels.of(context.outputs)
    remaining = policy.parts.of(call) if policy.has_parts else _WHOLE
    decided: list[PartDecision] = []
    for rule in policy.rules:
        if not rule.tool.matches(name):  # most rules are for other tools, and `mismatch` asks for more than that
            continue
        try:
            matched = _match(rule, call, context, now, labels)
        except Undecidable as error:
            if any(map(rule.fits, remaining)):
                return _undecidable(policy, rule, error)
            continue
        if matched not in _MATCHES:
            continue
        fitting: list[Part] = []
        others: list[Part] = []
        for part in remaining:
            (fitting if rule.fits(part) else others).append(part)
        if not fitting:
            continue
        if (unclear := _unclear_actor(policy, rule, context)) is not None:
            return unclear
        unsure = matched == "maybe"
        decided += [
            PartDecision(part, rule, part.restricts_only and rule.effect == "allow", unsure) for part in fitting
        ]
        remaining = remaining if unsure else others
        if not remaining:
            break
    return decided + [PartDecision(part, None, part.restricts_only) for part in remaining]


def _further_parts(
    policy: Policy, call: ToolCall, context: CallContext, now: float
) -> PolicyJudgement | list[PartDecision]:
    """What the rules of the caller's key and team say. Each that fits counts: none goes before another.

    One without patterns of parts fits every call, whatever its parts. One with such patterns fits, too, where `tools`
    do not say in which arguments of the call they would be found: it may do what a pattern means.
    """
    read = read_rules(context.caller_rules, policy.parts.workspace)
    if isinstance(read, UnreadableRules):
        return _unreadable_rules(policy, read.problem)
    labels = policy.labels.of(context.outputs)
    parts = policy.parts.of(call) if read.has_parts else _WHOLE
    unseen = policy.parts.undescribed(call) if read.has_parts else frozenset[str]()
    decided: list[PartDecision] = []
    for rule in read.rules:
        if unknown := rule.taint - policy.labels.all:
            return _unreadable_rules(policy, f"{rule.name}: no tool has `output: {min(unknown)}`")
        fitting = [part for part in parts if rule.fits(part)]
        if not fitting and rule.parts and unseen.isdisjoint(read.texts[rule.id].part_fields):
            continue
        try:
            if mismatch(rule, call, context, now, labels) is not None:
                continue
        except Undecidable as error:
            return _undecidable(policy, rule, error)
        if (unclear := _unclear_actor(policy, rule, context)) is not None:
            return unclear
        decided += [PartDecision(part, rule) for part in fitting or _WHOLE]
    return decided


_MATCHES: Final = frozenset({"yes", "maybe"})
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
_WHOLE: Final[Sequence[Part]] = (WHOLE_CALL,)


def _deciding(decided: list[PartDecision]) -> Deciding:
    """Each rule once, in the policy's order, and the default if it decides on a part or nothing else does."""
    found: dict[tuple[str, Effect] | None, Rule | None] = {}
    for one in decided:
        if not one.ignored:
            found[None if one.rule is None else (one.rule.id, one.rule.effect)] = one.rule
    return tuple(found.values()) or (None,)


def judge_all(
    policy: Policy, rules: Deciding, call: ToolCall, context: CallContext, now: float, usage: UsageOf
) -> PolicyJudgement:
    """Apply the rules that `find` found: the strictest answer is the call's.

    Args:
        policy: for its default and version.
        rules: in the policy's order.
        call: its `value` is compared with the rules' bounds.
        context: for whom it is added to the rules' totals.
        now: POSIX seconds.
        usage: what a rule that limits its use has allowed so far.
    """
    judged = [judge_counted(policy, rule, call, context, now, usage) for rule in rules]
    strictest = min(judged, key=lambda judgement: _STRICTEST_FIRST.index(judgement.verdict))
    if len(judged) == 1 and strictest.rule is None:
        return replace(strictest, asking=(None,)) if strictest.verdict == "requires_approval" else strictest
    counting: dict[str, Rule] = {}
    for rule in rules:
        if rule is not None:  # of two with one id the policy's own counts
            counting.setdefault(rule.id, rule)
    asking = tuple(one.rule for one in judged if one.verdict == "requires_approval")
    charges = {one.rule.totals_id: one for judgement in judged for one in judgement.charges}
    return PolicyJudgement(
        strictest.verdict,
        strictest.reason,
        strictest.blocked_by,
        strictest.rule,
        strictest.policy_version,
        tuple(counting.values()),
        asking,
        tuple(charges.values()),
    )


def judge_counted(
    policy: Policy, rule: Rule | None, call: ToolCall, context: CallContext, now: float, usage: UsageOf
) -> PolicyJudgement:
    """Apply one rule, with what it has allowed so far. Arguments as for `judge_all`."""
    if rule is None or not (rule.limits_use or rule.max_totals):
        return judge(policy, rule, call, now, None)
    charge = charge_of(policy, rule, call, context) if rule.max_totals else None
    used = usage(rule, charge if isinstance(charge, Charge) else None)
    return judge(policy, rule, call, now, used, charge)


_STRICTEST_FIRST: Final[tuple[Verdict, ...]] = ("blocked", "requires_approval", "allowed")


def judge(
    policy: Policy,
    rule: Rule | None,
    call: ToolCall,
    now: float,
    usage: Usage | None,
    charge: Charge | Uncountable | None = None,
) -> PolicyJudgement:
    """Apply the rule that `find` found.

    Args:
        policy: for its default and version.
        rule: `None` if no rule matched.
        call: its `value` is compared with the rule's bounds.
        now: POSIX seconds.
        usage: what the rule has allowed so far; `None` if that is unknown, and a limited rule then blocks.
        charge: what the call adds to the rule's totals; without it a rule that has some blocks.
    """
    if rule is None:
        return _by_default(policy)

    def block(blocked_by: str, reason: str) -> PolicyJudgement:
        return PolicyJudgement("blocked", f"{reason} ({rule.name})", blocked_by, rule, policy.version)

    if rule.effect == "block":
        return block("effect", "the rule blocks this call")
    if rule.hours and not rule.hours.include(datetime.fromtimestamp(now, rule.zone or timezone.utc)):
        return block("allowed_hours", f"outside the allowed hours {rule.hours.start} to {rule.hours.end}")
    if (broken := _broken_bound(rule, call.value)) is not None:
        return block(*broken)
    if rule.limits_use and (reached := _reached_limit(rule, usage, now)) is not None:
        return block(*reached)
    if rule.max_totals and (over := _over_total(rule, usage, charge)) is not None:
        return block(*over)
    charges = (RuleCharge(rule, charge, usage.totals),) if usage is not None and isinstance(charge, Charge) else ()
    if rule.effect == "require_approval":
        reason = f"the rule asks for a person ({rule.name})"
        return PolicyJudgement("requires_approval", reason, "effect", rule, policy.version, charges=charges)
    threshold = rule.require_approval_above
    if threshold is not None and call.value is not None and call.value > threshold:
        reason = f"the value is above {threshold:g} ({rule.name})"
        above = "require_approval_above"
        return PolicyJudgement("requires_approval", reason, above, rule, policy.version, charges=charges)
    reason = f"the rule allows this call ({rule.name})"
    return PolicyJudgement("allowed", reason, "", rule, policy.version, charges=charges)


def evaluate(
    policy: Policy, call: ToolCall, context: CallContext, *, now: float, usage: Usage | None = UNUSED
) -> PolicyJudgement:
    """Both steps together, for callers who keep no counters."""
    found = find(policy, call, context, now)
    return (
        found if isinstance(found, PolicyJudgement) else judge_all(policy, found, call, context, now, lambda *_: usage)
    )


def explain(
    policy: Policy, call: ToolCall, context: CallContext, *, now: float, usage: Usage | None = UNUSED
) -> Explanation:
    """Like `evaluate`, with the parts, and with each rule that was passed over and why."""
    if call.unreadable is not None:
        return Explanation(_unreadable(policy, call.unreadable), ())
    judgement = evaluate(policy, call, context, now=now, usage=usage)
    decided = _decided_parts(policy, call, context, now)
    parts = () if isinstance(decided, PolicyJudgement) else tuple(decided)
    further = _further_parts(policy, call, context, now) if context.caller_rules else []
    others = () if isinstance(further, PolicyJudgement) else tuple(further)
    remaining = {id(one.part) for one in parts} if parts else {0}
    considered: list[Considered] = []
    labels = policy.labels.of(context.outputs)
    for rule in policy.rules:
        try:
            reason = mismatch(rule, call, context, now, labels)
        except Undecidable:
            considered.append(Considered(rule, "part" if parts else None))
            if not parts:
                break
            continue
        decides = [one for one in parts if one.rule is rule]
        if reason is None and parts and not decides:
            reason = "part"
        considered.append(Considered(rule, reason))
        remaining -= {id(one.part) for one in decides if not one.unsure}
        if not remaining or (not parts and reason is None):
            break
    considered += _further_considered(policy, call, context, now, others)
    return Explanation(judgement, tuple(considered), parts + others)


def _further_considered(
    policy: Policy, call: ToolCall, context: CallContext, now: float, decided: Sequence[PartDecision]
) -> Iterator[Considered]:
    """The rules of the caller's key and team, and why each does not apply."""
    read = read_rules(context.caller_rules, policy.parts.workspace) if context.caller_rules else None
    if read is None or isinstance(read, UnreadableRules):
        return
    labels = policy.labels.of(context.outputs)
    for rule in read.rules:
        try:
            reason = mismatch(rule, call, context, now, labels)
        except Undecidable:
            reason = None
        is_deciding = any(one.rule is rule for one in decided)
        yield Considered(rule, reason or (None if is_deciding or not rule.parts else "part"))


def mismatch(
    rule: Rule, call: ToolCall, context: CallContext, now: float, labels: frozenset[str] = frozenset()
) -> Mismatch | None:
    """The first thing about the rule that the call does not match; `None` if it matches.

    Args:
        rule: the rule.
        call: the call.
        context: who asks.
        now: POSIX seconds.
        labels: those of the results in the call's conversation.

    Raises:
        Undecidable: everything else matches, and the condition has no answer.
    """
    found = _match(rule, call, context, now, labels)
    return None if found == "yes" or found == "maybe" else found  # noqa: PLR1714 - types follow from these


def _match(
    rule: Rule, call: ToolCall, context: CallContext, now: float, labels: frozenset[str]
) -> Mismatch | Literal["yes", "maybe"]:
    """The same, and whether a rule that matches does so surely, or only as far as is known of earlier calls."""
    if rule.status != "active":
        return "status"
    if not rule.tool.matches(call.name):
        return "tool"
    if not rule.type.matches(call.type):
        return "type"
    if not rule.actor.matches(context.actor) and not (rule.restrains and rule.actor.resembles(context.actor)):
        return "actor"
    for name, pattern in rule.caller_patterns:
        if not pattern.matches(getattr(context, name)) and not (name == "key" and _is_alias(pattern, context)):
            return name
    if rule.taint and rule.taint.isdisjoint(labels):
        return "taint"
    if rule.expires_at is not None and now >= rule.expires_at:
        return "expires_at"
    found = _match_history(rule, call, context, now) if rule.follows else "yes"
    if found in _MATCHES and rule.when is not None and not rule.when.holds(call.arguments, context):
        return "when"
    return found


def _match_history(
    rule: Rule, call: ToolCall, context: CallContext, now: float
) -> Literal["after", "not_after", "yes", "maybe"]:
    """What a rule asks for of earlier calls and surely is not so, or whether all of it is so."""
    after = rule.is_after(call, context, now)
    if after == "no":
        return "after"
    not_after = rule.is_not_after(call, context, now)
    if not_after == "no":
        return "not_after"
    return "maybe" if "maybe" in {after, not_after} else "yes"


def _is_alias(key: Pattern, context: CallContext) -> bool:
    """Whether a rule means keys of this alias. One that looks like a hash poses as another key."""
    alias = context.key_alias
    return bool(alias) and bool(key.matches(alias)) and _HASH.fullmatch(alias) is None


def _broken_bound(rule: Rule, value: float | None) -> tuple[str, str] | None:
    """The bound that the value breaks. Without a `min_value` 0 is the lower one, so that no negative value passes."""
    if not rule.bounds_value:
        return None
    if value is None:
        return "value", "the rule bounds the value, and the call has none"
    lowest = 0.0 if rule.min_value is None else rule.min_value
    if value < lowest:
        return "min_value", f"the value is below {lowest:g}"
    if rule.max_value is not None and value > rule.max_value:
        return "max_value", f"the value is above {rule.max_value:g}"
    return None


def _reached_limit(rule: Rule, usage: Usage | None, now: float) -> tuple[str, str] | None:
    if usage is None:
        return "limits", "the rule limits how often it allows a call, and nothing keeps count"
    if rule.max_per_day is not None and usage.today >= rule.max_per_day:
        return "max_per_day", f"{rule.max_per_day} calls a day are allowed, and have been"
    if rule.max_per_hour is not None and usage.this_hour >= rule.max_per_hour:
        return "max_per_hour", f"{rule.max_per_hour} calls an hour are allowed, and have been"
    if rule.max_per_conversation is not None:
        if usage.in_conversation is None:
            return "limits", "the rule limits its calls in a conversation, and nobody knows which this is"
        if usage.in_conversation >= rule.max_per_conversation:
            return (
                "max_per_conversation",
                f"{rule.max_per_conversation} calls a conversation are allowed, and have been",
            )
    if rule.cooldown_seconds is not None and usage.last_at is not None and now < usage.last_at + rule.cooldown_seconds:
        return "cooldown_seconds", f"{rule.cooldown_seconds:g} seconds must lie between two calls"
    return None


def _over_total(rule: Rule, usage: Usage | None, charge: Charge | Uncountable | None) -> tuple[str, str] | None:
    if usage is None or charge is None:
        return "limits", "the rule limits what its calls sum up to, and nothing keeps the sums"
    if isinstance(charge, Uncountable):
        return charge.blocked_by, charge.reason
    for period, most in rule.max_totals.items():
        spent = usage.totals.get(period, NOTHING_SPENT)
        if spent.exceeds(most, charge.amount):
            unit = f" {charge.currency}" if charge.currency else ""
            left = f"{spent.left(most):f}{unit} of {most:f} are left"
            return f"{OVER_TOTAL}{period}", f"the value is more than this {period} leaves: {left}"
    return None


def _unclear_actor(policy: Policy, rule: Rule, context: CallContext) -> PolicyJudgement | None:
    """Why a rule that matches cannot be applied: it may mean this key or user, or an agent of that name."""
    if rule.effect == "block" or rule.actor.matches(context.actor):
        return None
    reason = f"the rule's actor says neither key: nor user: ({rule.name})"
    return PolicyJudgement("blocked", reason, "actor", rule, policy.version)


def _unreadable(policy: Policy, reason: str) -> PolicyJudgement:
    return PolicyJudgement("blocked", reason, "unreadable", None, policy.version)


def _unreadable_rules(policy: Policy, problem: str) -> PolicyJudgement:
    reason = f"the rules of the key or team cannot be read: {problem}"
    return PolicyJudgement("blocked", reason, UNREADABLE_RULES, None, policy.version)


def _undecidable(policy: Policy, rule: Rule, error: Undecidable) -> PolicyJudgement:
    reason = f"the condition of the rule cannot be decided: {error} ({rule.name})"
    return PolicyJudgement("blocked", reason, "when", rule, policy.version)


def _by_default(policy: Policy) -> PolicyJudgement:
    verdicts: dict[Effect, Verdict] = {
        "allow": "allowed",
        "block": "blocked",
        "require_approval": "requires_approval",
    }
    blocked_by = "" if policy.default == "allow" else "default"
    reason = f"no rule matches; the default is {policy.default}"
    return PolicyJudgement(verdicts[policy.default], reason, blocked_by, None, policy.version)
