"""`/metrics` of the served control plane."""

from __future__ import annotations

import httpx
import pytest

from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.roles import AGENT
from litellm_bighub.domain.call import CallContext, ToolCall
from tests.control_plane.serving import serving

POLICY = """
version: 1
rules:
  - {name: lookups, tool: "lookup*", effect: allow}
  - {name: refunds, tool: refund, effect: require_approval}
"""


@pytest.fixture
async def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
async def scrape(plane):
    """Asks for the metrics as Prometheus does."""
    async with serving(create_app(plane)) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:

        async def ask(secret):
            return await client.get("/metrics", headers={"Authorization": f"Bearer {secret}"} if secret else {})

        yield ask


async def decide(plane, *tools):
    for number, tool in enumerate(tools):
        arguments = {"number": number, "canary": "canary-argument"}
        await plane.decide(ToolCall(id="c", type="function", name=tool, arguments=arguments), CallContext(actor="ann"))


async def test_it_tells_of_all_processes_by_tool_and_verdict(plane, scrape):
    _, secret = await make_key(plane, "prometheus", frozenset({"audit:read"}), by="test")
    await decide(plane, "lookup_a", "lookup_a", "wipe", "refund")

    told = (await scrape(secret)).text

    for line in (
        'litellm_bighub_recorded_decisions{tool="lookup_a",verdict="allowed"} 2.0',
        'litellm_bighub_recorded_decisions{tool="wipe",verdict="blocked"} 1.0',
        "litellm_bighub_approvals_waiting 1.0",
        "litellm_bighub_kill_switches 0.0",
    ):
        assert line in told
    assert "canary" not in told
    assert "ann" not in told


async def test_tools_beyond_the_limit_are_one_series(plane, scrape):
    _, secret = await make_key(plane, "prometheus", frozenset({"audit:read"}), by="test")
    await decide(plane, *(f"made_up_{number}" for number in range(103)))

    told = (await scrape(secret)).text

    assert told.count("litellm_bighub_recorded_decisions{") == 101
    assert 'litellm_bighub_recorded_decisions{tool="other",verdict="blocked"} 3.0' in told


async def test_nobody_scrapes_without_a_key_that_may_read(plane, scrape):
    _, agents = await make_key(plane, "agent", AGENT, by="test")

    assert [(await scrape(secret)).status_code for secret in (None, "bhk_wrong", agents)] == [401, 401, 403]
