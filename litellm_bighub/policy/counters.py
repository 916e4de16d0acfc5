"""Counting what rules allow, in calendar days and clock hours of each rule's time zone.

Windows never go back. Clocks may: one that is wrong, or two that differ. A call that comes in a window before the one
that is counted is held against both, and counts in the one that is counted. So each window allows what it may allow
once, even if clocks differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.conversation.history import marks_of_use, spans_of
from litellm_bighub.policy.evaluation import PolicyJudgement, Usage
from litellm_bighub.policy.rule import Rule
from litellm_bighub.policy.totals import Charge, Totals


@dataclass(frozen=True, slots=True)
class Tally:
    """What a rule has allowed, with the day and the hour that the numbers are of: the latest of any clock.

    Attributes:
        last_at: when it allowed a call last, POSIX seconds.
        day_before, hour_before: what it allowed in the windows that were counted before these.
    """

    day: str = ""
    today: int = 0
    hour: str = ""
    this_hour: int = 0
    last_at: float | None = None
    day_before: int = 0
    hour_before: int = 0

    def usage(self, rule: Rule, now: float) -> Usage:
        """What counts at this moment."""
        day, hour = _windows(rule, now)
        today = 0 if day > self.day else self.today + (self.day_before if day < self.day else 0)
        if hour == self.hour:
            return Usage(today, self.this_hour, self.last_at)
        this_hour = 0 if _start_of_hour(hour) > _start_of_hour(self.hour) else self.this_hour + self.hour_before
        return Usage(today, this_hour, self.last_at)

    def counted(self, rule: Rule, now: float) -> Tally:
        """The tally after one more allowed call."""
        day, hour = _windows(rule, now)
        last_at = now if self.last_at is None else max(now, self.last_at)
        new_day = day > self.day
        new_hour = hour != self.hour and _start_of_hour(hour) > _start_of_hour(self.hour)
        return Tally(
            day if new_day else self.day,
            1 if new_day else self.today + 1,
            hour if new_hour else self.hour,
            1 if new_hour else self.this_hour + 1,
            last_at,
            self.today if new_day else self.day_before,
            self.this_hour if new_hour else self.hour_before,
        )


class MemoryCounters:
    """Counts and sums that begin at zero and are kept nowhere, for whoever tries a policy."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self._totals = Totals()
        self._uses: list[tuple[str, set[str], float]] = []

    def usage(self, rule: Rule, charge: Charge | None, now: float, context: CallContext) -> Usage:
        """What a rule has allowed so far; without a charge, nothing of its sums."""
        used = self._tallies.get(rule.id, Tally()).usage(rule, now)
        if rule.max_per_conversation is not None:
            used = used._replace(in_conversation=self._in_conversation(rule, context))
        return used if charge is None else used._replace(totals=self._totals.spent(rule, charge, now))

    def count(self, judgement: PolicyJudgement, now: float, context: CallContext, *, sums: bool = True) -> None:
        """Count a call as its rules have judged it; what asks for a person stays reserved."""
        for rule in judgement.counting:
            self._tallies[rule.id] = self._tallies.get(rule.id, Tally()).counted(rule, now)
            if rule.max_per_conversation is not None:
                self._uses.append((rule.id, marks_of_use(context), now))
        if sums and judgement.verdict != "blocked":
            for one in judgement.charges:
                self._totals.add(one.rule, one.charge, now, reserved=judgement.verdict == "requires_approval")

    def _in_conversation(self, rule: Rule, context: CallContext) -> int | None:
        spans = spans_of(context)
        if not spans:
            return None
        return sum(
            rule_id == rule.id and any(span.mark in marks and span.since < time <= span.until for span in spans)
            for rule_id, marks, time in self._uses
        )


def _windows(rule: Rule, now: float) -> tuple[str, str]:
    """The calendar day and the clock hour in the rule's zone; the hour with its offset, for autumn's double one."""
    moment = datetime.fromtimestamp(now, rule.zone or timezone.utc)
    return moment.strftime("%Y-%m-%d"), moment.strftime("%Y-%m-%dT%H%z")


@lru_cache(maxsize=256)
def _start_of_hour(hour: str) -> float:
    """When a clock hour begins, in POSIX seconds; before all others if there is none."""
    return datetime.strptime(hour, "%Y-%m-%dT%H%z").timestamp() if hour else float("-inf")
