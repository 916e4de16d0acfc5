"""Statements are known by what they do to which tables; what some database reads in another way is not understood."""

from __future__ import annotations

import logging
import random
import sqlite3

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.policy.parts.part import WHOLE_CALL
from litellm_bighub.policy.parts.sql_statement import MAX_LENGTH, SqlPattern, SqlStatement, read_sql


def shown(text, dialect="postgres"):
    return [part.shown for part in read_sql(text, dialect)]


UNKNOWN = ["its SQL is not understood"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("select 1", ["select"]),
        ("SELECT a FROM Orders o JOIN public.items i ON o.x = i.x", ["select orders, public.items"]),
        ("select 'delete from x' from a", ["select a"]),
        ("select 1;;", ["select"]),
        ("delete from a", ["delete a without where"]),
        ("delete from a where true", ["delete a without where"]),
        ("delete from a where x = 1", ["delete a"]),
        ("update a set x = 1", ["update a without where"]),
        ("update a set x = 1 where y in (select y from b)", ["update a", "select b"]),
        ("insert into a select * from b", ["insert a", "select b"]),
        ("insert into a (x) values (1) on conflict (x) do update set x = 2", ["insert a"]),
        ("with q as (delete from a where x = 1 returning *) select * from q", ["delete a", "select"]),
        ("with q as (select * from q) select * from q", ["select q"]),
        ("select 1; drop table a, b", ["select", "drop a, b"]),
        ("truncate table a", ["truncate a"]),
        ("alter table a drop column b", ["alter a", "drop"]),
        ("create table a as select * from b", ["create a", "select b"]),
        ("select * into b from a", ["create b", "select a"]),
        ("select a from b union select c from d", ["select b, d"]),
        ("delete x from x join y on 1 = 1", ["delete x, y without where"]),
    ],
)
def test_what_a_text_does(text, parts):
    assert sorted(shown(text)) == sorted(parts)


@pytest.mark.parametrize(
    "text",
    [
        *("", "selec 1", "select 1 /*! drop table x */", "select 1 -- x", "select 1 # x", r"select '\'' ; x", "vacuum"),
        *(
            "call f()",
            "exec xp_cmdshell",
            "begin",
            "set x = 1",
            "grant all on a to b",
            "explain delete from a",
            "$$ x $$",
        ),
        *(
            "select (" * 100,
            "copy a to 'x'",
            "select * from a for update",
            "pragma x",
            "do $$ begin delete from a; end $$",
            "select \"a' from b",
            "\0",
        ),
        "select 1" + " " * MAX_LENGTH,
    ],
)
def test_what_is_not_understood_has_such_a_part(text):
    assert UNKNOWN[0] in shown(text)


def test_a_database_that_wants_no_semicolon_would_run_two_statements():
    assert UNKNOWN[0] in shown("select 1 delete from x", "tsql")
    assert UNKNOWN[0] in shown("select 1 exec foo", "tsql")


def test_without_a_dialect_several_must_read_it():
    assert shown("select a from b", None) == ["select b"]
    assert UNKNOWN[0] in shown("select a::int from b where c ilike 'x' for update", None)
    assert UNKNOWN[0] in shown("select * from a limit 1, 2 offset", None)


def test_the_parser_writes_no_statement_into_the_log(caplog):
    with caplog.at_level(logging.DEBUG, logger="sqlglot"):
        assert shown("call secret()") == UNKNOWN
        assert shown("call secret()") == UNKNOWN
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("pattern", "text", "allowed", "blocked"),
    [
        ("select", "select a from b", True, True),
        ("read orders,items", "select * from orders, items", True, True),
        ("read orders", "select * from orders, items", False, True),
        ("select public.*", "select * from public.a", True, True),
        ("select orders", "select * from public.orders", False, True),
        ("select orders", "select 1", True, True),
        ("select", "select my_function(1)", False, True),
        ("select", "select count(*), lower(x) from b", True, True),
        ("select", "select * from my_table_function(1)", False, True),
        ("select", 'select * from "a,b"', False, True),
        ("update orders", "update orders set x = 1 where y = 2", True, True),
        ("update orders", "update orders set x = 1", False, True),
        ("update orders without where", "update orders set x = 1", True, True),
        ("update orders without where", "update orders set x = 1 where y = 2", False, False),
        ("write", "insert into a values (1)", True, True),
        ("drop", "drop table a", True, True),
        ("drop b", "drop table a", False, False),
        ("* secrets", "select * from secrets", True, True),
        ("delete", "select 1", False, False),
    ],
)
def test_allowing_needs_all_and_blocking_one(pattern, text, allowed, blocked):
    [part] = read_sql(text, "postgres")
    fits = SqlPattern(pattern).fits
    assert (fits(part, allows=True), fits(part, allows=False)) == (allowed, blocked)
    assert not fits(WHOLE_CALL, allows=False)


