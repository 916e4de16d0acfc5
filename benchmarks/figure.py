"""One measured line of RESULTS.md."""

from __future__ import annotations

import operator
import statistics
from dataclasses import dataclass

NONE = "–"
"""In a column that has no figure."""


@dataclass(frozen=True)
class Bar:
    """A bar of the plot in RESULTS.md.

    Attributes:
        group: which bars it stands with.
        series: what all bars of its colour are of.
        low: where the middle half of the turns begins.
        high: where it ends.
        bound: what it is to stay under; `None` for a product that is not ours.
        remark: what makes the bar no price of the same thing; empty if there is nothing.
    """

    group: str
    series: str
    low: float
    high: float
    bound: float | None
    remark: str = ""


@dataclass(frozen=True)
class Figure:
    """What was measured, ours and theirs, and what was to be reached.

    Attributes:
        target: in words, as `≤ 0.5` or `≥ 1,000`; a dash for a product that is not ours, for which less is better.
        reached: `None` without a target.
        value: the number that counts, in the unit of the target; of two runs the worse one is shown.
        bar: what the plot shows of it.
    """

    what: str
    ours: str
    theirs: str
    ratio: str
    target: str
    reached: bool | None
    value: float
    bar: Bar | None = None

    @classmethod
    def at_most(cls, what, ours, theirs, ratio, *, value, bound, unit="", sign="", bar=None):
        """A value that is to stay at or under a bound; `sign` is a plus where it is a difference."""
        return cls(what, ours, theirs, ratio, f"≤ {sign}{bound:,}{unit}", value <= bound, value, bar)

    @classmethod
    def at_least(cls, what, ours, theirs, ratio, *, value, bound):
        """A value that is to come up to a bound."""
        return cls(what, ours, theirs, ratio, f"≥ {bound:,}", value >= bound, value)

    @classmethod
    def of_ratio(cls, what, ours, theirs, *, at_most, unit="µs", scale=1e6):
        """Ours over theirs, to stay at or under a bound."""
        ratio = ours / theirs
        shown = f"{ratio:.2f}" if ratio >= 0.01 else f"{ratio:.4f}"
        times = (f"{each * scale:,.0f} {unit}" for each in (ours, theirs))
        return cls.at_most(what, *times, shown, value=ratio, bound=at_most)

    @classmethod
    def of_turns(cls, what, ours, theirs, *, at_most, unit="µs", scale=1e6):
        """Ours over theirs, measured in turns: the median of the turns' ratios, and the middle half of them."""
        low, ratio, high = statistics.quantiles(map(operator.truediv, ours, theirs), n=4)
        times = (f"{statistics.median(each) * scale:,.0f} {unit}" for each in (ours, theirs))
        return cls.at_most(what, *times, f"{ratio:.2f} ({low:.2f} to {high:.2f})", value=ratio, bound=at_most)

    @classmethod
    def of_time(cls, what, ours_ms, theirs_ms, *, at_most_ms):
        """Ours in milliseconds, to stay at or under a bound."""
        theirs = NONE if theirs_ms is None else f"{theirs_ms:,.0f} ms"
        ratio = NONE if theirs_ms is None else f"{ours_ms / theirs_ms:.3f}"
        return cls.at_most(what, f"{ours_ms:,.1f} ms", theirs, ratio, value=ours_ms, bound=at_most_ms, unit=" ms")

    def is_worse_than(self, other):
        """Whether this one counts, of two runs."""
        return (self.value < other.value) if self.target.startswith("≥") else (self.value > other.value)
