"""A rule of the policy and the policy itself, as frozen values ready to be evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final, Literal, TypeAlias, get_args

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.approvers import ANYONE, Requirement
from litellm_bighub.policy.argument_condition import Condition
from litellm_bighub.policy.history.earlier_call import Certainty, EarlierCall
from litellm_bighub.policy.history.label import Labels
from litellm_bighub.policy.parts.call_parts import CallParts, ToolParts
from litellm_bighub.policy.parts.command_pattern import CommandPattern
from litellm_bighub.policy.parts.part import Part, PartPattern
from litellm_bighub.policy.parts.shell_command import Command
from litellm_bighub.policy.rule_pattern import ANY, ANYBODY, ActorPattern, Pattern

Effect: TypeAlias = Literal["allow", "block", "require_approval"]
Status: TypeAlias = Literal["active", "paused"]
CallerField: TypeAlias = Literal["domain", "user", "team", "key", "model", "surface", "end_user"]
CALLER_FIELDS: Final[tuple[CallerField, ...]] = get_args(CallerField)
"""What rules say of who asks, beside the actor, in the order in which it is looked at."""
Period: TypeAlias = Literal["hour", "day", "week", "month"]
"""A calendar window over which values are summed up."""
TotalBy: TypeAlias = Literal["actor", "user", "team", "key", "currency"]
Holder: TypeAlias = Literal["key", "team"]
"""Whose metadata may hold rules."""
MOST_DIGITS: Final = 15
"""A double keeps so many digits of any number, so it tells how that was written."""


_TOO_MANY: Final = 10**MOST_DIGITS


def exact(number: float) -> Decimal | None:
    """A number as it was written; `None` if it has more than 15 digits, zeros before and behind not counted."""
    if abs(number) < _TOO_MANY and (whole := int(number)) == number:
        return Decimal(whole)
    found = Decimal(repr(number))  # the shortest text that reads as this double
    if not found.is_finite():
        return None
    found = found.normalize()
    exponent = int(found.as_tuple().exponent)
    digits = max(found.adjusted() + 1, 0) + max(-exponent, 0)
    return Decimal(f"{found:f}") if digits <= MOST_DIGITS else None


_OPPOSITES: Final[Mapping[Certainty, Certainty]] = {"yes": "no", "maybe": "maybe", "no": "yes"}


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of the day in which a rule's calls may run: `start` included, `end` not; `22` to `6` spans midnight."""

    start: int
    end: int

    def include(self, moment: datetime) -> bool:
        """Whether the moment, in the rule's time zone, lies within."""
        if self.start < self.end:
            return self.start <= moment.hour < self.end
        return moment.hour >= self.start or moment.hour < self.end


