"""A thousand streams through the real proxy that wait for one person."""

from __future__ import annotations

import asyncio
import resource

import httpx
import yaml
from sqlalchemy import text as text_of

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.testing import ScriptedUpstream, function_call, running_proxy, text

STREAMS = 1000
CANARY = "trace-0815"
ASKED = "SELECT count(*) FROM events WHERE type = 'decision_event.created'"
POLICY = "version: 1\nrules:\n  - {name: refunds, tool: refund, effect: require_approval}\n"


def config(upstream):
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"], "default_on": True}
    # A thousand questions at once take one core longer than a decision may usually take; here nobody gives up.
    waits = {"on_approval": "wait", "approval_wait_seconds": 1200, "decision_deadline_seconds": 120}
    model = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-no-key-is-needed"}
    return {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": model}],
        "guardrails": [{"guardrail_name": "bighub", "litellm_params": {**ours, **waits}}],
        "litellm_settings": {"telemetry": False},
    }


async def test_a_thousand_streams_wait_for_one_answer(tmp_path):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8 * STREAMS), most))
    with ScriptedUpstream() as upstream:
        upstream.script("go", [text("Here it comes."), function_call("refund", {"order": CANARY})])
        (tmp_path / "proxy_config.yaml").write_text(yaml.safe_dump(config(upstream)))
        with running_proxy(tmp_path / "proxy_config.yaml") as proxy:
            headers = {"Authorization": f"Bearer {proxy.master_key}"}
            limits = httpx.Limits(max_connections=STREAMS)
            client = httpx.AsyncClient(base_url=proxy.base_url, headers=headers, timeout=600, limits=limits)
            async with client:
                answers = await held_and_denied(client, tmp_path)

    assert len(answers) == STREAMS
    for answer in answers:
        assert "Here it comes." in answer
        assert "was blocked" in answer
        assert "response.completed" in answer
        assert CANARY not in answer


async def held_and_denied(client, folder):
    """What each client got, after every one of its calls had been asked about."""

    async def one():
        body = {"model": "gpt-4.1", "input": "go", "stream": True}
        answer = await client.post("/v1/responses", json=body)
        return answer.text

    streams = [asyncio.ensure_future(one()) for _ in range(STREAMS)]
    denied = asyncio.ensure_future(deny(folder))
    done, _ = await asyncio.wait([denied, *streams], return_when=asyncio.FIRST_COMPLETED)
    assert done == {denied}, [each.result() for each in done]
    denied.result()
    return await asyncio.gather(*streams)


async def deny(folder):
    """The calls are the same, so they share an approval: one no is the answer to all."""
    plane = ControlPlane.open(sqlite_url(folder / "bighub.db"), folder / "bighub_policy.yaml")
    try:
        asked = 0
        while asked < STREAMS:
            with plane.signals.watch() as changed:
                asked = await plane.read(lambda connection: connection.execute(text_of(ASKED)).scalar_one())
                await changed(1.0)
        [approval] = await plane.read(lambda connection: approvals.listed(connection, now=plane.clock()))
        assert isinstance(await plane.resolve(Resolution(approval.id, "deny", by="ann")), approvals.Approval)
    finally:
        plane.close()
