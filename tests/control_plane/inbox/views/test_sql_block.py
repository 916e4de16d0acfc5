from __future__ import annotations

import pytest
from hypothesis import given

from litellm_bighub.control_plane.inbox.views.call_view import call_view
from litellm_bighub.control_plane.inbox.views.sql_block import is_sql, sql_block
from tests.control_plane.inbox.views import HOSTILE, UNSEEN, text_of

NOT_UNDERSTOOD = ("not understood: read it word by word",)


def lines(block):
    return ["".join(run.text for run in line.runs) for line in (*block.lines, *block.folded)]


def test_a_statement_is_formatted_and_its_words_are_told_apart():
    block = sql_block("select name from users where state = 'it''s on' and id = 3")
    assert lines(block) == ["SELECT", "  name", "FROM users", "WHERE", "  state = 'it''s on' AND id = 3"]
    assert [run.text for line in block.lines for run in line.runs if run.style == "text"] == ["'it''s on'"]
    assert [run.text for run in block.lines[0].runs if run.style == "keyword"] == ["SELECT"]
    assert block.notes == ()


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("delete from orders", ("delete orders without where",)),
        ("delete from orders where id = 7", ("delete orders",)),
        ("update users set admin = true", ("update users without where",)),
        ("select 1; drop table users", ("drop users",)),
        ("truncate table a", ("truncate a",)),
    ],
)
def test_what_removes_is_noted(text, notes):
    assert sql_block(text).notes == notes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("delete from a using b where a.id = b.id", "DELETE FROM a USING b"),
        ('delete from a using "b  c" where a.id = 1', 'DELETE FROM a USING   "b  c"'),
    ],
)
def test_formatting_leaves_no_gap_outside_of_quotes(text, line):
    assert lines(sql_block(text))[0] == line


def test_a_line_that_removes_is_marked():
    assert [line.kind for line in sql_block("select 1;\ndelete from orders -- where id = 7").lines] == ["", "danger"]


@pytest.mark.parametrize(
    "text",
    [
        "delete from orders; -- where id = 7\ndrop table users",
        "select 'a\\'; drop table users; --'",
        "/* harmless */ drop table users",
        "selec name from",
        "do something odd",
    ],
)
def test_what_is_not_understood_stands_as_it_was_written(text):
    block = sql_block(text)
    assert "\n".join(lines(block)) == text
    assert block.notes[-1:] == NOT_UNDERSTOOD
    assert not any(run.style == "text" for line in block.lines for run in line.runs)


def test_what_formatting_would_change_stands_as_it_was_written():
    text = "select now() where a != b"
    assert lines(sql_block(text)) == [text]


@given(HOSTILE)
def test_nothing_is_lost_or_unseen(text):
    shown = text_of(sql_block(f"select '{text}' from t where a = 1"))
    assert not UNSEEN & set(shown)


def test_a_long_one_is_cut_and_not_formatted():
    block = sql_block("select a from t where b = 1", longest=10)
    assert (lines(block), block.left_out) == (["select a f"], 17)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("sql", "x", True),
        ("SQL", "select 1", True),
        ("query", "SELECT 1", True),
        ("query", "cheap flights", False),
        ("text", "select 1", False),
    ],
)
def test_it_is_known_by_its_name(name, text, found):
    assert is_sql(name, text) is found


def test_what_the_policy_reads_as_sql_is_shown_as_such():
    [field] = call_view({"q": "select a from t"}, sql="select a from t").arguments
    assert field.block.language == "sql"