class PatternIndex:
    """Patterns by the name of the only command that they can fit: a rule may have a hundred."""

    __slots__ = ("_all", "_by_name", "_others")

    def __init__(self, patterns: Sequence[PartPattern]) -> None:
        self._all = patterns
        self._by_name: dict[str, list[PartPattern]] = {}
        self._others: list[PartPattern] = []
        for pattern in patterns:
            name = pattern.only_name if isinstance(pattern, CommandPattern) else None
            (self._others if name is None else self._by_name.setdefault(name, [])).append(pattern)

    def of(self, part: Part) -> Iterable[PartPattern]:
        """Those that can fit a part."""
        if not isinstance(part, Command):
            return self._others
        name = part.argv[0]
        if not name.sure or name.glob:
            return self._all
        named = self._by_name.get(name.text.rpartition("/")[2], ())
        return [*named, *self._others] if self._others else named


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. It matches by its patterns and condition; if it does, its bounds, limits and effect decide.

    Attributes:
        id: names the rule in decisions, counters and the audit; for a rule of the file its name.
        tool, type, actor, domain, user, team, model, surface, end_user: patterns over the call and its context.
        key: a pattern of the key's hash or alias.
        taint: labels of results, one of which has to be in the conversation; without any the rule is for all.
        after: an earlier call whose result has to have come back, `None` if none has to.
        not_after: an earlier call that must not have been released, `None` if any may.
        when: a condition over the arguments and the caller, `None` if there is none.
        parts: patterns of parts, one of which has to fit; without any the rule is for every part.
        zone: the time zone in which `hours` and the calendar day and hour of the limits are meant.
        expires_at: POSIX seconds from which on the rule is no longer in force.
        max_per_conversation: how many calls it allows in a conversation.
        max_totals: how much the values of its calls may sum up to in each calendar window.
        total_by: whose sums these are; those of all callers together if it names nobody.
        requirements: who must approve what it asks.
        totals_of: the id of the rule whose sums it adds to, in place of its own.
        holder: in whose metadata it stands; `None` for a rule of the policy.
    """

    id: str
    name: str
    tool: Pattern = ANY
    type: Pattern = ANY
    actor: ActorPattern = ANYBODY
    domain: Pattern = ANY
    user: Pattern = ANY
    team: Pattern = ANY
    key: Pattern = ANY
    model: Pattern = ANY
    surface: Pattern = ANY
    end_user: Pattern = ANY
    taint: frozenset[str] = frozenset()
    after: EarlierCall | None = None
    not_after: EarlierCall | None = None
    when: Condition | None = None
    parts: tuple[PartPattern, ...] = ()
    effect: Effect = "allow"
    min_value: float | None = None
    max_value: float | None = None
    require_approval_above: float | None = None
    max_per_day: int | None = None
    max_per_hour: int | None = None
    max_per_conversation: int | None = None
    cooldown_seconds: float | None = None
    hours: Hours | None = None
    zone: tzinfo | None = None
    status: Status = "active"
    expires_at: float | None = None
    approval_ttl_seconds: int = 900
    four_eyes: bool = False
    requirements: tuple[Requirement, ...] = (ANYONE,)
    priority: int = 0
    max_totals: Mapping[Period, Decimal] = field(default_factory=dict)
    total_by: tuple[TotalBy, ...] = ()
    totals_of: str = ""
    holder: Holder | None = None
    patterns: PatternIndex = field(init=False, repr=False, compare=False)
    caller_patterns: tuple[tuple[CallerField, Pattern], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the patterns of parts by what they can fit, and leave out those of callers that fit everybody."""
        callers = tuple((name, getattr(self, name)) for name in CALLER_FIELDS)
        object.__setattr__(self, "caller_patterns", tuple(each for each in callers if each[1] != ANY))
        object.__setattr__(self, "patterns", PatternIndex(self.parts))

    def fits(self, part: Part) -> bool:
        """Whether the rule is for a part of a call whose tool and caller it is for."""
        if not self.parts:
            return not part.restricts_only
        allows = self.effect == "allow"
        for pattern in self.patterns.of(part):  # noqa: SIM110 - a generator costs more than most patterns
            if pattern.fits(part, allows=allows):
                return True
        return False

    @property
    def totals_id(self) -> str:
        """Names its sums; two rules may add to the same ones."""
        return self.totals_of or self.id

    @property
    def bounds_value(self) -> bool:
        """Whether a call without a value cannot be judged by this rule."""
        return bool(self.max_totals) or not (self.min_value is self.max_value is self.require_approval_above is None)

    @property
    def limits_use(self) -> bool:
        """Whether the rule needs to know how often it has allowed a call."""
        return not (self.max_per_day is self.max_per_hour is self.cooldown_seconds is self.max_per_conversation is None)

    @property
    def follows(self) -> bool:
        """Whether it asks for earlier calls."""
        return self.after is not None or self.not_after is not None

    def is_after(self, call: ToolCall, context: CallContext, now: float) -> Certainty:
        """Whether the earlier call came before that has to. Where nobody knows, it may have."""
        return "yes" if self.after is None else self.after.returned(context.history, call.arguments, now)

    def is_not_after(self, call: ToolCall, context: CallContext, now: float) -> Certainty:
        """Whether the earlier call was not made that must not have been."""
        if self.not_after is None:
            return "yes"
        made = self.not_after.released(context.history, call.arguments, now)
        return _OPPOSITES[made]

    @property
    def restrains(self) -> bool:
        """Whether passing the rule over may let more pass than applying it."""
        return self.effect != "allow" or self.bounds_value or self.limits_use or self.hours is not None


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules in the order in which they are tried; the first that matches decides.

    Attributes:
        version: the digest of the content: the same in every process, another after every change.
        default: what holds where no rule matches.
        tools: how value and target are taken out of the arguments, by tool name or pattern.
        parts: takes calls apart.
        labels: the labels of the tools' results.
        has_parts: whether a rule has patterns of parts; otherwise a call need not be taken apart.
    """

    version: str
    default: Effect
    rules: tuple[Rule, ...]
    tools: Mapping[str, ToolParts]
    parts: CallParts = field(default_factory=lambda: CallParts({}), compare=False)
    has_parts: bool = False
    labels: Labels = field(default_factory=lambda: Labels({}), compare=False)
