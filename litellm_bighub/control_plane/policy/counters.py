"""Counting what rules allow, in calendar days and clock hours of each rule's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from litellm_bighub.control_plane.policy.evaluation import Usage
from litellm_bighub.control_plane.policy.rule import Rule


@dataclass(frozen=True, slots=True)
class Tally:
    """What a rule has allowed, with the day and the hour that the numbers are of."""

    day: str = ""
    today: int = 0
    hour: str = ""
    this_hour: int = 0
    last_at: float | None = None

    def usage(self, rule: Rule, now: float) -> Usage:
        """What counts at this moment."""
        day, hour = _windows(rule, now)
        return Usage(self.today if day == self.day else 0, self.this_hour if hour == self.hour else 0, self.last_at)

    def counted(self, rule: Rule, now: float) -> Tally:
        """The tally after one more allowed call."""
        used = self.usage(rule, now)
        day, hour = _windows(rule, now)
        return Tally(day, used.today + 1, hour, used.this_hour + 1, now)


def _windows(rule: Rule, now: float) -> tuple[str, str]:
    """The calendar day and the clock hour in the rule's zone; the hour with its offset, for autumn's double one."""
    moment = datetime.fromtimestamp(now, rule.zone or timezone.utc)
    return moment.strftime("%Y-%m-%d"), moment.strftime("%Y-%m-%dT%H%z")
