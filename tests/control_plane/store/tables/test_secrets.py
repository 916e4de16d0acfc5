"""A secret is made once, and every process has the same."""

from __future__ import annotations

from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.control_plane.store.tables.secrets import STATE_KEY, secret_of


def test_every_process_has_the_same_secret(connection, database_url):
    secret = secret_of(connection, STATE_KEY)
    engine = open_database(database_url)
    with engine.connect() as other:
        assert secret_of(other, STATE_KEY) == secret
    engine.dispose()
    assert len(secret) == 32


def test_each_name_has_a_secret_of_its_own(connection):
    assert secret_of(connection, STATE_KEY) != secret_of(connection, "another")
