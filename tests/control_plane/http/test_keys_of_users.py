"""A user's key (`--user`) is worth what its user is worth now: no own calls, their roles, nothing once disabled."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from litellm_bighub.control_plane.approvals.resolution import said_by
from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.accounts import add_user, change_user, disabled
from litellm_bighub.control_plane.people.roles import AGENT, SCOPES
from litellm_bighub.control_plane.store.tables import approvals, keys
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.wording import ENGLISH
from tests.control_plane.serving import serving

POLICY = """\
version: 1
rules:
  - {name: named, tool: named, effect: require_approval, approvers: ["user:ann", "group:finance"]}
  - {name: twice, tool: twice, effect: require_approval, four_eyes: true}
  - {name: others, tool: "*", effect: require_approval}
"""
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
async def client(plane):
    async with serving(create_app(plane)) as url, httpx.AsyncClient(base_url=url, follow_redirects=True) as client:
        yield client


@pytest.fixture
async def ann(plane):
    made = {"roles": frozenset({"approver"}), "groups": frozenset({"finance"}), "litellm_user": "u_ann"}
    return await add_user(plane, "ann", "", **made, by="test")


@pytest.fixture
async def key(plane, ann):
    """The secret of a key of hers, which was made with all that a person's key can hold."""
    return (await make_key(plane, "anns-script", frozenset(SCOPES) - AGENT, by="the server", lineage=ann.id))[1]


async def ask(plane, tool="refund", user="u_ann"):
    call = ToolCall("c", "function", tool, {"amount": 700})
    return (await plane.decide(call, CallContext("agent", "shop", user=user, surface="http"))).approval.id


async def state(plane, approval_id):
    return (await plane.read(lambda connection: approvals.get(connection, approval_id))).state


async def over_http(client, key, approval_id, answer="approved"):
    body = {"resolution": answer}
    return await client.post(f"/approvals/{approval_id}/resolve", json=body, headers={"X-API-Key": key})


async def in_the_inbox(client, key, approval_id, answer="approved"):
    page = await client.post("/inbox/login", data={"key": key})
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    verdict = "approve" if answer == "approved" else "deny"
    shown = re.search(r'name="shown" value="([^"]+)"', (await client.get(f"/inbox/approvals/{approval_id}")).text)
    data = {"verdict": verdict, "csrf": csrf, "shown": shown[1] if shown else ""}
    return await client.post(f"/inbox/approvals/{approval_id}", data=data)


roads = pytest.mark.parametrize("road", [over_http, in_the_inbox])


@roads
async def test_nobody_approves_a_call_of_their_own_by_a_key_of_theirs(plane, client, key, road):
    own, others = await ask(plane), await ask(plane, user="u_bob")

    refused = await road(client, key, own)
    sentence = ENGLISH.api_refused_own_call if road is over_http else ENGLISH.inbox_refused_own_call
    assert sentence in refused.text
    assert await state(plane, own) == "pending"

    await road(client, key, others)
    assert await state(plane, others) == "approved"


@roads
async def test_they_may_deny_it(plane, client, key, road):
    own = await ask(plane)
    await road(client, key, own, "denied")
    assert await state(plane, own) == "denied"


async def test_who_they_are_counts_as_it_is_now(plane, client, ann, key):
    await change_user(plane, ann.id, lambda user: replace(user, litellm_user="u_new"), by="test")
    own, before = await ask(plane, user="u_new"), await ask(plane, user="u_ann")

    assert (await over_http(client, key, own)).status_code == 403
    assert (await over_http(client, key, before)).status_code == 200


@roads
async def test_a_key_satisfies_no_user_and_no_group(plane, client, key, road):
    approval_id = await ask(plane, "named", user="u_bob")
    await road(client, key, approval_id)
    assert await state(plane, approval_id) == "pending"


async def test_user_and_key_are_one_person_with_four_eyes(plane, client, ann, key):
    approval_id = await ask(plane, "twice", user="u_bob")
    stored = await plane.read(lambda connection: keys.find(connection, key))
    await plane.resolve(said_by(replace(stored.person, name=ann.name), approval_id, "approve"))

    assert (await over_http(client, key, approval_id)).status_code == 403
    assert await state(plane, approval_id) == "awaiting_second"


async def test_a_disabled_users_key_opens_nothing(plane, client, ann, key):
    approval_id = await ask(plane, user="u_bob")
    await client.post("/inbox/login", data={"key": key})
    assert (await client.get("/inbox")).url.path == "/inbox"
    await change_user(plane, ann.id, disabled(plane.clock()), by="test")

    assert (await over_http(client, key, approval_id)).status_code == 401
    assert (await client.get("/inbox")).url.path == "/inbox/login"
    assert (await client.post("/inbox/login", data={"key": key})).url.path == "/inbox/login"
    assert await state(plane, approval_id) == "pending"

    await change_user(plane, ann.id, disabled(None), by="test")
    assert (await over_http(client, key, approval_id)).status_code == 200


async def test_so_does_one_of_a_user_whom_nobody_knows(plane, client):
    _, key = await make_key(plane, "script", frozenset({"approvals:resolve"}), by="the server", lineage="user_gone")
    assert (await over_http(client, key, await ask(plane))).status_code == 401


async def test_a_key_may_no_more_than_the_users_roles(plane, client, ann, key):
    approval_id = await ask(plane, user="u_bob")
    headers = {"X-API-Key": key}
    assert (
        await client.post("/api-keys", json={"label": "x", "scopes": ["audit:read"]}, headers=headers)
    ).status_code == 403
    assert (await client.get("/api-keys/validate", headers=headers)).json()["scopes"] == [
        *("approvals:resolve", "inbox:read", "outcomes:write"),
    ]

    await change_user(plane, ann.id, lambda user: replace(user, roles=frozenset({"viewer"})), by="test")
    assert (await over_http(client, key, approval_id)).status_code == 403
    assert await state(plane, approval_id) == "pending"


async def test_a_key_that_such_a_key_makes_is_bounded_as_well(plane, client, ann, key):
    await change_user(plane, ann.id, lambda user: replace(user, roles=frozenset({"operator"})), by="test")
    body = {"label": "more", "scopes": ["approvals:resolve", "rules:write"]}
    made = (await client.post("/api-keys", json=body, headers={"X-API-Key": key})).json()

    assert made["scopes"] == ["rules:write"]
    assert (await over_http(client, made["key"], await ask(plane, user="u_bob"))).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(disabled(1.0), id="disabled"),
        pytest.param(lambda user: replace(user, roles=frozenset({"viewer"})), id="no approver any more"),
        pytest.param(lambda user: replace(user, litellm_user="u_bob"), id="whose call it is"),
    ],
)
async def test_what_changes_after_the_key_was_read_counts_for_its_answer(plane, ann, key, change):
    approval_id = await ask(plane, user="u_bob")
    read = await plane.read(lambda connection: keys.find(connection, key))
    await change_user(plane, ann.id, change, by="test")

    refused = await plane.resolve(said_by(read.person, approval_id, "approve"))
    assert refused.code in {"not_approver", "own_call"}
    assert await state(plane, approval_id) == "pending"
