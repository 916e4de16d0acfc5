"""A database that hangs, is away or was deleted: decisions are given up in time, and waiting goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.decisions.database_ledger import DatabaseLedger
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import check_opening, open_database, sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.events import verify
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decided_call import Search, released
from litellm_bighub.domain.decision import Allow, Block, RequireApproval
from litellm_bighub.errors import ConfigurationError, DecisionError, DecisionUnavailable
from tests.control_plane import postgres

POLICY = """\
version: 1
default: allow
rules:
  - {name: payments, tool: pay, effect: require_approval}
"""
CALL = ToolCall("c1", "function", "look_up", {"order": 1})
PAYMENT = ToolCall("c2", "function", "pay", {"order": 1})
DEADLINE = 1.5
LONGEST = 20.0
"""A busy machine is slow; what is mended took 45 s, or never ended."""


@contextmanager
def stopped_server(socket):
    """PostgreSQL, stopped as by a machine that has no time for it."""
    postmaster = int((socket / "data" / "postmaster.pid").read_text().split()[0])
    children = [int(pid) for pid in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()]
    processes = [postmaster, *children]
    _signal(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(processes, signal.SIGCONT)


def _signal(processes, number):
    """A server of a connection that was just closed may have ended by itself."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


@contextmanager
def locked_tables(url):
    """Another session that holds the tables which every decision needs."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "LOCK TABLE alembic_version, head, events, approvals, decided_calls IN ACCESS EXCLUSIVE MODE"
        )
        yield
        connection.rollback()


@contextmanager
def locked_file(url):
    """Another process that writes, and does not end."""
    with closing(sqlite3.connect(make_url(url).database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@pytest.fixture(
    params=[
        "file",
        pytest.param("tables", marks=pytest.mark.postgres),
        pytest.param("server", marks=pytest.mark.postgres),
    ]
)
def hanging(request, tmp_path):
    """A database and what makes it hang."""
    if request.param == "file":
        url = sqlite_url(tmp_path / "bighub.db")
        yield url, lambda: locked_file(url)
        return
    found = postgres.binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with postgres.cluster(found) as socket:
        url = f"postgresql://postgres@/postgres?host={socket}"
        yield url, (lambda: locked_tables(url)) if request.param == "tables" else (lambda: stopped_server(socket))


@pytest.fixture
def decider_at(policy_file):
    """Makes deciders of the policy."""
    return lambda url: EmbeddedDecider.from_policy_file(policy_file(POLICY), database_url=url, patience=DEADLINE)


@pytest.mark.parametrize("fail_mode", ["closed", "open"])
async def test_a_database_that_hangs_is_given_up_in_time(hanging, decider_at, fail_mode):
    url, hangs = hanging
    decider = decider_at(url)
    hook = ToolDecisions(decider, fail_mode=fail_mode, ledger=DatabaseLedger(decider.plane), deadline_seconds=DEADLINE)
    await decider.plane()
    await hook.decide([CALL], CallContext())
    with hangs():
        started = time.monotonic()
        [decision] = await hook.decide([CALL], CallContext())
        assert time.monotonic() - started < LONGEST
        if fail_mode == "open":
            assert isinstance(decision, Allow)
            assert decision.degraded
        else:
            assert isinstance(decision, Block)
            assert decision.cause == "unreachable"
        started = time.monotonic()
        with pytest.raises(DecisionUnavailable):
            await hook.ledger.write([released(CALL, CallContext(), 1.0)])
        assert time.monotonic() - started < LONGEST
    [again] = await hook.decide([CALL], CallContext())
    assert isinstance(again, Allow)
    assert not again.degraded
    assert await hook.ledger.find(Search(call_ids={"c1"}, actor="AI_AGENT")) == []
    await hook.aclose()


async def test_queries_on_a_server_that_hangs_end_too(hanging, decider_at):
    """They run in threads, which would be left behind."""
    url, hangs = hanging
    if "sqlite" in url:
        pytest.skip("readers wait for no writer there")
    plane = await decider_at(url).plane()
    await plane.read(lambda connection: approvals.get(connection, "apr_1"))
    with hangs():
        started = time.monotonic()
        with pytest.raises(SQLAlchemyError):
            await plane.read(lambda connection: approvals.get(connection, "apr_1"))
        assert time.monotonic() - started < LONGEST
    assert await plane.read(lambda connection: approvals.get(connection, "apr_1")) is None
    await plane.aclose()


async def test_a_decision_that_nobody_received_uses_no_approval_up(hanging, decider_at):
    url, hangs = hanging
    decider = decider_at(url)
    hook = ToolDecisions(decider, deadline_seconds=DEADLINE)
    plane = await decider.plane()  # its migrations may take longer than a decision may
    [asked] = await hook.decide([PAYMENT], CallContext())
    await plane.resolve(Resolution(asked.approval_id, "approve", by="ann"))
    with hangs():
        [decision] = await hook.decide([PAYMENT], CallContext())
        assert isinstance(decision, Block)
    [decision] = await hook.decide([PAYMENT], CallContext())
    assert isinstance(decision, Allow)
    assert decision.reason == "approved by ann"
    await hook.aclose()


async def test_a_call_that_waits_is_released_after_the_database_was_away(hanging, decider_at):
    url, hangs = hanging
    decider, desk = decider_at(url), decider_at(url)
    hook = ToolDecisions(decider, deadline_seconds=DEADLINE)
    await decider.plane()
    await hook.decide([CALL], CallContext())
    waiting = asyncio.ensure_future(hook.decide([PAYMENT], CallContext(), wait_seconds=120))
    approval_id = await _pending(await desk.plane())
    with hangs():
        done, _ = await asyncio.wait({waiting}, timeout=2 * DEADLINE + 1)
        assert not done
    resolved = await (await desk.plane()).resolve(Resolution(approval_id, "approve", by="ann"))
    assert resolved.state == "approved"
    [decision] = await waiting
    assert isinstance(decision, Allow)
    [other] = await hook.decide([PAYMENT], CallContext())
    assert isinstance(other, RequireApproval)
    await hook.aclose()
    await desk.aclose()


@pytest.mark.postgres
async def test_a_call_that_waits_is_released_after_the_server_was_started_again(decider_at):
    found = postgres.binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with postgres.restartable(found) as server:
        decider, desk = decider_at(server.url), decider_at(server.url)
        hook = ToolDecisions(decider, deadline_seconds=DEADLINE)
        await decider.plane()
        waiting = asyncio.ensure_future(hook.decide([PAYMENT], CallContext(), wait_seconds=120))
        approval_id = await _pending(await desk.plane())
        await asyncio.to_thread(server.stop)
        done, _ = await asyncio.wait({waiting}, timeout=3)
        assert not done
        await asyncio.to_thread(server.start)
        await (await desk.plane()).resolve(Resolution(approval_id, "approve", by="ann"))
        [decision] = await waiting
        assert isinstance(decision, Allow)
        assert decision.reason == "approved by ann"
        await hook.aclose()
        await desk.aclose()


async def _pending(plane: ControlPlane) -> str:
    while True:
        with plane.signals.watch() as changed:
            found = await plane.read(
                lambda connection: approvals.listed(connection, now=plane.clock(), state="pending")
            )
            if found:
                return found[0].id
            await changed(1.0)


def test_a_database_that_hangs_stops_the_start_in_time(hanging):
    url, hangs = hanging
    if url.startswith("postgresql"):
        open_database(url).dispose()  # its tables can be locked only when they are there
    with hangs():
        started = time.monotonic()
        with pytest.raises(ConfigurationError, match=r"^database_url \(.*\): cannot be opened: "):
            check_opening(url, patience=DEADLINE)
        assert time.monotonic() - started < LONGEST


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param(
            "postgresql://ann:s3cret-word@127.0.0.1:1/bighub", "ann:***@127.0.0.1:1/bighub", id="nobody listens"
        ),
        pytest.param("sqlite:////nowhere/at/all.db", "sqlite:////nowhere/at/all.db", id="no folder"),
        pytest.param("sqlite:///{folder}/text.db", "not a database", id="no database"),
        pytest.param("sqlite:///{folder}", "unable to open", id="a folder"),
    ],
)
def test_a_database_that_cannot_be_opened_stops_the_start_with_one_line(tmp_path, url, shown):
    (tmp_path / "text.db").write_text("this is a text and no database " * 100)
    with pytest.raises(ConfigurationError) as raised:
        check_opening(url.format(folder=tmp_path), patience=DEADLINE)
    message = str(raised.value)
    assert message.startswith("database_url (")
    assert "s3cret-word" not in message
    assert "\n" not in message
    assert shown in message


@pytest.mark.parametrize("replace", [False, True], ids=["deleted", "replaced"])
async def test_nothing_is_decided_on_a_file_that_nobody_sees_any_more(tmp_path, decider_at, caplog, replace):
    path, kept = tmp_path / "bighub.db", tmp_path / "kept.db"
    decider = decider_at(sqlite_url(path))
    hook = ToolDecisions(decider, ledger=DatabaseLedger(decider.plane))
    await hook.decide([CALL], CallContext())
    os.link(path, kept)
    if replace:
        shutil.copy(path, tmp_path / "copy.db")
        (tmp_path / "copy.db").rename(path)
    else:
        path.unlink()

    for _ in range(2):
        [decision] = await hook.decide([CALL], CallContext())
        assert isinstance(decision, Block)
        assert decision.cause == "unreachable"
    with pytest.raises(DecisionUnavailable):
        await hook.ledger.find(Search(call_ids={"c1"}, actor="AI_AGENT"))
    with pytest.raises(DecisionUnavailable):
        await hook.ledger.write([released(CALL, CallContext(), 1.0)])
    assert [record.levelname for record in caplog.records if "was deleted or replaced" in record.message].count(
        "ERROR"
    ) == 1

    kept.rename(path)
    ends = time.monotonic() + 30
    while not isinstance(decision, Allow) and time.monotonic() < ends:  # a busy machine may not make it in the deadline
        [decision] = await hook.decide([CALL], CallContext())
    assert isinstance(decision, Allow)
    assert (await (await decider.plane()).read(verify)).seq > 0
    await hook.aclose()


async def test_a_new_database_can_be_read_by_its_owner_alone(tmp_path, decider_at):
    decider = decider_at(sqlite_url(tmp_path / "bighub.db"))
    await decider.decide(CALL, CallContext())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("bighub.db*")}
    assert modes == {"bighub.db": 0o600, "bighub.db-wal": 0o600, "bighub.db-shm": 0o600}
    await decider.aclose()


async def test_a_database_that_others_can_read_is_told_of_and_left_alone(tmp_path, decider_at, caplog):
    path = tmp_path / "bighub.db"
    open_database(sqlite_url(path)).dispose()
    path.chmod(0o640)
    decider = decider_at(sqlite_url(path))
    await decider.decide(CALL, CallContext())
    assert "can be read or written by other users" in caplog.text
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    await decider.aclose()


async def test_what_nobody_waits_for_any_more_is_not_committed(tmp_path, decider_at):
    """Of a batch with somebody who has left the others are committed."""
    url = sqlite_url(tmp_path / "bighub.db")
    decider = decider_at(url)
    plane = await decider.plane()
    with locked_file(url):
        leaves = asyncio.ensure_future(plane.decide(CALL, CallContext(actor="leaves")))
        stays = asyncio.ensure_future(plane.decide(CALL, CallContext(actor="stays")))
        await asyncio.wait({leaves, stays}, timeout=0.3)
        leaves.cancel()
    await stays
    told = await plane.read(
        lambda connection: (
            connection.exec_driver_sql("SELECT actor FROM events WHERE type = 'decision_event.created'").scalars().all()
        )
    )
    assert told == ["stays"]
    await decider.aclose()


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        pytest.param("sqlite:////nowhere/at/all.db", "unreachable", id="no folder"),
        pytest.param("postgresql://postgres@127.0.0.1:1/x", "unreachable", id="nobody listens"),
        pytest.param("sqlite:///{folder}/text.db", "unreadable", id="no database"),
    ],
)
async def test_a_database_that_cannot_be_opened_later_blocks_and_breaks_nothing(tmp_path, decider_at, url, cause):
    """It was an error without a notice, which no `fail_mode` reached."""
    (tmp_path / "text.db").write_text("this is a text and no database " * 100)
    decider = decider_at(url.format(folder=tmp_path))
    hook = ToolDecisions(decider, ledger=DatabaseLedger(decider.plane))
    [decision] = await hook.decide([CALL], CallContext())
    assert isinstance(decision, Block)
    assert decision.cause == cause
    with pytest.raises(DecisionError):
        await hook.ledger.find(Search(call_ids={"c1"}, actor="AI_AGENT"))
    await hook.aclose()
