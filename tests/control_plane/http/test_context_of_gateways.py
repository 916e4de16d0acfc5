"""Who asks over HTTP tells why a call was made that people are asked about: the real gateway, and what is refused."""

from __future__ import annotations

import asyncio
import os
import re

import pytest

from litellm_bighub.control_plane.channels.slack_app.call_message import call_message
from litellm_bighub.control_plane.http.api_keys import make_key, rotate_key
from litellm_bighub.control_plane.people.roles import AGENT
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.call_background import from_text
from litellm_bighub.domain.secret_patterns import REDACTED
from litellm_bighub.wording import ENGLISH
from tests.control_plane.http.asking import Clients
from tests.control_plane.http.test_history_of_gateways import gateway_of, gateways_key, returned
from tests.control_plane.test_serve import client, key_in, serving

POLICY = "version: 1\nrules: [{name: refunds, tool: refund, effect: require_approval}, {name: all, tool: look_up}]\n"
TOOL = {"type": "function", "name": "refund", "description": "Pays back.", "parameters": {"type": "object"}}
SAID = [{"speaker": "user", "text": "pay it back, key=sk-abcdefghijklmnop0123456789"}]


async def told(plane, amount):
    """What people read of why the call with this amount was made."""
    listed = await plane.read(lambda connection: approvals.listed(connection, now=plane.clock()))
    (approval,) = [each for each in listed if each.arguments.get("amount") == amount]
    return from_text(approval.background)


@pytest.mark.proxy
async def test_people_read_why_a_gateway_asks_and_the_provider_keeps_the_turn_before(tmp_path, warm):
    policy = tmp_path / "served" / "bighub_policy.yaml"
    policy.parent.mkdir()
    policy.write_text(POLICY)
    with serving(policy) as (url, printed), gateway_of(tmp_path, url, gateways_key(url, printed), warm) as gateway:
        asked = {"input": "Pay A-1 back.", "tools": [TOOL]}
        gateway.answer("sk-ann", [("refund", {"amount": 1})], **asked)
        _, first = gateway.answer("sk-ann-streamed", [("look_up", {}), ("refund", {"amount": 2})], **asked)
        results = returned("look_up", previous=first)
        gateway.answer("sk-ann-streamed", [("refund", {"amount": 3})], **results)
        results["input"].append({"role": "user", "content": "And now?"})
        gateway.answer("sk-ann-streamed", [("refund", {"amount": 4})], **results)

    plane = ControlPlane.open(sqlite_url(policy.parent / "bighub.db"), policy)
    whole, streamed, results_alone, new_question = [await told(plane, amount) for amount in (1, 2, 3, 4)]
    plane.close()
    assert (whole.description, whole.schema) == ("Pays back.", {"type": "object"})
    assert [(one.speaker, one.text) for one in whole.said] == [("user", "Pay A-1 back.")]
    assert ("user", "Pay A-1 back.") in [(one.speaker, one.text) for one in streamed.said]
    waits, looked_up = [(one.speaker, one.tool, one.text) for one in results_alone.said]
    assert waits[:2] == ("result", "refund")
    assert "needs the approval of a person" in waits[2]
    assert looked_up == ("result", "look_up", "yes")
    assert [(one.speaker, one.text) for one in new_question.said] == [("user", "And now?")]


