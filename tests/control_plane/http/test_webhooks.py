"""A webhook is told what happens after it was added, or switched on again, whatever clocks say."""

from __future__ import annotations

import json

import httpx
import pytest

from litellm_bighub.control_plane.channels.webhook_delivery import Deliverer
from litellm_bighub.control_plane.store.chain import AuditEvent
from tests.control_plane.http.asking import Clients

HOOK = {"url": "https://ops.test/hook"}


class Told:
    """The events that a webhook's other end was told."""

    def __init__(self):
        self.subjects = []

    async def answer(self, request):
        self.subjects.append(json.loads(await request.aread())["data"]["subject"])
        return httpx.Response(200)


@pytest.fixture
def plane(open_plane):
    return open_plane("version: 1\n")


@pytest.fixture
async def operator(plane):
    """Asks an app that delivers nothing by itself."""
    return await Clients(plane).person()


@pytest.fixture
async def deliver(plane):
    """Delivers what is due, and says what was told."""

    async def deliver_():
        told = Told()
        async with httpx.AsyncClient(transport=httpx.MockTransport(told.answer)) as client:
            while await Deliverer(plane, client).step():
                pass
        return told.subjects

    return deliver_


async def happen(plane, subject, seconds=0.0):
    now = plane.clock() + seconds
    await plane.write(lambda transaction: transaction.append(AuditEvent(now, "rule.created", subject, {})))


async def test_what_happened_before_it_was_added_is_not_told(plane, operator, deliver):
    await happen(plane, "before")
    await operator.ask("POST", "/webhooks", json=HOOK)
    await happen(plane, "after")
    assert await deliver() == ["after"]


async def test_a_process_whose_clock_lags_is_heard(plane, operator, deliver):
    await happen(plane, "before, of a clock that is ahead", 60)
    await operator.ask("POST", "/webhooks", json=HOOK)
    await happen(plane, "after, of a clock that lags", -60)
    assert await deliver() == ["after, of a clock that lags"]


async def test_what_happened_while_it_was_off_is_not_told(plane, operator, deliver):
    made = await operator.ask("POST", "/webhooks", json=HOOK)
    await happen(plane, "on")
    assert await deliver() == ["on"]

    at = f"/webhooks/{made['webhook_id']}"
    await operator.ask("PATCH", at, json={"is_active": False})
    await happen(plane, "off")
    assert (await operator.ask("PATCH", at, json={"is_active": True}))["is_active"]
    await happen(plane, "on again")
    await operator.ask("PATCH", at, json={"label": "a change that switches nothing"})
    assert await deliver() == ["on again"]
