"""Of the last two runs of a suite the worse one counts."""

from __future__ import annotations

from hypothesis import given, strategies as st

from benchmarks import runs
from tests.benchmarks.figures import added, at_least, at_most, run


def test_worse_counts_row_by_row():
    first, second = (at_most("time", 3), at_least("rate", 20)), (at_most("time", 4), at_least("rate", 30))
    assert runs.worse([run(*first), run(*second)]) == [second[0], first[1]]


def test_row_of_one_run_counts_as_it_is():
    old, new = at_most("left out now", 3), at_most("new", 4)
    assert runs.worse([run(old), run(new)]) == [new, old]


@given(st.lists(st.floats(0, 100), min_size=2, max_size=2))
def test_order_of_the_runs_makes_no_difference(values):
    both = [run(at_most("time", value), at_least("rate", value)) for value in values]
    assert runs.worse(both) == runs.worse(list(reversed(both)))
    assert [figure.value for figure in runs.worse(both)] == [max(values), min(values)]


def test_kept_are_the_last_two_runs(tmp_path):
    for hour in range(3):
        runs.keep("suite", run(added("chat", "ours", hour, bound=1.0), when=f"{hour} o'clock"), tmp_path / "runs")
    kept = runs.kept("suite", tmp_path / "runs")
    assert [each.when for each in kept] == ["1 o'clock", "2 o'clock"]
    assert kept[1] == run(added("chat", "ours", 2, bound=1.0), when="2 o'clock")


def test_suite_that_never_ran_has_no_runs(tmp_path):
    assert runs.kept("suite", tmp_path) == []
