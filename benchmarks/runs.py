"""What was measured, kept in `runs/`: of each suite the last two runs, of which the worse one counts, row by row."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.figure import Bar, Figure

FOLDER = Path(__file__).with_name("runs")
KEPT = 2


@dataclass(frozen=True)
class Run:
    """One run of a suite.

    Attributes:
        when: day and time at which it began.
        machine: what it ran on, with which versions.
        load: the load average of the minute before it began.
        figures: what it measured.
        remark: what a reader has to know about this run.
    """

    when: str
    machine: str
    load: str
    figures: tuple[Figure, ...]
    remark: str = ""


def kept(suite, folder=FOLDER):
    """The last runs of a suite, the oldest first."""
    path = folder / f"{suite}.json"
    return [_run(each) for each in json.loads(path.read_text())] if path.exists() else []


def keep(suite, run, folder=FOLDER):
    """Remember a run, and forget all but the one before it."""
    folder.mkdir(exist_ok=True)
    runs = [*kept(suite, folder), run][-KEPT:]
    text = json.dumps([asdict(each) for each in runs], indent=1, ensure_ascii=False)
    (folder / f"{suite}.json").write_text(text + "\n")


def worse(runs):
    """Of each row the run in which it came out worse; a row of one run alone counts as it is."""
    counted = {}
    for run in reversed(runs):  # the newest says in which order
        for figure in run.figures:
            if figure.what not in counted or figure.is_worse_than(counted[figure.what]):
                counted[figure.what] = figure
    return list(counted.values())


def _run(read):
    figures = (Figure(**{**each, "bar": each["bar"] and Bar(**each["bar"])}) for each in read["figures"])
    return Run(**{**read, "figures": tuple(figures)})
