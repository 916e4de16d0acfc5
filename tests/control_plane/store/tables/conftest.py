from __future__ import annotations

import pytest

from litellm_bighub.control_plane.store.database import open_database


@pytest.fixture
def connection(database_url):
    """A connection to an empty database of each kind. Each statement is committed."""
    engine = open_database(database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
