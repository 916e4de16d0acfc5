"""For whom, from where and how often a key may be used, and whose it is."""

from __future__ import annotations

import asyncio
import inspect
import logging

import pytest
from bighub import AsyncBighubClient
from fastapi.routing import APIRoute

from litellm_bighub.control_plane.http import auth
from litellm_bighub.control_plane.http.api_keys import rotate_key
from litellm_bighub.control_plane.http.app import ROUTERS
from litellm_bighub.control_plane.people.roles import AGENT
from litellm_bighub.control_plane.store.tables import keys
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation import fact
from tests.control_plane.http.asking import Clients, both
from tests.control_plane.serving import serving

POLICY = """\
version: 1
rules:
  - {name: refunds, tool: refund, require_approval_above: 500}
  - {name: careful, tool: careful, effect: require_approval, four_eyes: true}
"""
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _make(person, **fields):
    return await person.ask("POST", "/api-keys", json={"label": "robot", "scopes": ["actions:validate"], **fields})


# Actors

A = {"actor": "a"}
LIMITED = {
    "POST /actions/evaluate": {"json": {"action": "refund", **A}},
    "POST /actions/submit": {"json": {"action": "refund", **A}},
    "POST /actions/submit/v2": {"json": {"action": "refund", **A}},
    "POST /actions/submit/dry-run": {"json": {"action": "refund", **A}},
    "POST /actions/evaluate/batch": {"json": {"actions": [{"action": "refund", **A}], "actor": "b"}},
    "POST /actions/live/connect": {"json": A},
    "POST /actions/live/heartbeat": {"json": {"connection_id": "{connection}"}},
    "POST /actions/memory/ingest": {"json": {"events": [{"event_id": "e2", **A}], "actor": "b"}},
    "GET /actions/memory/context": {"params": A},
    "POST /outcomes/report": {"json": {"status": "SUCCESS", "request_id": "{decision}"}},
    "POST /outcomes/report/batch": {
        "json": {"outcomes": [{"status": "SUCCESS", "request_id": "x", "validation_id": "{decision}"}]}
    },
    "POST /rules/validate": {"json": {"action": "refund", **A}},
    "POST /rules/validate/dry-run": {"json": {"action": "refund", **A}},
}
"""Where a key speaks for an actor."""
HIDDEN = {
    "GET /approvals/{request_id}/state": "/approvals/{waits}/state",
    "GET /actions/validations/{validation_id}/verify": "/actions/validations/{decision}/verify",
    "GET /outcomes/{request_id}": "/outcomes/{decision}",
    "GET /outcomes/{request_id}/timeline": "/outcomes/{decision}/timeline",
    "GET /outcomes/by-validation/{validation_id}": "/outcomes/by-validation/{decision}",
    "GET /outcomes/by-case/{case_id}": "/outcomes/by-case/case",
}
"""Where something of one actor can be named."""
TOLD = "POST /approvals/{request_id}/context"
"""By whoever asked, about a call of theirs that waits."""
LISTS = {"GET /approvals", "GET /outcomes/pending/list", "GET /actions/memory/context"}
OF_NO_ACTOR = {
    "GET /actions/status",
    "POST /actions/live/disconnect",  # of the key's own session
    "POST /actions/memory/refresh-aggregates",
    "GET /rules/domains",
    "GET /kill-switch/status",
    "GET /outcomes/taxonomy",
    "GET /webhooks/events/list",
    "POST /webhooks/verify-signature",
    "GET /api-keys/scopes",
    "GET /api-keys/validate",
    "POST /api-keys/{key_id}/rotate",  # the key itself
}


def reached_by_agents():
    """The operations whose key may be an agent's."""
    asking = {
        dependency.__metadata__[0].dependency for dependency in (auth.Anybody, auth.Asker, auth.Reporter, auth.Waiting)
    }
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and asking & {each.call for each in route.dependant.dependencies}:
                yield from (f"{method} {route.path}" for method in route.methods)


def test_every_operation_that_an_agents_key_reaches_knows_its_actor():
    assert set(reached_by_agents()) == {*LIMITED, *HIDDEN, TOLD, *LISTS, *OF_NO_ACTOR}


