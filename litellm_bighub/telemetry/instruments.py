"""What this package measures, in any system of metrics, and the labels of tools.

A model may make up any number of tools' names; a metric must not have any number of series.
"""

from __future__ import annotations

from typing import Protocol

from litellm_bighub.deciders.wrappers.circuit import BreakerState
from litellm_bighub.domain.decision import Verdict

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the latency histogram: an embedded decision takes milliseconds, a hosted one up to its deadline."""


class Instruments(Protocol):
    """The counters, gauges and the histogram of one system of metrics. No method raises."""

    def decided(self, *, tool: str, verdict: Verdict, enforced: bool, decider: str, seconds: float) -> None:
        """Count one decision and its latency."""
        ...

    def degraded(self, *, tool: str) -> None:
        """Count a call that passed undecided, as `fail_mode: open` has it."""
        ...

    def held(self, change: int) -> None:
        """Add to the number of streams that wait for a decision, a person or the next answer."""
        ...

    def pending(self, approvals: int) -> None:
        """Set the number of approvals that wait for a person."""
        ...

    def breaker(self, before: BreakerState | None, after: BreakerState) -> None:
        """Move a breaker from one state to another. A new one has no state before."""
        ...


OTHER = "other"
LIMIT = 100
_LONGEST = 64


class ToolNames:
    """Lets the first names through, and calls every later one `other`.

    Args:
        limit: how many different names there may be.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def label(self, name: str) -> str:
        """The name, or `other` for one too many and for what is hardly a name."""
        if name in self._known:
            return name
        if (
            len(self._known) >= self._limit
            or not 0 < len(name) <= _LONGEST
            or not (name.isascii() and name.isprintable())
        ):
            return OTHER
        self._known.add(name)
        return name
