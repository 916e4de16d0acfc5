"""One measured line of RESULTS.md."""

from __future__ import annotations

import operator
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured, ours and theirs, and what was to be reached."""

    what: str
    ours: str
    theirs: str
    ratio: str
    target: str
    reached: bool

    @classmethod
    def of_ratio(cls, what, ours, theirs, *, at_most, unit="µs", scale=1e6):
        """Ours over theirs, to stay at or under a bound."""
        ratio = ours / theirs
        shown = f"{ratio:.2f}" if ratio >= 0.01 else f"{ratio:.4f}"
        target = f"≤ {at_most:g}"
        return cls(
            what, f"{ours * scale:,.0f} {unit}", f"{theirs * scale:,.0f} {unit}", shown, target, ratio <= at_most
        )

    @classmethod
    def of_turns(cls, what, ours, theirs, *, at_most, unit="µs", scale=1e6):
        """Ours over theirs, measured in turns: the median of the turns' ratios, and the middle half of them."""
        ratios = list(map(operator.truediv, ours, theirs))
        low, ratio, high = statistics.quantiles(ratios, n=4)
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        shown = f"{ratio:.2f} ({low:.2f} to {high:.2f})"
        return cls(
            what,
            f"{ours * scale:,.0f} {unit}",
            f"{theirs * scale:,.0f} {unit}",
            shown,
            f"≤ {at_most:g}",
            ratio <= at_most,
        )

    @classmethod
    def of_time(cls, what, ours_ms, theirs_ms, *, at_most_ms):
        """Ours in milliseconds, to stay at or under a bound."""
        theirs = "–" if theirs_ms is None else f"{theirs_ms:,.0f} ms"
        ratio = "–" if theirs_ms is None else f"{ours_ms / theirs_ms:.3f}"
        return cls(what, f"{ours_ms:,.1f} ms", theirs, ratio, f"≤ {at_most_ms:g} ms", ours_ms <= at_most_ms)
