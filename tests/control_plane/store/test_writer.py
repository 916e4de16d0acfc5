"""The writer outlives what happens to its connection."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from litellm_bighub.control_plane.decisions.embedded_decider import decision
from litellm_bighub.control_plane.store.chain import AuditEvent, ChainBreak
from litellm_bighub.control_plane.store.tables.decided_calls import joined
from litellm_bighub.control_plane.store.tables.events import verify
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decided_call import released
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
    assert (await plane.read(verify)).seq == 2


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
    assert (await plane.read(verify)).seq == 1


@on_sqlite
async def test_a_database_that_fails_is_told_as_unavailable(open_plane):
    plane = open_plane("version: 1\n")

    def locked(_):
        raise sqlite3.OperationalError("database is locked")

    with pytest.raises(DecisionUnavailable):
        await plane.write(locked)
    await plane.write(entry("after"))
    assert (await plane.read(verify)).seq == 1


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
    assert (await plane.read(verify)).seq == 1 + used_before


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
    assert (await plane.read(verify)).seq >= 1


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
    assert (await plane.read(verify)).seq == 2


@on_sqlite
async def test_the_log_of_brief_writes_is_moved_to_the_file(open_plane, database_url):
    plane = open_plane("version: 1\n")
    for _ in range(1_500):
        await plane.write(entry("x" * 1_000), brief=True)
    await plane.write(entry("in the thread"))  # behind what it still has to move

    assert log_size(database_url) < 8_000_000
    assert (await plane.read(verify)).seq == 1_501


@on_sqlite
async def test_the_log_stays_small_when_several_event_loops_write_briefly(open_plane, database_url):
    plane = open_plane("version: 1\n")

    async def write():
        for _ in range(400):
            await plane.write(entry("x" * 1_000), brief=True)

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, write()) for _ in range(4)))

    assert log_size(database_url) < 12_000_000
    assert (await plane.read(verify)).seq == 1_600


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
    assert (await plane.read(verify)).seq == 1


async def test_brief_writes_and_others_keep_one_chain(open_plane):
    plane, other = open_plane("version: 1\n"), open_plane("version: 1\n")
    writes = [
        each.write(entry(f"{number}"), brief=brief)
        for number in range(50)
        for each in (plane, other)
        for brief in (True, False)
    ]
    await asyncio.gather(*writes)
    assert (await plane.read(verify)).seq == 200


@on_sqlite
@pytest.mark.parametrize(("number", "transactions"), [(1, {1}), (10, {1, 2}), (600, set(range(2, 600)))])
async def test_brief_writes_of_one_moment_are_committed_together(open_plane, number, transactions):
    plane = open_plane("version: 1\n")
    await plane.write(entry("before"))
    seen = []

    def job(transaction):
        seen.append(transaction)
        transaction.append(AuditEvent(1.0, "test", "one", {}))

    await asyncio.gather(*(plane.write(job, brief=True) for _ in range(number)))

    assert len({id(each) for each in seen}) in transactions
    assert (await plane.read(verify)).seq == 1 + number


@pytest.mark.parametrize("number", [5, 40])
async def test_of_brief_writes_of_one_moment_those_that_fail_harm_no_other(open_plane, number):
    plane = open_plane("version: 1\n")

    def broken(transaction):
        transaction.append(AuditEvent(1.0, "test", "lost", {}))
        raise KeyError("a bug")

    jobs = [broken if place % 3 == 1 else entry(f"{place}") for place in range(number)]
    results = await asyncio.gather(*(plane.write(job, brief=True) for job in jobs), return_exceptions=True)

    assert [isinstance(result, KeyError) for result in results] == [job is broken for job in jobs]
    assert (await plane.read(verify)).seq == sum(job is not broken for job in jobs)


async def test_a_brief_write_that_is_given_up_before_its_turn_is_not_committed(open_plane):
    plane = open_plane("version: 1\n")
    first, second, third = (asyncio.ensure_future(plane.write(entry(name), brief=True)) for name in "abc")
    asyncio.get_running_loop().call_soon(second.cancel)  # before the end of the turn that the first one begins
    await asyncio.gather(first, third)

    with pytest.raises(asyncio.CancelledError):
        await second
    assert (await plane.read(verify)).seq in {2, 3}  # the third may have been written with the second, on PostgreSQL


async def test_brief_writes_to_a_plane_that_is_closed_meanwhile_end(open_plane):
    plane = open_plane("version: 1\n")
    writes = [asyncio.ensure_future(plane.write(entry(f"{number}"), brief=True)) for number in range(3)]
    asyncio.get_running_loop().call_soon(plane.close)

    results = await asyncio.gather(*writes, return_exceptions=True)

    assert all(result is None or isinstance(result, DecisionUnavailable) for result in results)


async def test_of_a_thousand_calls_at_once_each_is_judged_counted_and_remembered_once(open_plane):
    plane = open_plane("version: 1\nrules:\n  - {name: r, max_per_day: 100}\n")
    context = CallContext(response_id="resp_1", of_answer=True)

    def broken(_):
        raise KeyError("a bug")

    async def one(number):
        if number % 10 == 3:
            with pytest.raises(KeyError):
                await plane.write(broken, brief=True)
            return None
        return await plane.decide(ToolCall(f"c{number}", "function", "pay"), context, remember=True)

    outcomes = [outcome for outcome in await asyncio.gather(*map(one, range(1000))) if outcome is not None]
    allowed = {outcome.decision_id for outcome in outcomes if outcome.judgement.verdict == "allowed"}
    recorded = await plane.read(
        lambda connection: set(
            connection.execute(text("SELECT subject FROM events WHERE verdict = 'allowed'")).scalars()
        )
    )
    remembered = await plane.read(
        lambda connection: connection.execute(text("SELECT count(*), count(DISTINCT call_id) FROM decided_calls")).one()
    )
    counted = await plane.read(lambda connection: connection.execute(text("SELECT today FROM usage")).scalar())

    assert len(outcomes) == 900
    assert recorded == allowed
    assert len(allowed) == counted == 100
    assert tuple(remembered) == (100, 100)
    assert not isinstance(await plane.read(verify), ChainBreak)


async def test_a_job_sees_the_calls_that_were_remembered_before_it_in_its_transaction(open_plane):
    plane = open_plane("version: 1\ndefault: allow\n")
    call = released(ToolCall("c1", "function", "pay"), CallContext(response_id="resp_1"), 1.0)

    def job(transaction):
        transaction.remember([call])
        return joined(transaction.connection, "resp_1", "resp_2")

    assert await plane.write(job) is True
