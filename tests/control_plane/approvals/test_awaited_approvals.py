"""Many who wait for approvals at the same time."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Engine, event

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.domain.call import CallContext, ToolCall

POLICY = "version: 1\nrules:\n  - {name: payments, tool: pay, effect: require_approval, approval_ttl_seconds: 60}\n"
WAITERS = 60
PATIENCE = 60.0
IMPATIENCE = 10.0


async def ask(plane, number: int) -> str:
    outcome = await plane.decide(ToolCall("c", "function", "pay", {"number": number}), CallContext())
    return outcome.approval.id


@pytest.fixture
def queries():
    """The queries for approvals, from here on."""
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_more):
        if "FROM approvals" in statement:
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


async def waiting(plane, ids, timeout=PATIENCE):
    """Tasks that wait for the approvals, each of which has looked."""
    tasks = [asyncio.ensure_future(plane.wait(approval_id, timeout=timeout)) for approval_id in ids]
    for _ in range(10):
        await plane.read(lambda _connection: None)
        await asyncio.sleep(0.05)
    assert not any(task.done() for task in tasks)
    return tasks


async def test_each_hears_of_its_own_answer(open_plane):
    plane, desk = open_plane(POLICY), open_plane(POLICY)
    ids = [await ask(plane, number) for number in range(WAITERS)]
    tasks = await waiting(plane, [*ids, ids[0]])
    for number, approval_id in enumerate(ids):
        await desk.resolve(Resolution(approval_id, "approve" if number % 2 else "deny", by="ann"))

    answers = await asyncio.gather(*tasks)

    assert [answer.id for answer in answers] == [*ids, ids[0]]
    assert [answer.state for answer in answers] == ["denied", "approved"] * (WAITERS // 2) + ["denied"]


async def test_what_changes_costs_no_query_for_each_who_waits(open_plane, queries):
    plane, other = open_plane(POLICY), open_plane(POLICY)
    ids = [await ask(plane, number) for number in range(WAITERS)]
    tasks = await waiting(plane, ids)
    queries.clear()
    for _ in range(10):
        await other.write(lambda transaction: transaction.append(AuditEvent(1.0, "test", "x", {})))
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert 0 < len(queries) < WAITERS


async def test_an_expiry_that_nobody_tells_of_is_noticed(open_plane, clock):
    plane = open_plane(POLICY)
    tasks = await waiting(plane, [await ask(plane, 1), await ask(plane, 2)])
    clock.now += 61

    answers = await asyncio.gather(*tasks)

    assert [answer.state_at(clock.now) for answer in answers] == ["expired", "expired"]


async def test_whoever_stops_waiting_leaves_the_others_waiting(open_plane):
    plane = open_plane(POLICY)
    approval_id = await ask(plane, 1)
    leaves, stays = await waiting(plane, [approval_id, approval_id])
    leaves.cancel()
    await asyncio.gather(leaves, return_exceptions=True)
    await plane.resolve(Resolution(approval_id, "approve", by="ann"))

    assert (await stays).state == "approved"


async def test_whoever_comes_after_all_have_left_hears_too(open_plane):
    plane = open_plane(POLICY)
    [first] = await waiting(plane, [await ask(plane, 1)])
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    approval_id = await ask(plane, 2)
    [second] = await waiting(plane, [approval_id])
    await plane.resolve(Resolution(approval_id, "deny", by="ann"))

    assert (await second).state == "denied"


async def test_a_database_that_fails_tells_all_who_wait(open_plane):
    plane = open_plane(POLICY)
    tasks = await waiting(plane, [await ask(plane, 1), await ask(plane, 2)], IMPATIENCE)
    await plane.write(
        lambda transaction: transaction.connection.exec_driver_sql("ALTER TABLE approvals RENAME TO gone")
    )

    with pytest.raises(Exception, match="approvals"):
        await tasks[0]
    with pytest.raises(Exception, match="approvals"):
        await tasks[1]
