"""The schema and its migrations."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.store import migrations
from litellm_bighub.control_plane.store.chain import ChainBreak
from litellm_bighub.control_plane.store.database import (
    NEWEST,
    begin_writing,
    check_opening,
    open_database,
    sqlite_url,
    upgrade,
)
from litellm_bighub.control_plane.store.schema import events, metadata
from litellm_bighub.control_plane.store.tables import outcomes
from litellm_bighub.control_plane.store.tables.events import page, verify
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.errors import ConfigurationError

pytestmark = pytest.mark.empty_database
FIRST = Path(__file__).parents[2] / "data" / "first_schema.json"
WAITING = ("pending", "awaiting_second", "approved")
VOID = "void since an upgrade: approvals are bound to the key and the user as well; ask anew"
POLICY = """\
version: 1
rules:
  - {name: refunds, tool: refund, require_approval_above: 500, max_value: 1000, max_per_day: 10}
"""


def make_url(url):
    url = sa.make_url(url)
    return url if url.get_backend_name() == "sqlite" else url.set(drivername="postgresql+psycopg")


def test_the_migrations_make_the_schema(database_url):
    engine = open_database(database_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_the_newest_revision_is_the_last_migration():
    """A database of the one before would be taken for new, and its missing columns would fail every call."""
    assert NEWEST == ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()


def test_a_file_that_was_there_at_the_start_does_not_come_back_empty(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    url = sqlite_url(Path("bighub.db"))
    check_opening(url, patience=5)
    monkeypatch.chdir(tmp_path)  # where the same name is another file
    open_database(url).dispose()
    (tmp_path / "bighub.db").unlink()
    check_opening(url, patience=5)
    (tmp_path / "bighub.db").unlink()
    with pytest.raises(ConfigurationError, match="unable to open"):
        open_database(url)
    assert not (tmp_path / "bighub.db").exists()
    check_opening(url, patience=5)
    open_database(url).dispose()


def test_several_may_open_a_new_database_at_once(database_url):
    failures: list[Exception] = []

    def open_it():
        try:
            open_database(database_url).dispose()
        except Exception as error:  # noqa: BLE001 - the test tells of any
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.fixture
def first_schema(database_url):
    """A database that the first schema's version wrote: decisions, approvals, a rule with versions, reports."""
    engine = sa.create_engine(make_url(database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        begin_writing(connection)
        upgrade(connection, "0001")
        connection.execute(sa.text("DELETE FROM head"))
        tables = sa.MetaData()
        tables.reflect(connection)
        for name, rows in json.loads(FIRST.read_text()).items():
            if rows:
                connection.execute(tables.tables[name].insert(), rows)
        connection.exec_driver_sql("COMMIT")
    engine.dispose()
    return database_url


async def test_a_database_of_the_first_schema_is_brought_up_with_all_it_holds(first_schema, open_plane):
    before = json.loads(FIRST.read_text())
    plane = open_plane(POLICY)
    differences = await plane.read(lambda c: compare_metadata(MigrationContext.configure(c), metadata))
    assert differences == []
    chain = await plane.read(verify)
    assert (chain.seq, chain.digest) == (before["head"][0]["seq"], before["head"][0]["digest"])
    for row in before["approvals"]:
        if row["state"] in WAITING:
            row |= {"expires_at": row["created_at"], "comment": VOID}
    before["head"].append({"id": 3, "seq": 0, "digest": "", "epoch": 0})  # no event was counted yet
    for name, rows in before.items():
        after = await plane.read(lambda c, name=name: c.execute(sa.select(metadata.tables[name])).mappings().all())
        kept = [{column: row[column] for column in rows[0]} for row in after]
        assert sorted(kept, key=str) == sorted(rows, key=str), name
    reports = await plane.read(lambda c: outcomes.find(c, "status", "FAILURE"))
    assert [(report["domain"], report["tool"], report["verdict"]) for report in reports] == [
        ("payments", "refund", "requires_approval")
    ]
    [unknown] = await plane.read(lambda c: outcomes.find(c, "status", "CHURN"))
    assert (unknown["domain"], unknown["decided_at"]) == ("", None)


async def test_what_waits_at_an_upgrade_is_void_and_says_why(first_schema, open_plane, clock):
    """What an approval is bound to has changed, so no call could use it up."""
    before = [row for row in json.loads(FIRST.read_text())["approvals"] if row["state"] in WAITING]
    waiting = [row["id"] for row in before]
    clock.now = max(row["created_at"] for row in before) + 1
    plane = open_plane(POLICY)
    call = ToolCall("c", "function", "refund", {"value": 700.0, "target": None}, value=700)
    context = CallContext(actor="bot", domain="payments", surface="http")
    asked = await plane.decide(call, context)
    assert (asked.judgement.verdict, asked.approval.id in waiting) == ("requires_approval", False)
    refused = await plane.resolve(Resolution("apr_008", "approve", "ann"))
    assert (refused.code, refused.problem) == ("expired", f"the approval has expired: {VOID}")
    assert await plane.expire_due() == len(waiting) > 1
    assert [(await plane.wait(each, timeout=0)).state for each in waiting] == ["expired"] * len(waiting)
    recorded = await plane.read(lambda c: page(c, events.c.type == "approval.expired", limit=len(waiting)))
    assert {event["body"]["comment"] for event in recorded} == {VOID}
    assert not isinstance(await plane.read(verify), ChainBreak)


def test_a_database_of_a_newer_version_is_refused(database_url):
    engine = open_database(database_url)
    with engine.connect() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ConfigurationError, match="newer"):
        open_database(database_url)


@pytest.mark.parametrize(
    "url",
    ["nonsense", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "sqlite:////nowhere/at/all.db", "sqlite:////proc/x"],
)
def test_a_database_that_cannot_be_used_is_a_configuration_error(url):
    with pytest.raises(ConfigurationError, match=r"^database_url( \(.*\))?: "):
        open_database(url)
