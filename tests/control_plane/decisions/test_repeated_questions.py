"""The same Idempotency-Key again: judged anew, counted once, and no approval is used twice."""

from __future__ import annotations

import asyncio

import pytest

from tests.control_plane.http.asking import Clients, both

POLICY = """\
version: 1
rules:
  - {name: refunds, tool: refund, require_approval_above: 500, max_value: 1000}
  - {name: mails, tool: send_mail, max_per_day: 2}
  - {name: slow, tool: dig, cooldown_seconds: 60}
"""


async def decisions(person):
    found = await person.ask("GET", "/events", params={"event_type": "decision_event.created"})
    return [event["result"] for event in found["events"]]


async def used(person):
    return (await person.ask("GET", "/events", params={"event_type": "approval.consumed"}))["total"]


@pytest.mark.parametrize("question", [{"action": "send_mail"}, {"action": "dig"}, {"action": "refund", "value": 1}])
async def test_a_plain_allow_is_given_again_and_counted_once(open_plane, question, clock):
    async with both(open_plane(POLICY)) as (agent, person):
        first = await agent.evaluate(repeat="k", **question)
        assert first["allowed"]
        for _ in range(3):
            clock.now += 1
            assert await agent.evaluate(repeat="k", **question) == first
        assert await decisions(person) == ["allowed"]
        if question["action"] == "send_mail":
            assert (await agent.evaluate(repeat="other", **question))["allowed"]
            assert (await agent.evaluate(repeat="third", **question))["blocked_by"] == "max_per_day"
            assert await agent.evaluate(repeat="k", **question) == first
        if question["action"] == "dig":
            assert (await agent.evaluate(repeat="other", **question))["blocked_by"] == "cooldown_seconds"


async def test_one_approval_lets_one_call_run(open_plane):
    question = {"action": "refund", "value": 700}
    async with both(open_plane(POLICY)) as (agent, person):
        asked = await agent.evaluate(**question)
        await person.approve(asked["request_id"])
        assert (await agent.evaluate(repeat="k", **question))["allowed"]
        for _ in range(2):
            again = await agent.evaluate(repeat="k", **question)
            assert (again["allowed"], again["result"], again["blocked_by"]) == (False, "blocked", "used")
            verified = await agent.ask("GET", f"/actions/validations/{again['validation_id']}/verify")
            assert (verified["valid"], verified["allowed"]) == (True, False)
        assert await used(person) == 1


async def test_what_waits_waits_under_one_approval_and_runs_once(open_plane):
    question = {"action": "refund", "value": 700}
    async with both(open_plane(POLICY)) as (agent, person):
        asked = await agent.evaluate(repeat="k", **question)
        assert await agent.evaluate(repeat="k", **question) == asked
        assert await decisions(person) == ["requires_approval"]
        await person.approve(asked["request_id"])
        assert (await agent.evaluate(repeat="k", **question))["allowed"]
        assert (await agent.evaluate(repeat="k", **question))["blocked_by"] == "used"
        assert await used(person) == 1


async def test_an_approval_that_expired_is_asked_for_anew(open_plane, clock):
    question = {"action": "refund", "value": 700}
    async with both(open_plane(POLICY)) as (agent, _):
        asked = await agent.evaluate(repeat="k", **question)
        clock.now += 1000
        again = await agent.evaluate(repeat="k", **question)
        assert (again["result"], again["request_id"] == asked["request_id"]) == ("requires_approval", False)
        assert await agent.evaluate(repeat="k", **question) == again


@pytest.mark.parametrize("question", [{"action": "send_mail"}, {"action": "refund", "value": 700}], ids=str)
async def test_a_kill_switch_holds_for_what_was_allowed_before(open_plane, question):
    async with both(open_plane(POLICY)) as (agent, person):
        if "value" in question:
            await person.approve((await agent.evaluate(**question))["request_id"])
        first = await agent.evaluate(repeat="k", **question)
        assert first["allowed"]
        switch = await person.ask("POST", "/kill-switch/activate", json={"reason": "incident"})
        stopped = await agent.evaluate(repeat="k", **question)
        assert (stopped["allowed"], stopped["blocked_by"]) == (False, "kill_switch")
        await person.ask("POST", f"/kill-switch/deactivate/{switch['switch_id']}", json={})
        again = await agent.evaluate(repeat="k", **question)
        assert again == first if "value" not in question else again["blocked_by"] == "used"


