"""Charts as inline SVG: numbers in, markup out. Colours come from the style sheet's classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from litellm_bighub.control_plane.inbox.charts_page.time_span import TimeSpan
from litellm_bighub.control_plane.store.tables.clock_checks import DAY
from litellm_bighub.domain.decision import Verdict

VERDICTS: tuple[Verdict, ...] = ("allowed", "requires_approval", "blocked")
_WORDS: dict[Verdict, str] = {"allowed": "allowed", "requires_approval": "requires approval", "blocked": "blocked"}
_WIDTH, _HEIGHT, _BASE = 720, 220, 186


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


@dataclass(frozen=True, slots=True)
class ToolBar:
    """A tool with how often it was asked for, and its bar."""

    tool: str
    total: int
    bars: tuple[Bar, ...]
    summary: str


def over_time(counts: Mapping[tuple[int, str], int], span: TimeSpan, now: float) -> Chart:
    """Decisions over time, stacked by verdict.

    Args:
        counts: by the number of the bar and the verdict.
        span: what the bars are.
        now: POSIX seconds.
    """
    sums = [sum(counts.get((bar, verdict), 0) for verdict in VERDICTS) for bar in range(span.bars)]
    most, step = max(sums) or 1, _WIDTH / span.bars
    gap = min(2.0, step / 6)
    bars: list[Bar] = []
    for at in range(span.bars):
        y = float(_BASE)
        for verdict in VERDICTS:
            number = counts.get((at, verdict), 0)
            height = number / most * (_BASE - 16)
            if number:
                y -= height
                title = f"{_label(span, now, at)}: {number} {_WORDS[verdict]}"
                bars.append(Bar(at * step + gap, y, step - 2 * gap, height, verdict, title))
    labelled = range(span.bars // 14, span.bars, max(1, span.bars // 6))
    marks = [Mark(at * step + step / 2, _BASE + 18, _label(span, now, at)) for at in labelled]
    totals = ", ".join(f"{sum(counts.get((at, v), 0) for at in range(span.bars))} {_WORDS[v]}" for v in VERDICTS)
    return Chart(tuple(bars), (*marks, Mark(_WIDTH - 4, 12, f"most in a bar: {most}")), totals)


def by_tool(counts: Mapping[tuple[str, str], int]) -> list[ToolBar]:
    """The ten tools that were asked for most.

    Args:
        counts: by tool and verdict.
    """
    sums: Counter[str] = Counter()
    for (tool, _), number in counts.items():
        sums[tool] += number
    tools = sums.most_common(10)
    most = tools[0][1] if tools else 1
    rows: list[ToolBar] = []
    for tool, total in tools:
        bars: list[Bar] = []
        x = 0.0
        for verdict in VERDICTS:
            number = counts.get((tool, verdict), 0)
            width = number / most * _WIDTH
            if width:
                bars.append(Bar(x, 0, width, 1, verdict, f"{number} {_WORDS[verdict]}"))
            x += width
        rows.append(ToolBar(tool, total, tuple(bars), ", ".join(bar.title for bar in bars)))
    return rows


def latency(milliseconds: Sequence[float]) -> Chart:
    """How long decisions took: how many in each doubling of milliseconds."""
    edges = [0.125 * 2**power for power in range(12)]
    counts = Counter(sum(one > edge for edge in edges) for one in milliseconds)
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
    ordered = sorted(milliseconds)
    if not ordered:
        return Chart(bars, marks, "no decisions")
    median, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return Chart(bars, marks, f"half within {median:.2f} ms, 95 % within {high:.2f} ms")


def _label(span: TimeSpan, now: float, bar: int) -> str:
    """When a bar begins: the time of a day, or the day."""
    moment = datetime.fromtimestamp(span.start(now) + bar * span.step, timezone.utc)
    return moment.strftime("%m-%d" if span.step == DAY else "%H:%M")
