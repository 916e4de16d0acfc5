"""Both agents before the scripted provider."""

from __future__ import annotations

import os

import anyio.from_thread
import pytest

from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from tests.agent.harness import Driver

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # LiteLLM would fetch its price list at import


@pytest.fixture(params=["sync", "async"])
def driver(request, upstream):
    """A sync agent's driver, then an async one's."""
    driver = Driver(request.param, upstream.base_url)
    yield driver
    driver.close()


@pytest.fixture
def model(upstream):
    """Say what the model answers, turn by turn; the last answer stays."""

    def script(*answers):
        upstream.script(lambda _: True, *answers)
        return upstream

    return script


@pytest.fixture
def loop():
    """A thread with an event loop, for what is async in a sync test."""
    with anyio.from_thread.start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def policy(request, tmp_path):
    """A policy file with the `POLICY` of the test's module."""
    path = tmp_path / "bighub_policy.yaml"
    path.write_text(request.module.POLICY)
    return path


@pytest.fixture
def plane(policy):
    """Another process's view of the database beside the policy."""
    plane = ControlPlane.open(sqlite_url(policy.parent / "bighub.db"), policy)
    yield plane
    plane.close()
