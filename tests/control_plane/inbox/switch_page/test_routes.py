"""Kill switches by people's logins: who may, with a reason, once, and for everybody to see."""

from __future__ import annotations

import re

import pytest

from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import events, switches
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.wording import ENGLISH

PAGE = "/inbox/kill-switch"
LOOKUP = ToolCall("call_1", "function", "lookup_order", {"id": "A-1"})


@pytest.fixture
async def operator(user, enter):
    """Sends the page's form; gives the answer."""
    await user("boss", "operator")
    client, _, csrf = await enter("boss")

    async def send(path=PAGE, **form):
        return await client.post(path, data={"csrf": csrf, **form})

    return send


async def verdict(plane):
    return (await plane.decide(LOOKUP, CallContext("agent", "shop"))).judgement.verdict


async def acts(plane):
    found = await plane.read(lambda connection: events.page(connection, table.c.type.startswith("kill_switch")))
    return [(event["type"], event["severity"], event["body"]) for event in reversed(found)]


async def test_an_operator_blocks_every_call_and_lifts_that_again(operator, plane, user):
    page = await operator(scope="global", reason=" incident 42 ")
    assert ENGLISH.inbox_switched_on in page.text
    (switch,) = await plane.read(switches.active)
    assert (switch.reason, switch.activated_by) == ("incident 42", "boss")
    assert await verdict(plane) == "blocked"
    page = await operator(f"{PAGE}/{switch.id}", reason="it is over")
    assert ENGLISH.inbox_switched_off in page.text
    assert await verdict(plane) == "allowed"
    (on, off) = await acts(plane)
    assert on[:2] == ("kill_switch.activated", "critical")
    assert off == (
        "kill_switch.deactivated",
        "critical",
        {"by": "boss", "person": on[2]["person"], "reason": "it is over"},
    )
    assert (on[2]["activated_by"], on[2]["reason"]) == ("boss", "incident 42")
    assert on[2]["person"].startswith("user_")
    for told in ("set by boss", "incident 42", "lifted by boss", "it is over"):
        assert told in page.text


@pytest.mark.parametrize(
    ("form", "domain", "expected"),
    [
        ({"scope": "domain", "domain": " shop "}, "shop", "blocked"),
        ({"scope": "domain", "domain": "hr", "rule": "lookups"}, "shop", "allowed"),
        ({"scope": "rule", "rule": "lookups", "domain": "hr"}, "shop", "blocked"),
        ({"scope": "rule", "rule": "refunds"}, "shop", "allowed"),
    ],
    ids=["its domain", "another domain", "its rule", "another rule"],
)
async def test_a_switch_blocks_what_was_chosen(form, domain, expected, operator, plane):
    page = await operator(reason="because", **form)
    assert page.status_code == 200
    assert await verdict(plane) == expected


@pytest.mark.parametrize(
    ("form", "note"),
    [
        ({"scope": "global", "reason": " "}, "switch_reason"),
        ({"reason": "because"}, "switch_unclear"),
        ({"scope": "domain", "domain": " ", "reason": "because"}, "switch_unclear"),
        ({"scope": "rule", "rule": "no such rule", "reason": "because"}, "switch_unclear"),
    ],
    ids=["no reason", "no choice", "no domain", "unknown rule"],
)
async def test_an_incomplete_form_does_nothing_and_keeps_what_was_typed(form, note, operator, plane):
    page = await operator(**form)
    assert page.status_code == 422
    assert getattr(ENGLISH, f"inbox_{note}") in page.text
    assert f'value="{form["reason"]}"' in page.text
    assert await plane.read(switches.active) == ()


async def test_the_same_is_blocked_once_and_lifted_once(operator, plane):
    await operator(scope="global", reason="first")
    assert ENGLISH.inbox_switch_twice in (await operator(scope="global", reason="second")).text
    (switch,) = await plane.read(switches.active)
    assert switch.reason == "first"
    assert ENGLISH.inbox_switch_reason in (await operator(f"{PAGE}/{switch.id}")).text
    await operator(f"{PAGE}/{switch.id}", reason="over")
    page = await operator(f"{PAGE}/{switch.id}", reason="over")
    assert (page.status_code, ENGLISH.inbox_switch_gone in page.text) == (422, True)


async def test_others_see_it_on_every_page_and_cannot_touch_it(operator, user, enter, plane):
    await operator(scope="domain", domain="<b>shop", reason="a <script> reason")
    await user("kim", "approver", "auditor")
    client, _, csrf = await enter("kim")
    for path in ("/inbox", "/inbox/decisions", "/inbox/policy", "/inbox/charts", "/inbox/people", PAGE):
        page = (await client.get(path)).text
        assert "a &lt;script&gt; reason" in page
        assert "Switched on by boss" in page
        assert f'action="{PAGE}' not in page
        assert ENGLISH.page_switch_to_lift not in page
    (switch,) = await plane.read(switches.active)
    for path in (PAGE, f"{PAGE}/{switch.id}"):
        form = {"csrf": csrf, "scope": "global", "reason": "because"}
        assert (await client.post(path, data=form)).status_code == 403
    assert await plane.read(switches.active) == (switch,)


async def test_a_form_from_elsewhere_does_nothing(operator, plane):
    page = await operator(csrf="guessed", scope="global", reason="because")
    assert page.status_code == 403
    assert await plane.read(switches.active) == ()


async def test_the_key_of_a_person_who_may_works_as_well(visit, plane):
    client, csrf = await visit("ann")
    await client.post(PAGE, data={"csrf": csrf, "scope": "global", "reason": "because"})
    ((_, _, body),) = await acts(plane)
    assert (body["activated_by"], body["person"] != "") == ("ann", True)


async def test_a_lost_session_comes_back_to_the_page(enter):
    client, _, _ = await enter()
    page = await client.get(PAGE)
    assert re.search(r'name="next" value="([^"]*)"', page.text)[1] == PAGE