async def test_a_policy_that_says_no_now_is_obeyed(open_plane):
    async with both(open_plane(POLICY)) as (agent, person):
        assert (await agent.evaluate(repeat="k", action="send_mail"))["allowed"]
        rule = {"name": "stop", "tool": "send_mail", "effect": "block", "priority": 1}
        added = await person.ask("POST", "/rules", json=rule)
        assert (await agent.evaluate(repeat="k", action="send_mail"))["blocked_by"] == "effect"
        await person.ask("PATCH", f"/rules/{added['rule_id']}", json={"effect": "require_approval"})
        asked = await agent.evaluate(repeat="k", action="send_mail")
        assert asked["result"] == "requires_approval"
        await person.approve(asked["request_id"])
        assert (await agent.evaluate(repeat="k", action="send_mail"))["allowed"]
        assert (await agent.evaluate(repeat="k", action="send_mail"))["blocked_by"] == "used"


async def test_what_was_blocked_may_be_allowed_later_and_counts_then(open_plane):
    async with both(open_plane(POLICY)) as (agent, person):
        switch = await person.ask("POST", "/kill-switch/activate", json={})
        blocked = await agent.evaluate(repeat="k", action="send_mail")
        assert await agent.evaluate(repeat="k", action="send_mail") == blocked
        assert await decisions(person) == ["blocked"]
        await person.ask("POST", f"/kill-switch/deactivate/{switch['switch_id']}")
        for key in ("k", "k", "l"):
            assert (await agent.evaluate(repeat=key, action="send_mail"))["allowed"]
        assert (await agent.evaluate(repeat="m", action="send_mail"))["blocked_by"] == "max_per_day"


async def test_an_actor_that_the_key_lost_gets_nothing_again(open_plane):
    clients = Clients(open_plane(POLICY))
    agent, person = await clients.agent(actor="bot-*"), await clients.person()
    question = {"action": "send_mail", "actor": "bot-1"}
    assert (await agent.evaluate(repeat="k", **question))["allowed"]
    [key] = [one for one in (await person.ask("GET", "/api-keys"))["keys"] if one["label"] == "agent"]
    await person.ask("PATCH", f"/api-keys/{key['key_id']}", json={"actor": "bot-2"})
    assert (await agent.evaluate(403, repeat="k", **question))["detail"]["code"] == "another_actor"


@pytest.mark.parametrize("change", [{"value": 2}, {"context": {"a": 1}}, {"extra": 1}, {"actor": "bot"}])
async def test_another_question_under_the_same_key_is_refused(open_plane, change):
    async with both(open_plane(POLICY)) as (agent, _):
        await agent.evaluate(repeat="k", action="refund", value=1)
        refused = await agent.evaluate(422, repeat="k", **{"action": "refund", "value": 1, **change})
        assert refused["detail"]["code"] == "idempotency_key_reused"


async def test_a_dry_run_is_no_first_question(open_plane):
    question = {"action": "refund", "value": 700}
    async with both(open_plane(POLICY)) as (agent, person):
        await person.approve((await agent.evaluate(**question))["request_id"])
        assert (await agent.evaluate(repeat="k", **question, dry_run=True))["result"] == "requires_approval"
        assert (await agent.evaluate(repeat="k", **question))["allowed"]


async def test_many_at_once_use_one_approval_once(open_plane):
    """In two processes' control planes, on one database."""
    question = {"action": "refund", "value": 700}
    one, two = Clients(open_plane(POLICY)), Clients(open_plane(POLICY))
    agent, person = await one.agent(actor="*"), await one.person()
    asking = (agent, two.of(agent.secret))
    await person.approve((await agent.evaluate(**question))["request_id"])
    answers = await asyncio.gather(*(asking[n % 2].evaluate(repeat="k", **question) for n in range(12)))
    assert sorted(str(answer["blocked_by"]) for answer in answers) == ["None"] + ["used"] * 11
    assert await used(person) == 1
    mails = await asyncio.gather(*(asking[n % 2].evaluate(repeat="m", action="send_mail") for n in range(12)))
    assert all(answer["allowed"] for answer in mails)
    assert (await agent.evaluate(action="send_mail"))["allowed"]
    assert not (await agent.evaluate(action="send_mail"))["allowed"]


async def test_shadow_mode_says_the_same_again_and_records_it_once(open_plane):
    async with both(open_plane(POLICY.replace("version: 1", "version: 1\nmode: shadow"))) as (agent, person):
        first = await agent.evaluate(repeat="k", action="refund", value=2000)
        assert first["allowed"]
        assert await agent.evaluate(repeat="k", action="refund", value=2000) == first
        assert await decisions(person) == ["blocked"]


@pytest.mark.parametrize(
    "value", ['{"a":' * 300 + "1" + "}" * 300, '"\\ud800"', "1e999", "NaN"], ids=["deep", "half", "infinite", "NaN"]
)
async def test_what_is_not_bound_has_to_be_readable_too(open_plane, value):
    async with both(open_plane(POLICY)) as (agent, _):
        body = f'{{"action": "send_mail", "context": {{"objective": {value}}}}}'
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        await agent.ask("POST", "/actions/evaluate", 422, content=body, headers=headers)
