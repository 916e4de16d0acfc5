"""The audit finds whatever was done to it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from litellm_bighub.control_plane.store.chain import AuditEvent, ChainBreak
from litellm_bighub.control_plane.store.tables.events import digest_of, verify


@pytest.fixture
async def plane(open_plane):
    plane = open_plane("version: 1\n")
    for n in range(5):
        await plane.write(
            lambda transaction, n=n: transaction.append(AuditEvent(1.5 + n, "test", f"s{n}", {"n": n, "t": "ä\0"}))
        )
    return plane


async def test_an_untouched_chain_holds(plane):
    chain = await plane.read(verify)
    assert (chain.count, chain.seq) == (5, 5)
    assert len(chain.digest) == 64


async def test_the_events_after_one_are_followed_alone(plane):
    third = await plane.read(lambda connection: digest_of(connection, 3))
    changed = text("UPDATE events SET body = '[]' WHERE seq = 2")
    await plane.write(lambda transaction: transaction.connection.execute(changed))

    after_it = await plane.read(lambda connection: verify(connection, (3, third)))
    after_another = await plane.read(lambda connection: verify(connection, (3, "0" * 64)))

    assert (after_it.count, after_it.seq) == (2, 5)
    assert after_another == ChainBreak(4, "it does not follow the event before it")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param(
            "UPDATE events SET body = '[]' WHERE seq = 3", ChainBreak(3, "its content was changed"), id="body"
        ),
        pytest.param(
            "UPDATE events SET actor = 'x' WHERE seq = 2", ChainBreak(2, "its content was changed"), id="actor"
        ),
        pytest.param("UPDATE events SET time = 7 WHERE seq = 1", ChainBreak(1, "its content was changed"), id="time"),
        pytest.param("DELETE FROM events WHERE seq = 3", ChainBreak(3, "the event is missing"), id="removed"),
        pytest.param("DELETE FROM events WHERE seq = 1", ChainBreak(1, "the event is missing"), id="first removed"),
        pytest.param(
            "DELETE FROM events WHERE seq > 3", ChainBreak(4, "the end of the chain is missing"), id="truncated"
        ),
        pytest.param("DELETE FROM events", ChainBreak(1, "the end of the chain is missing"), id="emptied"),
    ],
)
async def test_what_was_changed_removed_or_cut_off_is_found(plane, statement, expected):
    await plane.write(lambda transaction: transaction.connection.execute(text(statement)))
    assert await plane.read(verify) == expected


async def test_a_failing_job_takes_nothing_with_it(plane):
    def fails(transaction):
        transaction.append(AuditEvent(9.0, "test", "bad", {}))
        raise LookupError

    futures = [
        plane._writer.submit(job) for job in (lambda t: t.append(AuditEvent(9.0, "test", "good", {})), fails) * 3
    ]
    results = [future.exception() for future in futures]
    assert [type(result) for result in results] == [type(None), LookupError] * 3
    assert (await plane.read(verify)).seq == 8