@pytest.fixture
async def clients(open_plane):
    clients = Clients(open_plane(POLICY))
    return await clients.agent("of a", actor="a"), await clients.agent("of b", actor="b"), await clients.person()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_it_is_taken_once_while_the_call_waits_without_secrets_and_from_its_own_caller(clients):
    agent, other, person = clients
    waits = (await agent.evaluate(action="refund", actor="a"))["request_id"]
    path, body = f"/approvals/{waits}/context", {"said": SAID, "description": "d", "schema": {"type": "object"}}
    await other.ask("POST", path, 404, json=body)
    await person.ask("POST", path, 403, json=body)
    await agent.ask("POST", path, 422, json={**body, "why": "x"})
    await agent.ask("POST", path, 422, json={"said": [{"speaker": "boss", "text": "do it"}]})
    assert (await agent.ask("POST", path, json={}))["kept"] is False
    assert (await agent.ask("POST", path, json=body))["kept"] is True
    assert (await agent.ask("POST", path, json={"said": [{"speaker": "user", "text": "other"}]}))["kept"] is False

    plane = agent.plane
    stored = (await plane.wait(waits, timeout=0)).background
    assert from_text(stored).said[0].text.startswith("pay it back, ")
    assert "sk-abc" not in stored
    await person.approve(waits)
    assert (await agent.evaluate(action="refund", actor="a"))["allowed"] is True
    assert (await plane.wait(waits, timeout=0)).background == ""
    assert (await agent.ask("POST", path, json=body))["kept"] is False


IBAN = "DE89370400440532013000"
TELLING = {
    "said": [{"speaker": "user", "text": f"pay to {IBAN}"}, {"speaker": "call", "text": f'{{"to": "{IBAN}"}}'}],
    "spelt in groups": [{"speaker": "user", "text": "pay to DE89 3704 0044 0532 0130 00"}],
    "at the end": [{"speaker": "result", "text": "x", "end": IBAN}],
    "the tool": [{"speaker": "result", "text": "x", "tool": IBAN}],
}
VISIBLE = """\
version: 1
tools: {refund: {value: amount, target: iban, visible_to: group:payments}}
rules: [{name: refunds, tool: refund, effect: require_approval}]
"""


def asked_in_clear(iban=IBAN):
    return {"action": "refund", "actor": "a", "arguments": {"amount": 5, "iban": iban}}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("how", ["submit/v2", "evaluate/batch", "again"])
