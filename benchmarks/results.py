"""RESULTS.md and its picture, made from the runs that are kept in `runs/`."""

from __future__ import annotations

import ast
from pathlib import Path

from benchmarks import runs
from benchmarks.plot import svg

RESULTS = Path(__file__).with_name("RESULTS.md")
PICTURE = RESULTS.parent.parent / "docs/images/overhead.svg"
SUITES = (
    "imports",
    "handler",
    "texts",
    "stream",
    "text_streams",
    "latency",
    "decisions",
    "decision_cpu",
    "proxy",
    "side_by_side",
    "load",
    "control_plane",
    "policy_costs",
    "policy_engines",
    "scale",
    "agent",
)
SIDE_BY_SIDE = "side_by_side"
HEAD = "| what | ours | theirs | ratio | to reach | reached |\n|---|---|---|---|---|---|"
MARKS = {True: "yes", False: "**no**", None: "–"}
TOLD = (
    ("Requests a second through the proxy, an answer without a call", "proxy", "no tool call in the answer"),
    ("Requests a second, a call in each answer", "proxy", "decided, recorded and remembered"),
    ("Fifty agents at once, a model that takes eight seconds", "load", "embedded control plane"),
    ("One decision with a durable record", "control_plane", "a decision with a durable record, SQLite"),
    ("The same with 1,000,000 events stored", "control_plane", "1,000,000 events stored"),
    ("Judging a call by 100 rules", "policy_costs", "judging a call by 100 rules"),
    ("A text delta of a governed stream comes later by", "latency", "added to a text delta"),
)
"""A question, and the row that answers it: its suite and a part of its name."""


def row(figure):
    columns = (figure.what, figure.ours, figure.theirs, figure.ratio, figure.target, MARKS[figure.reached])
    return f"| {' | '.join(columns)} |"


def document(measured, docs):
    """The text of RESULTS.md.

    Args:
        measured: the kept runs of each suite.
        docs: what each suite says about itself.
    """
    counted = {suite: runs.worse(each) for suite, each in measured.items() if each}
    sections = [section(suite, measured[suite], figures, docs[suite]) for suite, figures in counted.items()]
    return "\n\n".join([_summary(counted), *sections]) + "\n"


def section(suite, measured, figures, doc):
    told = [f"Run of {_told(run)}" for run in measured]
    return "\n".join([f"## {suite}", "", doc, "", *told, "", HEAD, *map(row, figures)])


def write():
    """Compose RESULTS.md, and draw its picture."""
    measured = {suite: runs.kept(suite) for suite in SUITES}
    RESULTS.write_text(document(measured, {suite: told_by(suite) for suite in SUITES}))
    if bars := [figure for figure in runs.worse(measured[SIDE_BY_SIDE]) if figure.bar]:
        PICTURE.write_text(picture(bars))


def told_by(suite):
    """What a suite says about itself."""
    return ast.get_docstring(ast.parse(RESULTS.with_name(f"{suite}.py").read_text()))


def picture(figures):
    return svg(
        "CPU that a decided tool call adds to an answer",
        "Milliseconds over the same proxy without a plugin; less is better. Green: what we are to reach.",
        figures,
        unit="ms",
    )


def _told(run):
    busy = f", load average {run.load} as it began" if run.load else ""
    remark = f" {run.remark}" if run.remark else ""
    return f"{run.when}: {run.machine}{busy}.{remark}"


def _summary(counted):
    asked = [figure for figures in counted.values() for figure in figures if figure.reached is not None]
    missed = {suite: sum(figure.reached is False for figure in figures) for suite, figures in counted.items()}
    where = ", ".join(f"[{suite}](#{suite}) {number}" for suite, number in missed.items() if number)
    lines = [
        "# Measured",
        "",
        *_side_by_side(counted.get(SIDE_BY_SIDE, [])),
        "| what a reader asks first | ours | beside it | ratio | to reach | reached |",
        "|---|---|---|---|---|---|",
        *(line for question in TOLD for line in _answered(counted, *question)),
        "",
        f"Of {len(asked)} figures {sum(figure.reached for figure in asked)} reach what was asked. "
        + (f"Not reached: {where}." if where else ""),
        "",
        "Both sides of a row are measured in one run, on one machine. Of the last two runs of a suite the worse one",
        "counts, row by row; a suite that was run once names one date. `make bench` runs all suites, and",
        "`python -m benchmarks NAME` one of them. Both write the figures to `benchmarks/runs`, and this file from",
        "them: what is written here by hand is lost. `--remark` says of a run what its figures do not.",
    ]
    return "\n".join(lines)


def _answered(counted, question, suite, part):
    for figure in counted.get(suite, ()):
        if part in figure.what:
            theirs = figure.what.partition("(theirs: ")[2].rpartition(")")[0]
            beside = f"{figure.theirs} ({theirs})" if theirs else figure.theirs
            columns = (question, figure.ours, beside, figure.ratio, figure.target, MARKS[figure.reached])
            yield f"| {' | '.join(columns)} |"
            return


def _side_by_side(figures):
    """What each product adds, over all formats."""
    series = {}
    for figure in figures:
        if figure.bar:
            group, _, how = figure.bar.group.rpartition(", ")
            series.setdefault(figure.bar.series, {}).setdefault(how, []).append((group, figure))
    if not series:
        return
    yield "CPU that a decided tool call adds to an answer, over LiteLLM's proxy without a plugin:"
    yield ""
    yield f"![Bars of the milliseconds of CPU that each product adds, by format](../docs/images/{PICTURE.name})"
    yield ""
    yield "| | whole answer | stream | |"
    yield "|---|---|---|---|"
    for name, by_how in series.items():
        columns = [_span([figure.value for _, figure in by_how.get(how, ())]) for how in ("whole", "streamed")]
        remarks = {}
        for how, measured in by_how.items():
            for group, figure in measured:
                if figure.bar.remark:
                    remarks.setdefault(figure.bar.remark, []).append(f"{group} {how}")
        told = "; ".join(f"{remark}: {', '.join(where)}" for remark, where in remarks.items())
        yield f"| {name} | {columns[0]} | {columns[1]} | {told} |"
    yield ""


def _span(values):
    return f"{min(values):+.1f} to {max(values):+.1f} ms" if values else "–"
