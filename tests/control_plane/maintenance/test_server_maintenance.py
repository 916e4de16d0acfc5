"""A process that serves records expiries, reads a changed policy and delivers webhooks while nobody asks."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from fastapi import FastAPI, Request

from litellm_bighub.control_plane.maintenance.server_maintenance import maintained
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.schema import events
from litellm_bighub.control_plane.store.tables import webhooks
from litellm_bighub.control_plane.store.tables.events import page
from litellm_bighub.domain.call import CallContext, ToolCall
from tests.control_plane.serving import serving

POLICY = "version: 1\nrules: [{name: refunds, tool: refund, effect: require_approval, approval_ttl_seconds: 60}]\n"
SOON = 30


async def ask(plane):
    return (await plane.decide(ToolCall("c", "function", "refund", {"n": 1}), CallContext())).approval.id


async def recorded(plane: ControlPlane, event_type: str, number: int = 1):
    """Wait until the audit tells of it so many times."""

    async def look():
        while True:
            with plane.signals.watch() as changed:
                found = await plane.read(lambda connection: page(connection, events.c.type == event_type))
                if len(found) >= number:
                    return found
                await changed(1.0)

    return await asyncio.wait_for(look(), SOON)


class Logged(logging.Handler):
    """Notices that something is logged."""

    def __init__(self):
        super().__init__()
        self.event = asyncio.Event()
        self.text = ""

    def emit(self, record):
        self.text += record.getMessage()
        self.event.set()


async def test_an_expiry_is_recorded_while_nobody_asks(open_plane, clock):
    plane = open_plane(POLICY)
    approval_id = await ask(plane)
    clock.now += 60

    async with maintained(plane):
        [expired] = await recorded(plane, "approval.expired")
    assert expired["subject"] == approval_id


async def test_a_changed_policy_is_read_while_nobody_asks(database_url, policy_file):
    path = policy_file(POLICY)
    plane = ControlPlane.open(database_url, path)
    async with maintained(plane):
        await recorded(plane, "policy.activated")
        path.write_text(POLICY.replace("60", "120"))
        await recorded(plane, "policy.activated", 2)
    plane.close()


async def test_webhooks_are_told(open_plane, clock):
    plane = open_plane(POLICY)
    received: asyncio.Queue[str] = asyncio.Queue()
    app = FastAPI()

    @app.post("/hook")
    async def hook(request: Request):
        received.put_nowait(json.loads(await request.body())["event_type"])

    async with serving(app) as receiver:
        body = {"label": "", "events": ["approval.created"], "timeout_seconds": 5, "max_retries": 0}
        await plane.write(
            lambda transaction: webhooks.insert(
                transaction.connection,
                url=f"{receiver}/hook",
                secret="s",
                body={**body, "retry_delay_seconds": 1},
                now=clock.now,
            )
        )
        async with maintained(plane):
            await ask(plane)
            assert await asyncio.wait_for(received.get(), SOON) == "approval.created"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_database_that_failed_is_told_and_tried_again(open_plane, clock):
    plane = open_plane(POLICY)
    approval_id = await ask(plane)
    clock.now += 60
    await plane.write(lambda t: t.connection.exec_driver_sql("ALTER TABLE approvals RENAME TO away"))

    logger, logged = logging.getLogger(maintained.__module__), Logged()
    logger.addHandler(logged)
    async with maintained(plane):
        await asyncio.wait_for(logged.event.wait(), SOON)
        logger.removeHandler(logged)
        await plane.write(lambda t: t.connection.exec_driver_sql("ALTER TABLE away RENAME TO approvals"))
        [expired] = await recorded(plane, "approval.expired")
    assert "goes on in 5" in logged.text
    assert expired["subject"] == approval_id


class FailingChannel:
    """A channel whose hearing fails once, with something that is none of our errors."""

    name = "failing"
    routes = ()

    def __init__(self):
        self.heard = 0
        self.hears_again = asyncio.Event()

    async def places(self, *_):
        return []

    async def hear(self):
        self.heard += 1
        if self.heard == 1:
            raise UnicodeEncodeError("utf-8", "what somebody wrote", 0, 1, "no")
        self.hears_again.set()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_job_that_fails_in_any_way_is_told_and_goes_on(open_plane, caplog):
    channel = FailingChannel()
    async with maintained(open_plane(POLICY), [channel]):
        await asyncio.wait_for(channel.hears_again.wait(), SOON)
    assert "goes on in 5.0 seconds: UnicodeEncodeError" in caplog.text
    assert "what somebody wrote" not in caplog.text


async def test_it_ends_with_its_context(open_plane):
    plane = open_plane(POLICY)
    before = asyncio.all_tasks()
    async with maintained(plane):
        assert len(asyncio.all_tasks() - before) == 2
    assert asyncio.all_tasks() == before
