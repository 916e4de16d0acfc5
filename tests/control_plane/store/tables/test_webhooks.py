"""Events wait in the database until a webhook has them, or has failed for good."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import bindparam, select

from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import webhooks
from litellm_bighub.control_plane.store.tables.webhooks import Webhook

NOW = 1e9


def body(**fields):
    blank = {"label": "ops", "events": [], "timeout_seconds": 5, "max_retries": 2, "retry_delay_seconds": 10}
    return {**blank, **fields}


def add(connection, now=NOW, **fields):
    return webhooks.insert(connection, url="https://ops.test/hook", secret="s", body=body(**fields), now=now)


def hook(**fields):
    blank = {"id": 1, "url": "", "secret": "", "active": True, "label": "", "events": (), "timeout_seconds": 5}
    tries = {"max_retries": 2, "retry_delay_seconds": 10, "created_at": NOW}
    return Webhook(**{**blank, **tries, **fields})


@pytest.mark.parametrize(
    ("given", "event_type", "wants"),
    [
        pytest.param(hook(), "rule.created", True, id="all"),
        pytest.param(hook(events=("rule.created",)), "rule.created", True, id="a named one"),
        pytest.param(hook(events=("rule.created",)), "approval.created", False, id="another one"),
        pytest.param(hook(format="slack"), "approval.created", True, id="Slack: what waits"),
        pytest.param(hook(format="slack"), "rule.created", False, id="Slack: nothing else"),
        pytest.param(hook(format="slack", events=("rule.created",)), "rule.created", True, id="Slack: a named one"),
        pytest.param(hook(active=False), "rule.created", False, id="switched off"),
    ],
)
def test_which_events_a_webhook_receives(given, event_type, wants):
    assert given.wants(event_type) is wants


def test_a_webhook_is_changed_listed_and_removed(connection):
    made = add(connection, format="slack", inbox_url="https://inbox.test")
    assert webhooks.get(connection, made.id) == made
    assert (made.format, made.inbox_url, made.active, made.label) == ("slack", "https://inbox.test", True, "ops")

    webhooks.change(connection, made.id, url="https://other.test", active=False, body=body(label="off"))
    changed = webhooks.get(connection, made.id)
    assert (changed.url, changed.active, changed.label, changed.secret) == ("https://other.test", False, "off", "s")
    assert webhooks.listed(connection, inactive=False) == []
    assert webhooks.listed(connection, inactive=True) == [changed]

    webhooks.enqueue(connection, made.id, "test", {}, NOW)
    assert webhooks.remove(connection, made.id)
    assert not webhooks.remove(connection, made.id)
    assert webhooks.get(connection, made.id) is None
    assert webhooks.deliveries_of(connection, made.id, 9) == []


async def test_what_happens_is_enqueued_once_for_those_who_want_it(open_plane):
    plane = open_plane("version: 1\n")

    def happen(transaction):
        webhooks.enqueue_new_events(transaction.connection, NOW)
        late = add(transaction.connection, now=NOW + 60)
        all_of_them = add(transaction.connection)
        some = add(transaction.connection, events=["rule.created"])
        for at, type_ in enumerate(("rule.created", "rule.deleted")):
            transaction.append(AuditEvent(NOW + at, type_, "r1", {"by": "ann"}, actor="agent"))
        return late, all_of_them, some

    hooks = await plane.write(happen)
    looked_at = await plane.write(lambda t: webhooks.enqueue_new_events(t.connection, NOW))
    again = await plane.write(lambda t: webhooks.enqueue_new_events(t.connection, NOW))
    assert (looked_at, again) == (2, 0)
    late, everything, some = [
        await plane.read(lambda c, each=each: webhooks.deliveries_of(c, each.id, 9)) for each in hooks
    ]
    assert late == []
    assert [delivery.event_type for delivery in everything] == ["rule.deleted", "rule.created"]
    assert [delivery.event_type for delivery in some] == ["rule.created"]
    data = json.loads(some[0].body)["data"]
    assert (data["type"], data["subject"], data["actor"], data["body"]) == (
        "rule.created",
        "r1",
        "agent",
        {"by": "ann"},
    )
    assert data["event_id"].startswith("evt_")


def test_a_delivery_is_taken_by_one_process_until_its_lease_ends(connection):
    made = add(connection)
    webhooks.enqueue(connection, made.id, "test", {"n": 1}, NOW)

    assert [taken.event_type for taken in webhooks.claim(connection, NOW, 60)] == ["test"]
    assert webhooks.claim(connection, NOW + 59, 60) == []
    assert [taken.attempts for taken in webhooks.claim(connection, NOW + 60, 60)] == [1]


@pytest.mark.parametrize(
    ("status", "error", "attempts", "expected"),
    [
        pytest.param(204, None, 0, ("delivered", NOW), id="delivered"),
        pytest.param(500, None, 0, ("due", None), id="tried again"),
        pytest.param(302, None, 1, ("due", None), id="a redirect is no delivery"),
        pytest.param(None, "ConnectError", 2, ("failed", None), id="failed for good"),
    ],
)
def test_what_came_of_an_attempt(connection, status, error, attempts, expected):
    made = add(connection)
    webhooks.enqueue(connection, made.id, "test", {}, NOW)
    for at in range(attempts):
        (taken,) = webhooks.claim(connection, NOW + 1_000 * at, 1)
    (taken,) = webhooks.claim(connection, NOW + 9_000, 60)

    webhooks.settle(connection, taken, made, status=status, error=error, now=NOW)
    (found,) = webhooks.deliveries_of(connection, made.id, 9)
    assert (found.state, found.delivered_at) == expected
    assert (found.status_code, found.error, found.attempts) == (status, error, attempts + 1)


def test_pauses_grow(connection):
    made = add(connection)
    webhooks.enqueue(connection, made.id, "test", {}, NOW)
    now, pauses = NOW, []
    for _ in range(2):
        (taken,) = webhooks.claim(connection, now, 60)
        webhooks.settle(connection, taken, made, status=500, error=None, now=now)
        (waiting,) = webhooks.deliveries_of(connection, made.id, 9)
        pauses.append(waiting.due_at - now)
        now = waiting.due_at

    assert pauses == [10, 20]


def test_a_delivery_that_failed_can_be_made_again(connection):
    made, other = add(connection, max_retries=0), add(connection)
    number = webhooks.enqueue(connection, made.id, "test", {}, NOW)
    (taken,) = webhooks.claim(connection, NOW, 60)
    webhooks.settle(connection, taken, made, status=500, error=None, now=NOW)
    assert webhooks.claim(connection, NOW + 999, 60) == []

    assert not webhooks.replay(connection, other.id, number, NOW)
    assert webhooks.replay(connection, made.id, number, NOW)
    assert [again.id for again in webhooks.claim(connection, NOW, 60)] == [number]


async def test_there_is_work_while_something_is_due_or_new(open_plane):
    plane = open_plane("version: 1\n")

    async def works(now=NOW):
        query = select(webhooks.has_work(bindparam("now")))
        return bool(await plane.read(lambda connection: connection.execute(query, {"now": now}).scalar()))

    async def catch_up():
        await plane.write(lambda t: webhooks.enqueue_new_events(t.connection, NOW))

    await plane.write(lambda t: t.append(AuditEvent(NOW, "test", "s", {})))
    assert not await works()  # nobody wants it
    made = await plane.write(lambda t: add(t.connection, now=NOW + 1))
    assert await works()
    await catch_up()
    assert not await works()
    await plane.write(lambda t: webhooks.enqueue(t.connection, made.id, "test", {}, NOW + 60))
    assert not await works()
    assert await works(NOW + 60)