@pytest.mark.parametrize(
    "told",
    [*({"said": said} for said in TELLING.values()), {"description": IBAN}, {"schema": {"default": IBAN}}],
    ids=[*TELLING, "description", "schema"],
)
async def test_what_the_server_has_hidden_in_a_call_is_told_by_no_context(open_plane, told, how):
    agent = await Clients(open_plane(VISIBLE, sealing=Sealing([os.urandom(32)]))).agent(actor="a")
    question = asked_in_clear()
    if how == "evaluate/batch":
        await agent.ask("POST", f"/actions/{how}", json={"actions": [question]})
    else:
        for repeat in [None] if how == "submit/v2" else ["one", "one", "two"]:
            await agent.evaluate(repeat=repeat, **question)
    [waits] = await agent.ask("GET", "/approvals")
    answer = await agent.ask("POST", f"/approvals/{waits['request_id']}/context", json=told)
    assert answer["kept"] is False
    approval = await agent.plane.wait(waits["request_id"], timeout=0)
    assert approval.arguments["iban"] == REDACTED
    assert not from_text(approval.background)
    message = call_message(approval, {}, inbox_url="https://x", now=0.0, wording=ENGLISH)
    assert not {IBAN, "3704 0044"} & set(re.findall(f"{IBAN}|3704 0044", f"{approval} {message}"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("iban", [REDACTED, None], ids=["redacted by the caller", "null"])
async def test_where_the_server_has_nothing_to_hide_the_context_is_kept(open_plane, iban):
    agent = await Clients(open_plane(POLICY)).agent(actor="a")
    waits = (await agent.evaluate(**asked_in_clear(iban)))["request_id"]
    assert (await agent.ask("POST", f"/approvals/{waits}/context", json={"said": SAID}))["kept"] is True


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_part_of_a_text_that_was_hidden_is_told_by_no_context_either(open_plane):
    agent = await Clients(open_plane(POLICY)).agent(actor="a")
    question = {"action": "refund", "actor": "a", "arguments": {"note": "with password=hunter2xyz"}}
    waits = (await agent.evaluate(**question))["request_id"]
    said = [{"speaker": "user", "text": "use hunter2xyz"}]
    assert (await agent.ask("POST", f"/approvals/{waits}/context", json={"said": said}))["kept"] is False


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_mark_of_a_hidden_value_goes_with_the_end_of_the_wait(open_plane):
    clients = Clients(open_plane(POLICY))
    agent, person = await clients.agent(actor="a"), await clients.person()
    waits = (await agent.evaluate(**asked_in_clear()))["request_id"]
    await person.ask("POST", f"/approvals/{waits}/resolve", json={"resolution": "denied"})
    assert (await agent.plane.wait(waits, timeout=0)).background == ""
    assert (await agent.ask("POST", f"/approvals/{waits}/context", json={"said": SAID}))["kept"] is False


MORE = {"said": [{"speaker": "user", "text": "pay it back"}]}


async def asked(agent, amount=1):
    return (await agent.evaluate(action="refund", actor="a", arguments={"amount": amount}))["request_id"]


async def tell(agent, waits, status=200):
    return (await agent.ask("POST", f"/approvals/{waits}/context", status, json=MORE)).get("kept")


async def test_only_the_key_that_asked_tells_the_context(open_plane):
    """Not one of the same actor, of the same person, of any actor, or one that asks the same a second time."""
    clients, elsewhere = Clients(open_plane(POLICY)), Clients(open_plane(POLICY))
    person, agent = await clients.person(), await clients.agent("of a", actor="a")
    made = [{"label": "x", "scopes": ["actions:validate"], "actor": actor} for actor in ("a", "*")]
    others = [elsewhere.of((await person.ask("POST", "/api-keys", json=body))["key"]) for body in made]
    others += [await elsewhere.agent("of a", actor="a"), await elsewhere.agent("gateway", actor="*")]
    waits = await asked(agent)
    for other in others:
        assert await asked(other) == waits
        unknown = await other.ask("POST", "/approvals/apr_unknown/context", 404, json=MORE)
        refused = await other.ask("POST", f"/approvals/{waits}/context", 404, json=MORE)
        assert str(refused["detail"]) == str(unknown["detail"]).replace("apr_unknown", waits)
    assert await tell(agent, waits) is True
    assert from_text((await agent.plane.wait(waits, timeout=0)).background).said[0].text == "pay it back"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_people_see_which_key_asked_first_also_after_it_was_rotated(open_plane):
    """Another key of the same actor may have asked the same before: what it tells is read, under its name."""
    clients = Clients(open_plane(POLICY))
    key, secret = await make_key(clients.plane, "the <liar>", AGENT, by="test", actor="a")
    waits = await asked(clients.of(secret))
    assert await asked(await clients.agent("of a", actor="a")) == waits
    await rotate_key(clients.plane, key, by="test")
    person = await clients.person()
    assert (await person.ask("GET", f"/approvals/{waits}"))["asked_by"] == key.id
    await person.http.post("/inbox/login", data={"key": person.secret})
    for path in ("/inbox", f"/inbox/approvals/{waits}"):
        assert "<dt>Asked with</dt><dd>the &lt;liar&gt;</dd>" in (await person.http.get(path)).text


async def test_of_many_that_tell_at_once_the_key_that_asked_is_heard(open_plane):
    clients, elsewhere = Clients(open_plane(POLICY)), Clients(open_plane(POLICY))
    agent, other = await clients.agent("of a", actor="a"), await elsewhere.agent("of a", actor="a")
    waits = await asked(agent)
    lies = {"said": [{"speaker": "user", "text": "it is a test"}]}
    told = [other.ask("POST", f"/approvals/{waits}/context", 404, json=lies) for _ in range(5)]
    answers = await asyncio.gather(*told, *(tell(agent, waits) for _ in range(3)))
    assert sorted(answers[5:]) == [False, False, True]
    assert from_text((await agent.plane.wait(waits, timeout=0)).background).said[0].text == "pay it back"


async def test_a_key_that_takes_its_place_tells_what_the_old_one_asked_and_the_other_way_round(open_plane):
    clients = Clients(open_plane(POLICY))
    key, secret = await make_key(clients.plane, "agent", AGENT, by="test", actor="a")
    old = clients.of(secret)
    before = await asked(old, 1), await asked(old, 2)
    made, secret = await rotate_key(clients.plane, key, by="test", grace_seconds=60)
    new = clients.of(secret)
    after = await asked(new, 3), await asked(new, 4)
    assert [await tell(each, waits) for each, waits in zip((old, new, old, new), before + after, strict=True)] == [
        True
    ] * 4
    newest = clients.of((await new.ask("POST", f"/api-keys/{made.id}/rotate"))["key"])
    waits = await asked(old, 5)
    await tell(new, waits, 401)
    assert await tell(newest, waits) is True
    admin = await clients.person()
    waits = await asked(newest, 6)
    await admin.ask("DELETE", f"/api-keys/{(await newest.ask('GET', '/api-keys/validate'))['key_id']}")
    await tell(newest, waits, 401)
    assert await tell(old, waits) is True  # in its grace it is the same agent still


async def test_a_question_that_is_repeated_with_the_new_key_is_counted_once(open_plane):
    clients = Clients(open_plane("version: 1\nrules: [{name: all, tool: refund, max_per_day: 1}]\n"))
    key, secret = await make_key(clients.plane, "agent", AGENT, by="test", actor="a")
    assert (await clients.of(secret).evaluate(repeat="one", action="refund", actor="a"))["allowed"] is True
    _, secret = await rotate_key(clients.plane, key, by="test")
    assert (await clients.of(secret).evaluate(repeat="one", action="refund", actor="a"))["allowed"] is True
    assert (await clients.of(secret).evaluate(repeat="two", action="refund", actor="a"))["allowed"] is False


@pytest.mark.parametrize("surface", ["/v1/responses", "http"])
async def test_where_no_key_has_asked_none_tells_and_people_answer_without(open_plane, surface):
    """The call of an embedded gateway, and one that waits since a release that did not know who asks."""
    plane = open_plane(POLICY)
    clients = Clients(plane)
    agent = await clients.agent(actor="a")
    call, context = ToolCall("c", "function", "refund", {}), CallContext(actor="a", surface=surface)
    approval = (await plane.decide(call, context)).approval
    refused = await agent.ask("POST", f"/approvals/{approval.id}/context", 404, json=MORE)
    assert "another" not in str(refused)
    await (await clients.person()).approve(approval.id)
    assert (await plane.decide(call, context)).judgement.verdict == "allowed"


def test_a_second_key_of_the_actor_tells_nothing_to_a_running_server(tmp_path):
    """Also after the server was killed between the question and its context."""
    policy = tmp_path / "bighub_policy.yaml"
    policy.write_text(POLICY)
    with serving(policy) as (url, printed):
        admin, liar = key_in(printed), agents_key_of_a(url, key_in(printed))
        agent = agents_key_of_a(url, admin)
        with client(url, agent) as asking:
            body = {"action": "refund", "actor": "a", "arguments": {"amount": 1}}
            waits = asking.post("/actions/evaluate", json=body).json()["request_id"]
    with serving(policy) as (url, _), client(url, liar) as lying, client(url, agent) as asking:
        assert lying.post("/actions/evaluate", json=body).json()["request_id"] == waits
        lie = {"said": [{"speaker": "user", "text": "Ann has said yes already"}]}
        assert lying.post(f"/approvals/{waits}/context", json=lie).status_code == 404
        assert asking.post(f"/approvals/{waits}/context", json=MORE).json() == {"request_id": waits, "kept": True}
    plane = ControlPlane.open(sqlite_url(policy.parent / "bighub.db"), policy)
    stored = asyncio.run(plane.wait(waits, timeout=0)).background
    plane.close()
    assert from_text(stored).said[0].text == "pay it back"


def agents_key_of_a(url, admin):
    with client(url, admin) as person:
        made = person.post("/api-keys", json={"label": "agent", "scopes": ["actions:validate"], "actor": "a"})
    return made.json()["key"]
