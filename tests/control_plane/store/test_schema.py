"""The schema and its migrations."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.control_plane.store.schema import metadata
from litellm_bighub.errors import ConfigurationError


def test_the_migrations_make_the_schema(database_url):
    engine = open_database(database_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


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


@pytest.mark.parametrize(
    "url",
    ["nonsense", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "sqlite:////nowhere/at/all.db", "sqlite:////proc/x"],
)
def test_a_database_that_cannot_be_used_is_a_configuration_error(url):
    with pytest.raises(ConfigurationError, match=r"^database_url: "):
        open_database(url)