@pytest.mark.parametrize("pattern", ["", "selec x", "select a b", "select without where", "without where"])
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(ValueError, match=r"pattern of SQL|only update"):
        SqlPattern(pattern)


WORDS = ["select", "delete", "from", "a", "b", "where", "x", "=", "1", ";", "(", ")", "update", "set", "insert", "into"]
WORDS += [
    "values",
    "drop",
    "table",
    "'x'",
    "''",
    "with",
    "as",
    ",",
    "*",
    "join",
    "union",
    "--",
    "returning",
    '"a"',
    "/*",
]


def ran(text):
    """What a real database does with a text: verbs and tables."""
    found = set()
    names = {sqlite3.SQLITE_READ: "select", sqlite3.SQLITE_INSERT: "insert", sqlite3.SQLITE_UPDATE: "update"}
    names |= {sqlite3.SQLITE_DELETE: "delete", sqlite3.SQLITE_DROP_TABLE: "drop", sqlite3.SQLITE_CREATE_TABLE: "create"}
    base = sqlite3.connect(":memory:")
    base.executescript("create table a (x, y); create table b (x, y)")

    def note(action, table, *_):
        if action in names and table in {"a", "b"}:
            found.add((names[action], table))
        return sqlite3.SQLITE_OK

    base.set_authorizer(note)
    try:
        base.executescript(text)
    except (sqlite3.Error, sqlite3.Warning):
        pass
    finally:
        base.close()
    return found


GRAMMAR = [
    "select * from {t}", "delete from {t}", "delete from {t} where x = 1", "update {t} set x = 1", "drop table {t}",
    "insert into {t} select * from {u}", "with q as (select * from {t}) select * from q, {u}",
    "insert into {t} values (1, 2)",
    "select * from (select x from {t}) where x in (select x from {u})", "select 1 union select x from {t}",
    "select '{s}' from {t}", "with {t} as (select 1) select * from {t}, {u}", "select x as {t} from {u}",
    "update {t} set x = (select max(x) from {u})",
]  # fmt: skip


def made(seed):
    chance = random.Random(seed)
    texts = [
        chance.choice(GRAMMAR).format(
            t=chance.choice("ab"), u=chance.choice("ab"), s=chance.choice(["x", "''; drop table a", "--"])
        )
        for _ in range(chance.randrange(1, 3))
    ]
    text = chance.choice(["; ", " ", ";"]).join(texts)
    if chance.random() < 0.4:
        at = chance.randrange(len(text))
        text = (
            text[:at]
            + chance.choice(["'", '"', ";", "/*", "--", "\n", "(", "`", "[", "x"])
            + text[at + chance.randrange(2) :]
        )
    return text


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32).map(made) | st.lists(st.sampled_from(WORDS), max_size=10).map(" ".join))
def test_a_real_database_does_nothing_that_is_not_told(text):
    parts = read_sql(text, "sqlite")
    if any(not isinstance(part, SqlStatement) for part in parts):
        return
    told = {(part.verb, table) for part in parts if isinstance(part, SqlStatement) for table in part.tables}
    touched = {table for _, table in told}
    for verb, table in ran(text):
        # what is written is read, too, and a table that is dropped is emptied
        assert (verb, table) in told or (verb in {"select", "delete"} and table in touched), (verb, table, told)