def test_no_operation_is_without_a_key():
    keyless = [
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        and not any(
            "key" in inspect.signature(each.call).parameters
            or each.call is auth.authenticate
            or each.call is auth.read_waiting
            for each in route.dependant.dependencies
        )
    ]
    assert keyless == []


@only_sqlite
async def test_a_key_acts_for_its_own_actor_alone(open_plane):
    clients = Clients(open_plane(POLICY))
    a, b = await clients.agent("of a", actor="a"), await clients.agent("of b", actor="b*")
    person = await clients.person()
    decision = (await a.evaluate(action="refund", value=1, **A))["request_id"]
    waits = (await a.evaluate(action="refund", value=700, **A))["request_id"]
    await a.ask(
        "POST",
        "/outcomes/report",
        json={"status": "SUCCESS", "request_id": decision, "case_id": "case", "validation_id": decision},
    )
    await a.evaluate(action="refund", value=2, **A)
    await a.ask("POST", "/actions/memory/ingest", json={"events": [{"event_id": "e1"}]})
    b_id = next(key["key_id"] for key in (await person.ask("GET", "/api-keys"))["keys"] if key["label"] == "of b")
    await person.ask("PATCH", f"/api-keys/{b_id}", json={"actor": "*"})
    connection = (await b.ask("POST", "/actions/live/connect", json=A))["connection_id"]
    await person.ask("PATCH", f"/api-keys/{b_id}", json={"actor": "b*"})

    def filled(value):
        if isinstance(value, dict):
            return {name: filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return value.replace("{decision}", decision).replace("{waits}", waits).replace("{connection}", connection)

    for operation, request in LIMITED.items():
        refused = await b.ask(*operation.split(" "), 403, **filled(request))
        assert refused["detail"]["code"] == "another_actor", operation
        assert "'a'" in refused["detail"]["message"]
        assert b.secret[:10] in refused["detail"]["message"]
    for path in HIDDEN.values():
        await b.ask("GET", filled(path), 404)
        await a.ask("GET", filled(path))
        await person.ask("GET", filled(path))
    why = {"description": "pays money back"}
    await b.ask("POST", f"/approvals/{waits}/context", 404, json=why)
    assert (await a.ask("POST", f"/approvals/{waits}/context", json=why))["kept"]
    assert await b.ask("GET", "/approvals") == []
    assert (await b.ask("GET", "/outcomes/pending/list"))["pending"] == []
    assert (await b.ask("GET", "/actions/memory/context"))["total_events"] == 0
    assert [one["request_id"] for one in await a.ask("GET", "/approvals")] == [waits]
    assert len((await a.ask("GET", "/outcomes/pending/list"))["pending"]) == 1
    assert (await a.ask("GET", "/actions/memory/context"))["total_events"] == 1
    await person.approve(waits)
    await b.evaluate(403, action="refund", value=700, **A)
    assert (await a.evaluate(action="refund", value=700, **A))["allowed"]


@only_sqlite
async def test_pending_outcomes_of_one_actor_among_many(open_plane):
    clients = Clients(open_plane("version: 1\ndefault: allow\n"))
    b = await clients.agent(actor="b")
    for actor in ["b"] * 3 + ["a"] * 520:
        await clients.plane.decide(ToolCall("c", "function", "x"), CallContext(actor=actor))
    found = (await b.ask("GET", "/outcomes/pending/list", params={"limit": 2}))["pending"]
    assert [one["actor"] for one in found] == ["b", "b"]


@only_sqlite
@pytest.mark.parametrize(
    ("pattern", "actor", "may"),
    [
        ("bot", "bot", True),
        ("bot", "Bot", False),
        ("bot", "bot2", False),
        ("billing-*", "billing-x", True),
        ("billing-*", "xbilling-x", False),
        ("*", "anybody", True),
        ("key:?", "key:1", True),
        ("AI_AGENT", None, True),
        ("bot", None, False),
    ],
)
async def test_an_actor_is_a_pattern(open_plane, pattern, actor, may):
    clients = Clients(open_plane(POLICY))
    person = await clients.person()
    robot = clients.of((await _make(person, actor=pattern))["key"])
    await robot.evaluate(200 if may else 403, action="refund", **({} if actor is None else {"actor": actor}))


WHO = """\
version: 1
rules:
  - {name: admins, tool: wipe, team: admin}
  - {name: no claims, tool: other, end_user: eva, effect: block}
"""
IDENTITY = [{"team": "admin"}, {"user": "u"}, {"key": "k" * 64}, {"key_alias": "k"}]


@only_sqlite
@pytest.mark.parametrize("identity", IDENTITY, ids=lambda identity: next(iter(identity)))
@pytest.mark.parametrize(
    ("pattern", "actor", "may"),
    [
        (None, "a", True),
        ("*", "a", True),
        ("key:*", "key:billing", True),
        ("billing", "billing", False),
        ("billing-*", "billing-1", False),
        ("key:billing", "key:billing", False),
    ],
)
async def test_only_a_gateways_key_says_whom_authentication_named(open_plane, pattern, actor, may, identity):
    """An agent's own key would make itself somebody else's."""
    clients = Clients(open_plane(WHO))
    person = await clients.person()
    robot = clients.of((await _make(person, **({"actor": pattern} if pattern else {})))["key"])
    asked = {"action": "wipe", "actor": actor, "context": {"gateway": identity}}
    told = await robot.evaluate(200 if may else 403, **asked)
    await robot.ask("POST", "/actions/submit/dry-run", 200 if may else 403, json=asked)
    await robot.ask("POST", "/actions/evaluate/batch", 200 if may else 403, json={"actions": [asked]})
    if may:
        assert told["allowed"] is ("team" in identity)
    else:
        assert told["detail"]["code"] == "another_caller"
    claimed = await robot.evaluate(action="wipe", actor=actor, context={"team": "admin", "caller": {"team": "admin"}})
    assert claimed["allowed"] is False


SEQUENCE = """\
version: 1
rules: [{name: refunds, tool: refund, after: {tool: verify, same: customer}}]
"""


@only_sqlite
@pytest.mark.parametrize(("pattern", "may"), [("*", True), ("key:*", True), ("billing", False), ("key:a", False)])
async def test_only_a_gateways_key_says_what_came_before(open_plane, pattern, may):
    """An agent would say of itself that it has verified somebody, and need not know what it is asked for."""
    clients = Clients(open_plane(SEQUENCE))
    person = await clients.person()
    robot = clients.of((await _make(person, actor=pattern))["key"])
    status = await robot.ask("GET", "/actions/status")
    assert status.get("history", {}).get("compared") == ([["customer"]] if may else None)
    actor = "key:a" if pattern.startswith("key:") else "billing"
    verified = {"arguments": {"customer": 1}, "gateway": {"history": told_of({"customer": 1})}}
    asked = await robot.evaluate(200 if may else 403, action="refund", actor=actor, context=verified)
    assert asked.get("allowed") is (True if may else None)
    other = {"arguments": {"customer": 2}, "gateway": {"history": told_of({"customer": 1})}}
    asked = await robot.evaluate(200 if may else 403, action="refund", actor=actor, context=other)
    assert asked.get("allowed") is (False if may else None)
    unknown = await robot.evaluate(action="refund", actor=actor, context={"arguments": {"customer": 1}})
    assert unknown["allowed"] is False


def told_of(verified):
    """A history in which the result of `verify` came back."""
    facts = fact.of_call("verify", verified, [fact.FollowedCall(("verify",), ("customer",))])
    return fact.text_of({fact.RETURNED + each: 1.0 for each in facts})


@only_sqlite
async def test_a_rule_that_is_added_allows_nothing_for_an_end_user(open_plane):
    clients = Clients(open_plane(WHO))
    person = await clients.person()
    refused = await person.ask("POST", "/rules", 422, json={"name": "r", "end_user": "ann"})
    assert "trusted_end_user" in refused["detail"]["message"]
    rule = await person.ask("POST", "/rules", json={"name": "r", "end_user": "ann", "effect": "block"})
    await person.ask("PATCH", f"/rules/{rule['rule_id']}", 422, json={"effect": "allow"})


@only_sqlite
async def test_a_key_without_an_actor_is_told_of_until_it_has_one(open_plane, caplog):
    clients = Clients(open_plane(POLICY))
    person = await clients.person()
    made = await _make(person)
    assert "any actor" in made["warnings"][0]
    robot = clients.of(made["key"])
    with caplog.at_level(logging.WARNING, "litellm_bighub"):
        for actor in ("a", "b"):
            assert (await robot.evaluate(action="refund", value=1, actor=actor))["allowed"]
    [line] = [record.getMessage() for record in caplog.records if made["key_id"] in record.getMessage()]
    assert "any actor" in line
    assert made["key"] not in line
    changed = await person.ask("PATCH", f"/api-keys/{made['key_id']}", json={"actor": "a"})
    assert (changed["actor"], changed["warnings"]) == ("a", [])
    await robot.evaluate(403, action="refund", actor="b")
    listed = {key["label"]: key for key in (await person.ask("GET", "/api-keys"))["keys"]}
    assert (listed["robot"]["actor"], listed["ann"]["warnings"]) == ("a", [])
    [event] = (await person.ask("GET", "/events", params={"event_type": "api_key.changed"}))["events"]
    assert (event["before"]["actor"], event["after"]["actor"], event["by"]) == (None, "a", "ann")
    for nobody in (None, ""):
        await person.ask("PATCH", f"/api-keys/{made['key_id']}", 422, json={"actor": nobody})


@only_sqlite
async def test_only_an_agent_has_an_actor(open_plane):
    clients = Clients(open_plane(POLICY))
    person = await clients.person()
    await _make_refused(person, scopes=["audit:read"], actor="a")
    [ann] = (await person.ask("GET", "/api-keys"))["keys"]
    await person.ask("PATCH", f"/api-keys/{ann['key_id']}", 422, json={"actor": "a"})
    await person.ask("PATCH", "/api-keys/key_x", 404, json={"actor": "a"})


async def _make_refused(person, **fields):
    await person.ask("POST", "/api-keys", 422, json={"label": "x", "scopes": ["actions:validate"], **fields})


# Addresses


@only_sqlite
@pytest.mark.parametrize(
    ("allowed", "address", "may"),
    [
        (["10.0.0.1"], "10.0.0.1", True),
        (["10.0.0.1"], "10.0.0.2", False),
        (["10.0.0.0/8", "192.168.1.1"], "192.168.1.1", True),
        (["10.0.0.5/8"], "10.255.0.1", True),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", True),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["2001:db8::/32"], "10.0.0.1", False),
        (["10.0.0.0/8"], "testclient", False),
        ([], "10.0.0.1", True),
    ],
)
async def test_a_key_is_used_from_its_addresses_alone(open_plane, allowed, address, may):
    clients = Clients(open_plane(POLICY))
    person = await clients.person()
    made = await _make(person, ip_whitelist=allowed, actor="*")
    robot = clients.of(made["key"], address)
    forwarded = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Real-IP": "10.0.0.1"}
    answer = await robot.ask("GET", "/actions/status", 200 if may else 403, headers=forwarded)
    assert may or answer["detail"]["code"] == "address_not_allowed"


@only_sqlite
async def test_the_inbox_opens_from_a_keys_addresses_alone(open_plane):
    clients = Clients(open_plane(POLICY))
    person = await clients.person()
    made = await _make(person, scopes=["approvals:resolve"], ip_whitelist=["10.0.0.1"])
    near, far = clients.of(made["key"], "10.0.0.1").http, clients.of(made["key"], "10.0.0.2").http
    assert (await far.post("/inbox/login", data={"key": made["key"]})).status_code == 401
    assert (await near.post("/inbox/login", data={"key": made["key"]})).status_code == 303
    assert (await near.get("/inbox")).status_code == 200
    far.cookies.set("bighub_session", near.cookies["bighub_session"])
    assert (await far.get("/inbox")).status_code == 303


@only_sqlite
@pytest.mark.parametrize("addresses", ["10.0.0.1", ["here"], ["10.0.0.0/33"], [""], [1], ["10.0.0.1 "] * 101])
async def test_an_address_that_is_none_is_refused(open_plane, addresses):
    clients = Clients(open_plane(POLICY))
    await _make_refused(await clients.person(), ip_whitelist=addresses)


# How often


async def test_a_rate_holds_over_all_processes(open_plane, clock):
    one, two = Clients(open_plane(POLICY)), Clients(open_plane(POLICY))
    person = await one.person()
    made = await _make(person, rate_limit_per_minute=5, actor="*")
    robots = (one.of(made["key"]), two.of(made["key"]))
    for number in range(5):
        await robots[number % 2].ask("GET", "/actions/status")
    response = await robots[1].http.get("/actions/status")
    assert (response.status_code, response.headers["retry-after"]) == (429, "60")
    assert response.json()["detail"]["code"] == "rate_limited"
    await person.ask("GET", "/actions/status")
    clock.now += 59
    assert (await robots[0].http.get("/actions/status")).headers["retry-after"] == "1"
    clock.now += 1
    for number in range(5):
        await robots[number % 2].ask("GET", "/actions/status")
    await robots[0].ask("GET", "/actions/status", 429)
    await person.ask("PATCH", f"/api-keys/{made['key_id']}", json={"rate_limit_per_minute": None})
    await robots[0].ask("GET", "/actions/status")


@only_sqlite
async def test_clocks_that_differ_do_not_give_a_rate_twice(open_plane, clock):
    class Behind:
        def __call__(self):
            return clock.now - 2

    one, two = Clients(open_plane(POLICY)), Clients(open_plane(POLICY, clock=Behind()))
    made = await _make(await one.person(), rate_limit_per_minute=10, actor="*")
    robots = (one.of(made["key"]), two.of(made["key"]))
    clock.now += 60 - clock.now % 60 + 1
    statuses = [(await robots[number % 2].http.get("/actions/status")).status_code for number in range(20)]
    assert statuses.count(200) == 10


@only_sqlite
async def test_a_key_that_was_rotated_has_the_same_bounds(open_plane):
    clients = Clients(open_plane(POLICY))
    person = await clients.person()
    made = await _make(person, rate_limit_per_minute=3, actor="a", ip_whitelist=["127.0.0.1"])
    robot = clients.of(made["key"])
    await robot.evaluate(action="refund", value=1, actor="a")
    rotated = await robot.ask("POST", f"/api-keys/{made['key_id']}/rotate")
    same = ("label", "scopes", "actor", "ip_whitelist", "rate_limit_per_minute", "person")
    assert {name: rotated[name] for name in same} == {name: made[name] for name in same}
    await robot.ask("GET", "/actions/status", 401)
    robot = clients.of(rotated["key"])
    await robot.evaluate(403, action="refund", actor="b")
    await robot.ask("GET", "/actions/status", 429)


async def test_bounds_that_are_set_at_once_all_hold(open_plane):
    one, other = Clients(open_plane(POLICY)), Clients(open_plane(POLICY))
    person = await one.person()
    made = await _make(person, actor="a")
    set_at_once = [{"ip_whitelist": ["127.0.0.1/32"]}, {"rate_limit_per_minute": 3}, {"actor": "b"}]
    await asyncio.gather(
        *(
            clients.of(person.secret).ask("PATCH", f"/api-keys/{made['key_id']}", json=fields)
            for fields, clients in zip(set_at_once, [one, other, one], strict=True)
        )
    )
    shown = await one.of(made["key"]).ask("GET", "/api-keys/validate")
    assert [{name: shown[name] for name in fields} for fields in set_at_once] == set_at_once


@only_sqlite
async def test_a_bound_that_is_set_while_a_key_rotates_holds(open_plane):
    clients = Clients(open_plane(POLICY))
    person = await clients.person()
    made = await _make(person, actor="a")
    read_before = await clients.plane.read(lambda connection: keys.get(connection, made["key_id"]))
    await person.ask("PATCH", f"/api-keys/{made['key_id']}", json={"ip_whitelist": ["10.0.0.1"]})
    _, secret = await rotate_key(clients.plane, read_before, by="test")
    await clients.of(secret).ask("GET", "/actions/status", 403)


@only_sqlite
@pytest.mark.parametrize("rate", [0, -1, "many", 1.5, 10**7])
async def test_a_rate_that_is_none_is_refused(open_plane, rate):
    clients = Clients(open_plane(POLICY))
    await _make_refused(await clients.person(), rate_limit_per_minute=rate)


# Whose


async def test_who_makes_keys_is_one_person_with_all_of_them(open_plane):
    clients = Clients(open_plane(POLICY))
    agent, admin = await clients.agent(actor="*"), await clients.person("admin")
    asked = (await agent.evaluate(action="careful"))["request_id"]
    made = await _make(admin, label="bob", scopes=["approvals:resolve", "keys:write"])
    bob = clients.of(made["key"])
    deeper = await _make(bob, label="carol", scopes=["approvals:resolve"])
    rotated = await bob.ask("POST", f"/api-keys/{made['key_id']}/rotate")
    assert (await admin.approve(asked))["status"] == "awaiting_second"
    for secret in (deeper["key"], rotated["key"], admin.secret):
        refused = await clients.of(secret).approve(asked, 403)
        assert refused["detail"]["code"] == "same_person"
    zoe = await clients.person("admin")  # made on the server; what it is called says nothing
    assert (await zoe.approve(asked))["status"] == "approved"
    assert (await agent.evaluate(action="careful"))["allowed"]


async def test_a_rotated_key_is_given_to_its_holder_only(open_plane):
    clients = Clients(open_plane(POLICY))
    admin, ann = await clients.person("admin"), await clients.person("ann", frozenset({"approvals:resolve"}))
    keys = {key["label"]: key["key_id"] for key in (await admin.ask("GET", "/api-keys"))["keys"]}
    refused = await admin.ask("POST", f"/api-keys/{keys['ann']}/rotate", 403)
    assert refused["detail"]["code"] == "not_the_holder"
    await ann.ask("GET", "/approvals")
    rotated = await ann.ask("POST", f"/api-keys/{keys['ann']}/rotate")
    assert rotated["person"] == keys["ann"]
    await ann.ask("GET", "/approvals", 401)
    await admin.ask("DELETE", f"/api-keys/{rotated['key_id']}", json={"reason": "she left"})
    [event] = (await admin.ask("GET", "/events", params={"event_type": "api_key.revoked", "limit": 1}))["events"]
    assert (event["by"], event["reason"]) == ("admin", "she left")


async def test_a_rotated_key_is_no_second_person(open_plane):
    clients = Clients(open_plane(POLICY))
    agent, ann = await clients.agent(actor="*"), await clients.person("ann")
    asked = (await agent.evaluate(action="careful"))["request_id"]
    await ann.approve(asked)
    ann_id = (await ann.ask("GET", "/api-keys/validate"))["key_id"]
    rotated = await ann.ask("POST", f"/api-keys/{ann_id}/rotate")
    await clients.of(rotated["key"]).approve(asked, 403)


# Agents and approvals


async def test_the_sdk_requests_a_review_with_an_agents_key(open_plane):
    clients = Clients(open_plane(POLICY))
    person = await clients.person()
    for actor in (None, "bot"):
        made = await _make(person, **({} if actor is None else {"actor": actor}))
        async with (
            serving(clients.app) as url,
            AsyncBighubClient(base_url=url, api_key=made["key"], max_retries=0) as sdk,
        ):
            decision = await sdk.decisions.evaluate(action="refund", value=700, actor="bot")
            review = await decision.request_review(reason="please look")
        assert (review["request_id"], review["status"], review["actor"]) == (decision.request_id, "pending", "bot")
        assert review["review_context"]["reason"] == "please look"


@only_sqlite
async def test_an_agent_sees_what_is_pending_and_resolves_nothing(open_plane):
    async with both(open_plane(POLICY)) as (agent, person):
        asked = (await agent.evaluate(action="refund", value=700, context={"note": "private"}))["request_id"]
        [waiting] = await agent.ask("GET", "/approvals")
        assert waiting["request_id"] == asked
        assert "private" not in str(waiting)
        for status in ("approved", "denied", "rejected", "expired", "consumed", "all"):
            await agent.ask("GET", "/approvals", 403, params={"status": status})
        await agent.ask("GET", f"/approvals/{asked}", 403)
        await agent.approve(asked, 403)
        await person.approve(asked)
        assert await agent.ask("GET", "/approvals") == []


def test_an_agents_key_holds_one_scope():
    assert frozenset({"actions:validate"}) == AGENT
