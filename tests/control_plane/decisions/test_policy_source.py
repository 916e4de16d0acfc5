"""The policy file is looked at while the control plane runs."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from litellm_bighub.control_plane.approvals.sealed_arguments import require_keys
from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.redaction import Redactor
from tests.control_plane.conftest import Clock

BLOCKS = "version: 1\n"
ALLOWS = "version: 1\ndefault: allow\n"


@pytest.fixture
def monotonic():
    return Clock(0.0)


@pytest.fixture
def plane(database_url, policy_file, monotonic):
    source = PolicySource.from_file(policy_file(BLOCKS), monotonic=monotonic)
    plane = ControlPlane(open_database(database_url), source, redact=Redactor().redact)
    yield plane
    plane.close()


async def verdict(plane) -> tuple[str, str]:
    judgement = (await plane.decide(ToolCall("c", "function", "x"), CallContext())).judgement
    return judgement.verdict, judgement.policy_version


async def test_a_change_is_in_force_after_half_a_second(plane, policy_file, monotonic):
    before = await verdict(plane)
    policy_file(ALLOWS)
    assert await verdict(plane) == before
    monotonic.now += 0.5
    after = await verdict(plane)
    assert (before[0], after[0]) == ("blocked", "allowed")
    assert before[1] != after[1]


async def test_an_invalid_change_is_refused_logged_and_recorded(plane, policy_file, monotonic, caplog):
    before = await verdict(plane)
    policy_file("version: 1\ndefault: perhaps\n")
    monotonic.now += 0.5
    with caplog.at_level(logging.ERROR):
        assert await verdict(plane) == before
    assert "bighub_policy.yaml:2: default" in caplog.text
    refused = await plane.read(lambda connection: events.page(connection, table.c.type == "policy.refused"))
    assert [event["body"]["key"] for event in refused] == ["bighub_policy.yaml:2"]
    policy_file(ALLOWS)
    monotonic.now += 0.5
    assert (await verdict(plane))[0] == "allowed"


async def test_a_removed_file_is_an_invalid_change(plane, policy_file, monotonic, caplog):
    before = await verdict(plane)
    policy_file(BLOCKS).unlink()
    monotonic.now += 0.5
    assert await verdict(plane) == before
    assert "cannot be read" in caplog.text


async def test_every_version_is_kept(plane, policy_file, monotonic):
    await verdict(plane)
    policy_file(ALLOWS)
    monotonic.now += 0.5
    version = (await verdict(plane))[1]
    activated = await plane.read(lambda connection: events.page(connection, table.c.type == "policy.activated"))
    assert activated[0]["subject"] == version
    assert len(activated) == 2


async def test_a_change_that_needs_a_key_is_refused_without_one(database_url, policy_file, monotonic, caplog):
    """As at the start: nothing could be sealed. The old policy stays."""
    source = PolicySource.from_file(policy_file(ALLOWS), monotonic=monotonic, check=partial(require_keys, None))
    plane = ControlPlane(open_database(database_url), source, redact=Redactor().redact)
    policy_file("version: 1\ntools: {pay: {visible_to: group:payments}}\n")
    monotonic.now += 0.5
    assert (await verdict(plane))[0] == "allowed"
    assert "tools.pay.visible_to: needs a key in the environment variable LITELLM_BIGHUB_SEALING_KEYS" in caplog.text
    plane.close()
