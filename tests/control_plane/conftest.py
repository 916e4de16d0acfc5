from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import open_database, sqlite_url
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.policy.policy_file import parse_policy
from tests.control_plane import postgres

NOON = 1_795_264_200.0  # 2026-11-21T12:30:00Z


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def postgres_databases():
    found = postgres.binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with postgres.cluster(found) as socket:
        yield postgres.Databases(socket)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory):
    """A file with the newest schema and nothing in it."""
    path = tmp_path_factory.mktemp("migrated") / "bighub.db"
    open_database(sqlite_url(path)).dispose()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request, tmp_path):
    """A database of each kind: migrated, since that takes most of a short test, or empty where a test is marked so."""
    is_empty = request.node.get_closest_marker("empty_database") is not None
    if request.param == "sqlite":
        path = tmp_path / "bighub.db"
        if not is_empty:
            shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield sqlite_url(path)
        return
    with request.getfixturevalue("postgres_databases").one(migrated=not is_empty) as url:
        yield url


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_plane(database_url, clock):
    """Opens control planes on the same database, as several processes would."""
    opened: list[ControlPlane] = []

    def open_(policy: str, *, clock: Callable[[], float] = clock, sealing: Sealing | None = None) -> ControlPlane:
        source = PolicySource(parse_policy(policy, "bighub_policy.yaml"))
        plane = ControlPlane(
            open_database(database_url), source, redact=Redactor().redact, clock=clock, sealing=sealing
        )
        opened.append(plane)
        return plane

    yield open_
    for plane in opened:
        plane.close()


@pytest.fixture
def policy_file(tmp_path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "bighub_policy.yaml"
        path.write_text(text)
        return path

    return write
