from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import open_database, sqlite_url
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
def postgres_socket():
    found = postgres.binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with postgres.cluster(found) as socket:
        yield socket


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "bighub.db")
        return
    socket = request.getfixturevalue("postgres_socket")
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"postgresql://postgres@/postgres?host={socket}", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"postgresql://postgres@/{name}?host={socket}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_plane(database_url, clock):
    """Opens control planes on the same database, as several processes would."""
    opened: list[ControlPlane] = []

    def open_(policy: str, *, clock: Callable[[], float] = clock) -> ControlPlane:
        source = PolicySource(parse_policy(policy, "bighub_policy.yaml"))
        plane = ControlPlane(open_database(database_url), source, redact=Redactor().redact, clock=clock)
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
