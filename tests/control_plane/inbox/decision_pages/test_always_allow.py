"""\"Always allow this\": the rule is shown to everybody, and an operator accepts the one that was shown."""

from __future__ import annotations

import asyncio
import re

import pytest

from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import approvals, events, rules
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.policy_text import RuleText
from litellm_bighub.wording import ENGLISH
from tests.control_plane.inbox.page_words import words

CALLER = CallContext("billing-agent", "customer_transactions")


@pytest.fixture
async def waiting(ask, plane):
    """A call that waits: its approval, and the address of its rule."""
    approval = await plane.wait(await ask(), timeout=0)
    return approval, f"/inbox/decisions/{approval.decision_id}/always"


@pytest.fixture
async def operator(user, enter):
    await user("boss", "operator")
    client, _, csrf = await enter("boss")
    return client, csrf


def seen(page):
    """What the form of a page sends."""
    return re.search(r'name="shown" value="(\w+)"', page.text)[1]


async def verdict(plane, amount):
    call = ToolCall("c", "function", "refund", {"amount": amount}, value=amount)
    return (await plane.decide(call, CALLER)).judgement.verdict


async def made(plane):
    return await plane.read(rules.everything)


async def test_an_operator_accepts_the_rule_that_is_shown(waiting, operator, plane):
    approval, address = waiting
    client, csrf = operator
    for page in (f"/inbox/approvals/{approval.id}", f"/inbox/decisions/{approval.decision_id}"):
        assert f'href="{address}"' in (await client.get(page)).text
    page = await client.get(address)
    text = words(page)
    assert "It stands before the rule refunds, which asks." in text
    assert "that it would have allowed: 1" in text
    assert '{"amount": 700}' in text
    for sentence in (ENGLISH.page_always_not_answered, ENGLISH.page_always_not_wider):
        assert sentence in text
    assert await made(plane) == []
    page = await client.post(address, data={"csrf": csrf, "shown": seen(page)})
    assert ENGLISH.inbox_always_accepted in page.text
    assert ENGLISH.page_always_allowed in words(page)
    assert [await verdict(plane, amount) for amount in (700, 701)] == ["allowed", "requires_approval"]
    (rule,) = await made(plane)
    (event,) = await plane.read(lambda connection: events.page(connection, table.c.type == "rule.created"))
    assert (event["subject"], event["body"]["by"], event["body"]["rule"]["tool"]) == (rule.id, "boss", "refund")
    assert event["body"]["reason"] == f"accepted for {approval.decision_id} and {approval.id}"
    left = await plane.read(lambda connection: approvals.get(connection, approval.id))
    assert left.state == "pending"
    assert rule.id in (await client.get("/inbox/policy")).text


@pytest.mark.parametrize("role", ["viewer", "approver", "auditor"])
async def test_others_see_the_rule_and_who_can_accept_it(role, waiting, user, enter, plane):
    _, address = waiting
    await user("kim", role)
    client, _, csrf = await enter("kim")
    page = await client.get(address)
    assert "effect: allow" in words(page)
    assert "Only an operator can accept it" in words(page)
    assert f'action="{address}"' not in page.text
    assert (await client.post(address, data={"csrf": csrf, "shown": "x"})).status_code == 403
    assert await made(plane) == []


async def test_a_form_from_elsewhere_does_nothing(waiting, operator, plane):
    _, address = waiting
    client, _ = operator
    shown = seen(await client.get(address))
    assert (await client.post(address, data={"csrf": "guessed", "shown": shown})).status_code == 403
    assert await made(plane) == []


async def test_what_changed_meanwhile_is_looked_at_again(waiting, operator, plane):
    _, address = waiting
    client, csrf = operator
    shown = seen(await client.get(address))
    text = plane.source.text
    plane.source.text = text.model_copy(update={"rules": text.rules[:1]})
    page = await client.post(address, data={"csrf": csrf, "shown": shown})
    assert (page.status_code, ENGLISH.inbox_always_changed in page.text) == (422, True)
    assert await made(plane) == []


async def test_calls_that_wait_are_asked_anew_under_the_new_policy(waiting, operator, plane, ask):
    _, address = waiting
    other = await ask(900)
    assert await ask(900) == other
    client, csrf = operator
    await client.post(address, data={"csrf": csrf, "shown": seen(await client.get(address))})
    assert await ask(900) != other


async def test_two_at_once_make_one_rule(waiting, operator, plane):
    _, address = waiting
    client, csrf = operator
    form = {"csrf": csrf, "shown": seen(await client.get(address))}
    pages = await asyncio.gather(*(client.post(address, data=form) for _ in range(3)))
    assert sorted(page.status_code for page in pages) == [200, 422, 422]
    assert len(await made(plane)) == 1


async def test_what_people_must_approve_together_has_no_rule(ask, operator, plane):
    approval = await plane.wait(await ask(tool="pay", domain="hr"), timeout=0)
    client, csrf = operator
    address = f"/inbox/decisions/{approval.decision_id}/always"
    page = await client.get(address)
    assert ENGLISH.page_always_people in words(page)
    assert "<form" not in page.text.partition("<main")[2].partition("</main")[0]
    assert (await client.post(address, data={"csrf": csrf, "shown": ""})).status_code == 422
    assert await made(plane) == []


async def test_a_rule_without_a_place_here_is_for_the_file(waiting, operator, plane):
    """Accepted here it would come before a rule that blocks."""
    _, address = waiting
    client, csrf = operator
    text = plane.source.text
    first = RuleText(name="bad team", tool="*", team="bad", effect="block")
    plane.source.text = text.model_copy(update={"rules": [first, *text.rules]})
    page = await client.get(address)
    assert ENGLISH.page_always_file.replace("`", "") in words(page)
    assert "It stands before the rule refunds" in words(page)
    assert 'name="shown"' not in page.text
    assert (await client.post(address, data={"csrf": csrf, "shown": "x"})).status_code == 422
    assert await made(plane) == []


async def test_an_unknown_decision_has_no_page(operator):
    client, _ = operator
    assert (await client.get("/inbox/decisions/dec_x/always")).status_code == 404


async def test_hostile_names_are_escaped(plane, operator):
    call = ToolCall("c", "function", "<b>\u202etool", {"<i>": "</pre><script>"})
    outcome = await plane.decide(call, CallContext("billing-agent", "hr"))
    client, _ = operator
    page = (await client.get(f"/inbox/decisions/{outcome.decision_id}/always")).text
    assert "<script>" not in page
    assert "<b>\u202e" not in page
