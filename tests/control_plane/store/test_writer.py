"""The writer outlives what happens to its connection."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from litellm_bighub.control_plane.decisions.embedded_decider import decision
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables.events import verify
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block
from litellm_bighub.errors import DecisionUnavailable

HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)
on_postgres = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def log_size(database_url):
    return Path(f"{make_url(database_url).database}-wal").stat().st_size


def entry(subject):
    return lambda transaction: transaction.append(AuditEvent(1.0, "test", subject, {}))


@on_postgres
async def test_a_server_that_hung_up_is_called_again(open_plane):
    plane, other = open_plane("version: 1\n"), open_plane("version: 1\n")
    await plane.write(entry("before"))
    await other.read(lambda connection: connection.execute(text(HANG_UP)))
    await plane.write(entry("after"))
    assert (await plane.read(verify))[0] == 2


@on_postgres
async def test_a_connection_lost_within_a_transaction_is_told_and_replaced(open_plane):
    plane, other = open_plane("version: 1\n"), open_plane("version: 1\n")

    def cut_off(transaction):
        with other._engine.connect() as connection:
            connection.execute(text(HANG_UP))
        transaction.append(AuditEvent(1.0, "test", "lost", {}))

    with pytest.raises(DecisionUnavailable):
        await plane.write(cut_off)
    await plane.write(entry("after"))
    assert (await plane.read(verify))[0] == 1


@on_sqlite
async def test_a_database_that_fails_is_told_as_unavailable(open_plane):
    plane = open_plane("version: 1\n")

    def locked(_):
        raise sqlite3.OperationalError("database is locked")

    with pytest.raises(DecisionUnavailable):
        await plane.write(locked)
    await plane.write(entry("after"))
    assert (await plane.read(verify))[0] == 1


@pytest.mark.parametrize("brief", [False, True])
@pytest.mark.parametrize("used_before", [False, True])
async def test_a_transaction_that_began_by_half_is_no_later_ones(open_plane, used_before, brief):
    """As of a table that somebody holds, or has put away for a moment."""
    plane = open_plane("version: 1\n")
    if used_before:
        await plane.write(entry("before"), brief=brief)
    await plane.read(lambda connection: connection.execute(text("ALTER TABLE head RENAME TO away")))
    for _ in range(3):
        with pytest.raises(DecisionUnavailable):
            await plane.write(entry("lost"), brief=brief)
    await plane.read(lambda connection: connection.execute(text("ALTER TABLE away RENAME TO head")))
    await plane.write(entry("after"), brief=brief)
    assert (await plane.read(verify))[0] == 1 + used_before


@on_postgres
async def test_what_postgresql_cannot_hold_is_refused_and_harms_no_other(open_plane):
    """The call is withheld under `fail_mode: open`, too: whoever names the actor could choose such a name."""
    plane = open_plane("version: 1\ndefault: allow\n")
    decisions = ToolDecisions(EmbeddedPlane(plane), fail_mode="open")
    call = ToolCall("c1", "function", "pay")
    [refused], [allowed] = await asyncio.gather(
        *(decisions.decide([call], CallContext(actor=actor)) for actor in ("ann\0", "ann"))
    )

    assert isinstance(refused, Block)
    assert refused.basis.blocked_by == "refused"
    assert isinstance(allowed, Allow)
    assert (await plane.read(verify))[0] >= 1


class EmbeddedPlane:
    """Decides by an opened control plane."""

    name = "embedded"

    def __init__(self, plane):
        self._plane = plane

    async def decide(self, call, context):
        return decision(await self._plane.decide(call, context))


@on_sqlite
async def test_an_event_loop_is_not_kept_waiting_by_another_writer(open_plane, database_url):
    plane = open_plane("version: 1\n")
    await plane.write(entry("before"), brief=True)
    with closing(sqlite3.connect(make_url(database_url).database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        written = asyncio.ensure_future(plane.write(entry("after"), brief=True))
        started = asyncio.get_running_loop().time()
        await asyncio.sleep(0.3)
        slept = asyncio.get_running_loop().time() - started
        assert not written.done()
        other.execute("COMMIT")
        await written

    assert slept < 2  # SQLite itself would have waited for as long as the other one writes
    assert (await plane.read(verify))[0] == 2


@on_sqlite
async def test_the_log_of_brief_writes_is_moved_to_the_file(open_plane, database_url):
    plane = open_plane("version: 1\n")
    for _ in range(1_500):
        await plane.write(entry("x" * 1_000), brief=True)
    await plane.write(entry("in the thread"))  # behind what it still has to move

    assert log_size(database_url) < 8_000_000
    assert (await plane.read(verify))[0] == 1_501


@on_sqlite
async def test_the_log_stays_small_when_several_event_loops_write_briefly(open_plane, database_url):
    plane = open_plane("version: 1\n")

    async def write():
        for _ in range(400):
            await plane.write(entry("x" * 1_000), brief=True)

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, write()) for _ in range(4)))

    assert log_size(database_url) < 12_000_000
    assert (await plane.read(verify))[0] == 1_600


@on_sqlite
async def test_a_brief_write_that_fails_leaves_nothing_and_the_next_one_works(open_plane):
    plane = open_plane("version: 1\n")

    def broken(transaction):
        transaction.append(AuditEvent(1.0, "test", "lost", {}))
        raise KeyError("a bug")

    def locked(_):
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(KeyError):
        await plane.write(broken, brief=True)
    with pytest.raises(DecisionUnavailable):
        await plane.write(locked, brief=True)
    await plane.write(entry("after"), brief=True)
    assert (await plane.read(verify))[0] == 1


async def test_brief_writes_and_others_keep_one_chain(open_plane):
    plane, other = open_plane("version: 1\n"), open_plane("version: 1\n")
    writes = [
        each.write(entry(f"{number}"), brief=brief)
        for number in range(50)
        for each in (plane, other)
        for brief in (True, False)
    ]
    await asyncio.gather(*writes)
    assert (await plane.read(verify))[0] == 200
