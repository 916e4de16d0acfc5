"""The writer outlives what happens to its connection."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import text

from litellm_bighub.control_plane.store.chain import Entry
from litellm_bighub.control_plane.store.events import verify
from litellm_bighub.errors import DecisionUnavailable

HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)
on_postgres = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def entry(subject):
    return lambda transaction: transaction.append(Entry(1.0, "test", subject, {}))


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
        transaction.append(Entry(1.0, "test", "lost", {}))

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
