"""Webhooks are told by a process that only decides, as a gateway's workers do."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from functools import partial

import pytest
import yaml
from fastapi import FastAPI, Request

from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.maintenance.decider_maintenance import due_work, maintain
from litellm_bighub.control_plane.store.tables import webhooks as hooks
from litellm_bighub.domain.call import CallContext, ToolCall
from tests.control_plane.conftest import Clock
from tests.control_plane.serving import serving

POLICY = {
    "version": 1,
    "rules": [{"name": "refunds", "tool": "refund", "effect": "require_approval", "approval_ttl_seconds": 60}],
}
CALL = ToolCall(id="c", type="function", name="refund", arguments={"order": "A-17", "password": "canary-secret"})
SOON = 30


class Receiver:
    """A webhook's other end."""

    def __init__(self):
        self.app = FastAPI()
        self.told = asyncio.Queue()
        self.app.post("/hook")(self._hook)

    async def _hook(self, request: Request):
        self.told.put_nowait(json.loads(await request.body()))

    async def next(self):
        return await asyncio.wait_for(self.told.get(), SOON)


@pytest.fixture
async def receiver():
    receiver = Receiver()
    async with serving(receiver.app) as receiver.url:
        yield receiver


@pytest.fixture
async def deciding(tmp_path, database_url):
    """Makes deciders on one database, each as a process of its own would be."""
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(POLICY))
    async with AsyncExitStack() as stack:

        def make(clock, on_pending=lambda _: None):
            maintenance = partial(maintain, on_pending=on_pending, interval_seconds=0.01)
            made = EmbeddedDecider.from_policy_file(
                path, database_url=database_url, clock=clock, maintenance=maintenance
            )
            stack.push_async_callback(made.aclose)
            return made

        yield make


async def webhook(decider, receiver, now, **body):
    fields = {"label": "", "events": [], "timeout_seconds": 5, "max_retries": 0, "retry_delay_seconds": 1, **body}
    plane = await decider.plane()
    await plane.write(
        lambda transaction: hooks.insert(
            transaction.connection, url=f"{receiver.url}/hook", secret="s", body=fields, now=now
        )
    )


async def test_a_pending_approval_is_told_to_slack(deciding, receiver):
    clock = Clock()
    decider = deciding(clock)
    await webhook(decider, receiver, clock.now, format="slack", inbox_url="https://bighub.example/inbox")

    decision = await decider.decide(CALL, CallContext())

    message = await receiver.next()
    assert decision.approval_id in message["text"]
    assert f"https://bighub.example/inbox#{decision.approval_id}" in json.dumps(message)
    assert "A-17" in json.dumps(message)
    assert "canary-secret" not in json.dumps(message)


async def test_of_two_processes_one_delivers(deciding, receiver):
    clock = Clock()
    first, second = deciding(clock), deciding(clock)
    await webhook(first, receiver, clock.now, events=["approval.created"])
    await second.plane()

    ids = {(await first.decide(CALL, CallContext(actor=str(number)))).approval_id for number in range(5)}

    told = [(await receiver.next())["data"]["subject"] for _ in range(5)]
    plane = await first.plane()
    deliveries = await plane.read(lambda connection: hooks.deliveries_of(connection, 1, 100))
    assert set(told) == ids
    assert len(deliveries) == 5
    assert receiver.told.empty()


async def test_pending_approvals_are_counted_and_their_expiry_is_told(deciding, receiver):
    clock, counted = Clock(), asyncio.Queue()
    decider = deciding(clock, counted.put_nowait)
    await webhook(decider, receiver, clock.now, events=["approval.expired"])
    await decider.decide(CALL, CallContext())
    while await asyncio.wait_for(counted.get(), SOON) != 1:
        pass

    clock.now += 61

    assert (await receiver.next())["event_type"] == "approval.expired"
    while await asyncio.wait_for(counted.get(), SOON) != 0:
        pass


async def test_without_webhooks_there_is_nothing_to_write(deciding):
    clock = Clock()
    decider = deciding(clock)
    await decider.decide(CALL, CallContext())
    plane = await decider.plane()

    waiting = await plane.read(lambda connection: due_work(connection, clock.now))

    assert (waiting.pending, waiting.expired, waiting.deliver) == (1, False, False)
