"""Figures that nobody measured."""

from __future__ import annotations

from benchmarks.figure import NONE, Bar, Figure
from benchmarks.runs import Run


def at_most(what, value, bound=10):
    return Figure.at_most(what, f"{value} ms", NONE, NONE, value=value, bound=bound, unit=" ms")


def at_least(what, value, bound=10):
    return Figure.at_least(what, f"{value}/s", NONE, NONE, value=value, bound=bound)


def added(group, series, value, *, bound=None, remark=""):
    bar = Bar(group, series, value - 0.5, value + 0.5, bound, remark)
    return Figure(f"{group}: {series}", f"{value} ms", NONE, NONE, NONE, None, value, bar)


def run(*figures, when="2030-01-01 10:00", remark=""):
    return Run(when, "a machine", "1.0", figures, remark)
