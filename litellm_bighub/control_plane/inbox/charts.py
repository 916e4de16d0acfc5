"""Charts as inline SVG: numbers in, markup out. Colours come from the style sheet's classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from litellm_bighub.domain.decision import Verdict

VERDICTS: tuple[Verdict, ...] = ("allowed", "requires_approval", "blocked")
_WORDS: dict[Verdict, str] = {"allowed": "allowed", "requires_approval": "requires approval", "blocked": "blocked"}
HOURS = 24
_WIDTH, _HEIGHT, _BASE = 720, 180, 150


@dataclass(frozen=True, slots=True)
class Sample:
    """One decision."""

    time: float
    verdict: str
    tool: str
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle with what it means."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A text on an axis."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template draws."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    summary: str
    width: int = _WIDTH
    height: int = _HEIGHT


def by_hour(samples: Sequence[Sample], now: float) -> Chart:
    """Decisions of the last 24 hours, an hour a bar, stacked by verdict."""
    start = (now // 3600 - HOURS + 1) * 3600
    counts = Counter((int((one.time - start) // 3600), one.verdict) for one in samples if one.time >= start)
    most = max((sum(counts[hour, verdict] for verdict in VERDICTS) for hour in range(HOURS)), default=0) or 1
    step = _WIDTH / HOURS
    bars: list[Bar] = []
    for hour in range(HOURS):
        y = float(_BASE)
        for verdict in VERDICTS:
            number = counts[hour, verdict]
            height = number / most * (_BASE - 16)
            if number:
                y -= height
                title = f"{_clock(start + hour * 3600)}: {number} {_WORDS[verdict]}"
                bars.append(Bar(hour * step + 2, y, step - 4, height, verdict, title))
    marks = [Mark(hour * step + step / 2, _BASE + 18, _clock(start + hour * 3600)) for hour in range(1, HOURS, 4)]
    totals = ", ".join(f"{sum(counts[hour, v] for hour in range(HOURS))} {_WORDS[v]}" for v in VERDICTS)
    return Chart(tuple(bars), (*marks, Mark(_WIDTH - 4, 12, f"most in an hour: {most}")), totals)


def by_tool(samples: Sequence[Sample]) -> Chart:
    """The ten tools that were asked for most."""
    tools = Counter(one.tool for one in samples).most_common(10)
    verdicts = Counter((one.tool, one.verdict) for one in samples)
    most = tools[0][1] if tools else 1
    bars: list[Bar] = []
    marks: list[Mark] = []
    for row, (tool, total) in enumerate(tools):
        x, y = 0.0, row * 34 + 20.0
        marks.append(Mark(0, y - 5, f"{tool} · {total}"))
        for verdict in VERDICTS:
            width = verdicts[tool, verdict] / most * _WIDTH
            if width:
                bars.append(Bar(x, y, width, 10, verdict, f"{tool}: {verdicts[tool, verdict]} {_WORDS[verdict]}"))
            x += width
    return Chart(tuple(bars), tuple(marks), "the ten that were asked for most", height=max(34, len(tools) * 34))


def latency(samples: Sequence[Sample]) -> Chart:
    """How long decisions took: how many in each doubling of milliseconds."""
    edges = [0.125 * 2**power for power in range(12)]
    counts = Counter(sum(one.latency_ms > edge for edge in edges) for one in samples)
    most = max(counts.values(), default=1)
    step = _WIDTH / (len(edges) + 1)
    bars = tuple(
        Bar(
            index * step + 2,
            _BASE - counts[index] / most * (_BASE - 16),
            step - 4,
            counts[index] / most * (_BASE - 16),
            "latency",
            f"{counts[index]} decisions",
        )
        for index in range(len(edges) + 1)
        if counts[index]
    )
    marks = tuple(Mark((index + 1) * step, _BASE + 18, f"{edge:g} ms") for index, edge in enumerate(edges) if index % 2)
    ordered = sorted(one.latency_ms for one in samples)
    if not ordered:
        return Chart(bars, marks, "no decisions")
    median, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return Chart(bars, marks, f"half within {median:.2f} ms, 95 % within {high:.2f} ms")


def _clock(time: float) -> str:
    return f"{int(time // 3600 % 24):02d}:00"
