"""The audit finds whatever was done to it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from litellm_bighub.control_plane.store.chain import DECISION, AuditEvent, ChainBreak
from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.control_plane.store.tables.events import decision, digest_of, since_of_type, verify


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


def steps_of(connection, query):
    """What a query gives, and how many hundreds of SQLite's own steps it takes."""
    steps = []
    driver = connection.connection.driver_connection
    driver.set_progress_handler(lambda: steps.append(1), 100)
    try:
        return query(connection), len(steps)
    finally:
        driver.set_progress_handler(None, 100)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (lambda connection: decision(connection, "dec_2999")["seq"], 2999),
        (lambda connection: [one["seq"] for one in since_of_type(connection, DECISION, 2998)], [2998, 2999]),
    ],
    ids=["one decision", "decisions since a time"],
)
async def test_what_is_asked_for_is_found_without_reading_all_before(tmp_path, query, found):
    engine = open_database(f"sqlite:///{tmp_path / 'many.db'}")
    many = (
        "INSERT INTO events WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2999)"
        f" SELECT i, i, '{DECISION}', 'info', 'dec_' || i, '', '', 'tool', 'allowed', '', '{{}}', '', '' FROM n"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(many)
        assert steps_of(connection, query) == (found, pytest.approx(0, abs=5))
    engine.dispose()


async def test_decision_is_found_among_the_other_events_about_it(plane):
    for kind in ("outcome.reported", DECISION, "approval.created"):
        await plane.write(
            lambda transaction, kind=kind: transaction.append(AuditEvent(2.0, kind, "dec_1", {"kind": kind}))
        )
    assert (await plane.read(lambda connection: decision(connection, "dec_1")))["body"] == {"kind": DECISION}
    assert await plane.read(lambda connection: decision(connection, "s1")) is None
