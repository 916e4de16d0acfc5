"""A delivery is signed, arrives at least once, and waits longer after each failure."""

from __future__ import annotations

import json

import httpx
import pytest

from litellm_bighub.control_plane.channels.webhook_delivery import Deliverer, HeaderNames, sign, verify
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import webhooks
from litellm_bighub.domain.call import CallContext, ToolCall

POLICY = "version: 1\nrules: [{name: refunds, tool: refund, effect: require_approval}]\n"
SECRET = "whsec"


class Receiver(httpx.AsyncBaseTransport):
    """A webhook's other end, which answers as it is told."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    async def handle_async_request(self, request):
        await request.aread()
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer)


async def add(plane, **fields):
    body = {"label": "", "events": ["test"], "timeout_seconds": 5, "max_retries": 2, "retry_delay_seconds": 10}
    return await plane.write(
        lambda transaction: webhooks.insert(
            transaction.connection,
            url="https://ops.test/hook",
            secret=SECRET,
            body={**body, **fields},
            now=plane.clock(),
        )
    )


async def happen(plane):
    await plane.write(lambda transaction: transaction.append(AuditEvent(plane.clock(), "test", "s1", {"n": 1})))


async def delivery(plane, hook):
    [only] = await plane.read(lambda connection: webhooks.deliveries_of(connection, hook.id, 9))
    return only


@pytest.mark.parametrize("names", [HeaderNames(), HeaderNames("X-Sign", "X-Time")], ids=["defaults", "set"])
async def test_an_event_arrives_signed(open_plane, clock, names):
    plane, receiver = open_plane(POLICY), Receiver()
    hook = await add(plane)
    await happen(plane)
    async with httpx.AsyncClient(transport=receiver) as client:
        await Deliverer(plane, client, names).step()

    [request] = receiver.requests
    body, timestamp = request.content.decode(), int(request.headers[names.timestamp])
    told = {"secret": SECRET, "timestamp": timestamp, "body": body, "signature": request.headers[names.signature]}
    assert verify(**told, now=clock.now)
    assert not verify(**{**told, "body": body + " "}, now=clock.now)
    assert not verify(**{**told, "secret": "other"}, now=clock.now)
    assert json.loads(body)["data"]["subject"] == "s1"
    assert (await delivery(plane, hook)).state == "delivered"


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (300, True), (301, False), (-301, False)])
def test_a_signature_is_good_for_five_minutes(seconds, good):
    signature = sign(SECRET, 1_000, "{}")

    assert verify(secret=SECRET, timestamp=1_000, body="{}", signature=signature, now=1_000 + seconds) is good


@pytest.mark.parametrize("failure", [500, 302, httpx.ConnectError("nobody is there"), httpx.ReadTimeout("too slow")])
async def test_a_failed_delivery_is_made_again(open_plane, clock, failure):
    plane, receiver = open_plane(POLICY), Receiver(failure)
    hook = await add(plane)
    await happen(plane)
    async with httpx.AsyncClient(transport=receiver) as client:
        deliverer = Deliverer(plane, client)
        await deliverer.step()
        assert ((await delivery(plane, hook)).state, await deliverer.step()) == ("due", 0)
        clock.now += 10
        assert await deliverer.step() == 1

    assert len(receiver.requests) == 2
    assert receiver.requests[0].content == receiver.requests[1].content
    assert (await delivery(plane, hook)).state == "delivered"


async def test_a_delivery_fails_for_good_after_its_retries(open_plane, clock):
    plane, receiver = open_plane(POLICY), Receiver(*[500] * 9)
    hook = await add(plane, max_retries=1)
    await happen(plane)
    async with httpx.AsyncClient(transport=receiver) as client:
        for _ in range(4):
            await Deliverer(plane, client).step()
            clock.now += 1_000

    failed = await delivery(plane, hook)
    assert (failed.state, failed.attempts, failed.status_code, len(receiver.requests)) == ("failed", 2, 500, 2)


async def test_slack_gets_a_message_about_a_call_that_waits(open_plane):
    plane, receiver = open_plane(POLICY), Receiver()
    await add(plane, events=[], format="slack", inbox_url="https://inbox.test")
    await plane.decide(ToolCall("c", "function", "refund", {"amount": 7}), CallContext(actor="agent"))
    async with httpx.AsyncClient(transport=receiver) as client:
        await Deliverer(plane, client).step()

    [request] = receiver.requests
    assert "refund" in request.content.decode()
    assert "https://inbox.test" in request.content.decode()


async def test_slack_gets_a_line_about_other_events(open_plane):
    plane, receiver = open_plane(POLICY), Receiver()
    await add(plane, format="slack")
    await happen(plane)
    async with httpx.AsyncClient(transport=receiver) as client:
        await Deliverer(plane, client).step()

    [request] = receiver.requests
    assert "s1" in request.content.decode()
