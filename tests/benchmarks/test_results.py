"""RESULTS.md is made from the kept runs, and says first what a reader wants to know."""

from __future__ import annotations

from benchmarks import results, runs
from benchmarks.figure import NONE
from tests.benchmarks.figures import added, at_least, at_most, run


def document(**measured):
    return results.document(measured, dict.fromkeys(measured, "What the suite says."))


def test_results_are_what_the_kept_runs_make():
    measured = {suite: runs.kept(suite) for suite in results.SUITES}
    made = results.document(measured, {suite: results.told_by(suite) for suite in results.SUITES})
    assert results.RESULTS.read_text() == made, "`python -m benchmarks --write` makes it anew"


def test_picture_is_what_the_kept_runs_make():
    bars = [figure for figure in runs.worse(runs.kept(results.SIDE_BY_SIDE)) if figure.bar]
    assert (results.PICTURE.read_text() if results.PICTURE.exists() else None) == (
        results.picture(bars) if bars else None
    )


def test_section_names_both_runs_and_shows_the_worse_row():
    made = document(load=[run(at_most("time", 3), remark="A busy machine."), run(at_most("time", 12), when="later")])
    assert "Run of 2030-01-01 10:00: a machine, load average 1.0 as it began. A busy machine.\n" in made
    assert "Run of later: a machine, load average 1.0 as it began.\n" in made
    assert made.count("| time |") == 1
    assert f"| time | 12 ms | {NONE} | {NONE} | ≤ 10 ms | **no** |" in made


def test_first_lines_tell_how_much_was_reached_and_where_not():
    made = document(load=[run(at_most("a", 3), at_least("b", 3), at_least("c", 20))], proxy=[run(at_most("d", 1))])
    assert "Of 4 figures 3 reach what was asked. Not reached: [load](#load) 1." in made.split("## ")[0]


def test_first_lines_tell_what_each_product_adds():
    figures = [
        added("chat, whole", "ours", 1.2, bound=1.0),
        added("Messages, whole", "ours", 0.4, bound=1.0),
        added("chat, streamed", "ours", 2, bound=1.5),
        added("chat, whole", "other", 5),
        added("Messages, whole", "other", 3, remark="does not decide"),
    ]
    head = document(side_by_side=[run(*figures)]).split("## ")[0]
    assert "| ours | +0.4 to +1.2 ms | +2.0 to +2.0 ms |  |" in head
    assert f"| other | +3.0 to +5.0 ms | {NONE} | does not decide: Messages whole |" in head


def test_suite_without_a_run_has_no_section():
    assert "## proxy" not in document(load=[run(at_most("a", 3))], proxy=[])


def test_every_suite_is_a_module_with_figures():
    for suite in results.SUITES:
        assert "async def figures():" in results.RESULTS.with_name(f"{suite}.py").read_text()
        assert results.told_by(suite)
