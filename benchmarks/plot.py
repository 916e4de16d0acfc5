"""Draws the bars of figures as an SVG picture, for light and dark pages alike."""

from __future__ import annotations

from html import escape

WIDTH = 860
LEFT, RIGHT = 170, 190
"""Room for the names of groups, and for what stands behind the longest bar."""
BAR, GAP, BETWEEN = 15, 4, 20
LEGEND = 22
HEAD = 84
COLOURS = (
    ("#8a8f98", "#8b93a1"),
    ("#d97706", "#d97706"),
    ("#1d4ed8", "#3b82f6"),
    ("#0e7490", "#0e8ba8"),
    ("#7c3aed", "#8b5cf6"),
)
"""Of the series in their order, on light and on dark pages."""
STYLE = """
  .page { fill: #ffffff; stroke: #d4d4d8 }
  .title { fill: #18181b; font-size: 17px; font-weight: 600 }
  .text { fill: #18181b }
  .quiet { fill: #52525b }
  .grid { stroke: #e4e4e7 }
  .said { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
  .spread { stroke: #18181b; stroke-width: 1.2 }
  .bound { stroke: #16a34a; stroke-width: 1.5; stroke-dasharray: 4 3 }
  .other { fill-opacity: .25; stroke-dasharray: 3 2 }
"""
DARK = """
    .page { fill: #18181b; stroke: #3f3f46 }
    .title, .text { fill: #f4f4f5 }
    .quiet { fill: #a1a1aa }
    .grid { stroke: #3f3f46 }
    .said { stroke: #18181b }
    .spread { stroke: #f4f4f5 }
    .bound { stroke: #4ade80 }
"""


def svg(title, description, figures, *, unit):
    """A picture of figures that have a bar; a line in each group shows what ours are to stay under."""
    series = list(dict.fromkeys(figure.bar.series for figure in figures))
    groups = {}
    for figure in figures:
        groups.setdefault(figure.bar.group, []).append(figure)
    longest = max(max(figure.value, figure.bar.high) for figure in figures)
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 50, 100) if longest / step <= 8)
    scale = (WIDTH - LEFT - RIGHT) / longest
    rows = [_legend(series)]
    top = HEAD + LEGEND
    height = top + sum(len(each) * (BAR + GAP) + BETWEEN for each in groups.values()) + 30
    rows += _grid(longest, step, scale, top - 8, height - 34, unit)
    for group, drawn in groups.items():
        below = top + len(drawn) * (BAR + GAP)
        middle = (top + below - GAP) / 2
        for bound in {figure.bar.bound for figure in drawn if figure.bar.bound is not None}:
            at = LEFT + bound * scale
            rows.append(f'<path class="bound" d="M{at:.1f} {top - 5}V{below + 1}"/>')
        rows.append(f'<text class="text" x="{LEFT - 14}" y="{middle + 5:.0f}" text-anchor="end">{escape(group)}</text>')
        for number, figure in enumerate(drawn):
            rows += _bar(figure, series.index(figure.bar.series), top + number * (BAR + GAP), scale)
        top = below + BETWEEN
    light, dark = (
        "".join(f".s{number} {{ fill: {each[of]}; stroke: {each[of]} }} " for number, each in enumerate(COLOURS))
        for of in (0, 1)
    )
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" font-size="13" \
role="img" aria-labelledby="title description">
<title id="title">{escape(title)}</title>
<desc id="description">{escape(description)}</desc>
<style>{STYLE}  {light}
  @media (prefers-color-scheme: dark) {{{DARK}    {dark}
  }}
</style>
<rect class="page" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>
<text class="title" x="20" y="34">{escape(title)}</text>
<text class="quiet" x="20" y="56">{escape(description)}</text>
{chr(10).join(rows)}
</svg>
"""


def _legend(series):
    at, drawn = 20, []
    for number, name in enumerate(series):
        drawn.append(f'<rect class="s{number}" x="{at}" y="72" width="12" height="12" rx="2"/>')
        drawn.append(f'<text class="text" x="{at + 18}" y="83">{escape(name)}</text>')
        at += 18 + 7 * len(name) + 22
    return "\n".join(drawn)


def _grid(longest, step, scale, top, bottom, unit):
    for number in range(int(longest / step) + 1):
        at = LEFT + number * step * scale
        yield f'<path class="grid" d="M{at:.1f} {top}V{bottom}"/>'
        told = f"{number * step:g}" + (f" {unit}" if not number else "")
        yield f'<text class="quiet" x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{told}</text>'


def _bar(figure, number, top, scale):
    bar, length = figure.bar, max(figure.value, 0) * scale
    low, high = (LEFT + max(each, 0) * scale for each in (bar.low, bar.high))
    other = " other" if bar.remark else ""
    middle = top + BAR / 2
    said = f"{figure.value:+.1f}" + (f", {bar.remark}" if bar.remark else "")
    yield f'<rect class="s{number}{other}" x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>'
    ends = "".join(f"M{each:.1f} {middle - 3}v6" for each in (low, high))
    yield f'<path class="spread" d="M{low:.1f} {middle}H{high:.1f}{ends}"/>'
    at = max(high, LEFT + length) + 7
    yield f'<text class="said {"quiet" if other else "text"}" x="{at:.1f}" y="{middle + 4.5}">{escape(said)}</text>'
