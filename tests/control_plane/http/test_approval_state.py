"""An agent asks for the state of its approvals, and waits for it."""

from __future__ import annotations

import asyncio

import pytest

from tests.control_plane.http.asking import Clients

POLICY = "version: 1\nrules: [{name: refunds, tool: refund, effect: require_approval, approval_ttl_seconds: 900}]\n"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def clients(open_plane):
    clients = Clients(open_plane(POLICY))
    return await clients.agent("of a", actor="a"), await clients.agent("of b", actor="b"), await clients.person()


async def test_who_waits_hears_when_a_person_has_answered(clients):
    agent, _, person = clients
    waits = (await agent.evaluate(action="refund", actor="a"))["request_id"]
    first = await agent.ask("GET", f"/approvals/{waits}/state")
    assert (first["status"], first["is_over"], first["told_agent"]) == ("pending", False, None)

    waiting = asyncio.create_task(agent.ask("GET", f"/approvals/{waits}/state", params={"wait_seconds": 60}))
    await person.ask(
        "POST",
        f"/approvals/{waits}/resolve",
        json={"resolution": "denied", "comment": "secret", "tell_agent": "not today"},
    )
    answered = await waiting
    assert (answered["status"], answered["is_over"], answered["told_agent"]) == ("denied", True, "not today")
    assert "secret" not in str(answered)
    assert "ann" not in str(answered)


async def test_an_agent_reads_a_note_to_its_approval(clients):
    agent, _, person = clients
    question = {"action": "refund", "actor": "a"}
    waits = (await agent.evaluate(**question))["request_id"]
    answer = {"resolution": "approved", "comment": "secret", "tell_agent": "once"}
    await person.ask("POST", f"/approvals/{waits}/resolve", json=answer)
    state = await agent.ask("GET", f"/approvals/{waits}/state")
    assert (state["status"], state["told_agent"], state["edited"]) == ("approved", "once", False)
    decided = await agent.evaluate(**question)
    assert (decided["allowed"], decided["told_agent"]) == (True, "once")
    assert (await agent.evaluate(**question))["told_agent"] is None
    assert "secret" not in str(decided)


async def test_a_note_is_heard_once_enough_people_have_approved_and_no_more_when_the_time_is_over(open_plane, clock):
    clients = Clients(open_plane(POLICY.replace("require_approval,", "require_approval, four_eyes: true,")))
    agent, ann, bob = await clients.agent("of a", actor="a"), await clients.person(), await clients.person("bob")
    waits = (await agent.evaluate(action="refund", actor="a"))["request_id"]
    heard = []
    for person in (ann, bob):
        await person.approve(waits, tell_agent=f"says {person.secret[-4:]}")
        state = await agent.ask("GET", f"/approvals/{waits}/state")
        heard.append((state["status"], state["is_over"], state["told_agent"]))
    clock.now += 900
    state = await agent.ask("GET", f"/approvals/{waits}/state")
    note = f"says {ann.secret[-4:]}\nsays {bob.secret[-4:]}"
    assert heard == [("awaiting_second", False, None), ("approved", True, note)]
    assert (state["status"], state["told_agent"]) == ("expired", None)


async def test_a_wait_ends_while_nobody_has_answered(clients):
    agent, _, _ = clients
    waits = (await agent.evaluate(action="refund", actor="a"))["request_id"]
    found = await agent.ask("GET", f"/approvals/{waits}/state", params={"wait_seconds": 0.01})
    assert found["status"] == "pending"


@pytest.mark.parametrize("seconds", ["-1", "61", "nan", "inf"])
async def test_a_wait_is_bounded(seconds, clients):
    agent, _, _ = clients
    await agent.ask("GET", "/approvals/apr_x/state", 422, params={"wait_seconds": seconds})


async def test_another_agents_approval_is_as_unknown_as_none(clients):
    agent, other, _ = clients
    waits = (await agent.evaluate(action="refund", actor="a"))["request_id"]
    foreign = await other.ask("GET", f"/approvals/{waits}/state", 404)
    unknown = await other.ask("GET", "/approvals/apr_x/state", 404)
    assert foreign["detail"]["message"].replace(waits, "apr_x") == unknown["detail"]["message"]


async def test_a_workflow_goes_on_after_a_restart_of_the_control_plane(clients, open_plane):
    agent, _, person = clients
    waits = (await agent.evaluate(action="refund", actor="a"))["request_id"]
    await person.approve(waits)
    again = Clients(open_plane(POLICY)).of(agent.secret)
    assert (await again.ask("GET", f"/approvals/{waits}/state"))["status"] == "approved"
    assert (await again.evaluate(action="refund", actor="a"))["allowed"] is True
    assert (await again.ask("GET", f"/approvals/{waits}/state"))["status"] == "consumed"
