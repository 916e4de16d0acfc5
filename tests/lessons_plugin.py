"""Reads the lessons of `tests/lessons.py` off the collected tests. A mark that names an unknown one ends the run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.lessons import LESSONS

TESTS = Path(__file__).parent


@dataclass(frozen=True)
class MarkedTest:
    """A test function with its lessons, each for one row or for all, and the ids of its collected rows."""

    lessons: set[tuple[str, str | None]] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)

    def missing_rows(self) -> list[str]:
        """Rows that a mark names and that no table has. The id of a row of two tables is made of both, with a dash."""
        named = {row for _, row in self.lessons if row is not None}
        return sorted(row for row in named if not any(f"-{row}-" in f"-{each}-" for each in self.rows))


COLLECTED = pytest.StashKey[dict[str, MarkedTest]]()
IS_WHOLE_SUITE = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)  # before `-k` and `-m` take tests away
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep which test has which lesson."""
    collected: dict[str, MarkedTest] = defaultdict(MarkedTest)
    for item in items:
        test = collected[item.nodeid.partition("[")[0]]
        test.rows.add(item.callspec.id if hasattr(item, "callspec") else "")
        test.lessons.update((mark.args[0], mark.kwargs.get("row")) for mark in item.iter_markers("lesson"))
    unknown = [
        f"{name} names an unknown lesson: {lesson!r}"
        for name, test in collected.items()
        for lesson, _ in test.lessons
        if lesson not in LESSONS
    ]
    if unknown:
        raise pytest.UsageError(*unknown)
    config.stash[COLLECTED] = collected
    config.stash[IS_WHOLE_SUITE] = {Path(each).resolve() for each in config.args} == {TESTS} and not config.getoption(
        "lf", default=False
    )
