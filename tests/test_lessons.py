"""Every lesson has a test, and no test names a lesson or a row that does not exist."""

from __future__ import annotations

import pytest

from tests.lessons import LESSONS
from tests.lessons_plugin import COLLECTED, IS_WHOLE_SUITE, MarkedTest


@pytest.fixture
def collected(pytestconfig):
    if not pytestconfig.stash[IS_WHOLE_SUITE]:
        pytest.skip("a part of the suite has the tests of a part of the lessons")
    return pytestconfig.stash[COLLECTED]


def test_every_lesson_has_a_test(collected):
    tested = {lesson for test in collected.values() for lesson, _ in test.lessons}

    assert [lesson for lesson in LESSONS if lesson not in tested] == []


def test_every_row_exists(collected):
    assert {name: rows for name, test in collected.items() if (rows := test.missing_rows())} == {}


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        pytest.param(None, [], id="all rows"),
        pytest.param("401", [], id="a row"),
        pytest.param("stream", [], id="a row of the other table"),
        pytest.param("40", ["40"], id="a part of an id"),
        pytest.param("500", ["500"], id="no row"),
    ],
)
def test_a_row_that_is_gone_is_noticed(row, missing):
    assert MarkedTest({(LESSONS[0], row)}, {"stream-401", "whole-401"}).missing_rows() == missing


def test_a_lesson_that_is_unknown_ends_the_run(pytester):
    pytester.makepyfile("import pytest\n@pytest.mark.lesson('made up')\ndef test_something(): pass\n")

    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "tests.lessons_plugin")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "names an unknown lesson: 'made up'" in str(result.stderr)
