"""The policy in the inbox: its rules with what they did, and what it says of a call."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from litellm_bighub.control_plane.store.schema import events, reservations, usage
from litellm_bighub.control_plane.store.tables import rules, switches
from litellm_bighub.control_plane.store.tables.switches import Switch
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.policy_text import RuleText
from tests.control_plane.conftest import NOON
from tests.control_plane.inbox.page_words import words

POLICY = """\
version: 1
include: mail
tools: {refund: {value: amount, currency: currency}, Bash: {command: command}}
rules:
  - name: refunds
    description: <Money> back
    tool: refund
    team: support
    when: "amount < `1000`"
    require_approval_above: 500
    max_total_per_day: 1200
    total_by: [key, currency]
    max_per_day: 10
    examples:
      allow: {tool: refund, arguments: {amount: 5, currency: EUR}, caller: {team: support, key: k}}
  - name: shell
    tool: Bash
    command: {block: ["rm *"], allow: ["ls *"]}
    examples: {block: ["rm -r x"]}
  - {name: old, tool: never, status: paused}
"""
SUPPORT = CallContext("key:bot", "shop", team="support", key="k" * 64)


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
def decide(plane):
    async def decide_(amount=100, context=SUPPORT):
        call = ToolCall("c", "function", "refund", {"amount": amount, "currency": "EUR"})
        return await plane.decide((await plane.snapshot()).tools.find("refund").measure(call), context)

    return decide_


async def test_rules_stand_in_their_order_with_where_they_came_from(visit, plane):
    added = RuleText(name="lookups", tool="lookup_*", priority=5)
    await plane.write(
        lambda transaction: (
            rules.insert(transaction.connection, "rule_1", added, by="ann", now=NOON),
            transaction.reconfigure(),
        )
    )
    client, _ = await visit()
    page = (await client.get("/inbox/policy")).text
    names = re.findall(r'<span class="number">\d+</span><h2>([^<]+)', page)
    assert names[:4] == ["lookups", "refunds", "shell", "old"]
    assert names[4].startswith("mail/")
    sources = re.findall(r'class="source">([^<]+)', page)
    assert sources[0] == "added by API (rule_1)"
    assert sources[4] == "pack mail"
    assert (await plane.snapshot()).policy.version in page
    for told in ("&lt;Money&gt; back", "amount &lt; `1000`", "rm -r x", "The rule is paused.", "Where no rule fits"):
        assert told in page


async def test_it_says_what_each_rule_decided_used_and_reserved(visit, decide, plane, clock):
    await decide()
    clock.now += 86400
    await decide()
    await decide(600)
    await decide(context=CallContext("key:bot", "shop"))
    client, _ = await visit()
    page = words(await client.get("/inbox/policy?days=30"))
    refunds = page[page.index("refunds allow") : page.index("shell block")]
    assert "1 allowed 1 requires approval" in refunds
    assert "max_per_day 10 all callers together 1 \u2013 9" in refunds
    assert "max_total_per_day 1,200 key kkkkkkkkkkkk 100 EUR 600 EUR 500 EUR" in refunds
    assert "It decided no call in 30 days." in page[page.index("shell block") :]
    assert "1 blocked" in page[page.index("Where no rule fits") :]
    assert "Rules that decided no call in 7 days:" in words(await client.get("/inbox/policy"))
    assert (await client.get("/inbox/policy?days=x")).status_code == 422


async def test_numbers_stay_right_when_events_are_counted(visit, decide, plane):
    await decide()
    client, _ = await visit()
    before = words(await client.get("/inbox/policy"))
    while await plane.count_events():
        pass
    assert words(await client.get("/inbox/policy")) == before


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        pytest.param(
            {"tool": "refund", "team": "sales"}, "team does not fit: the rule has support, the call sales", id="team"
        ),
        pytest.param(
            {"tool": "refund", "team": "support", "arguments": '{"amount": 1000}'},
            "its condition does not hold",
            id="when",
        ),
        pytest.param(
            {"tool": "refund", "team": "support", "key": "k", "arguments": '{"amount": 700, "currency": "EUR"}'},
            "the value is above 500",
            id="bound",
        ),
        pytest.param({"tool": "Bash", "arguments": '{"command": "ls; rm x"}'}, "the rule blocks this call", id="parts"),
        pytest.param({"tool": "other"}, "no rule matches; the default is block", id="default"),
        pytest.param({"tool": "old"}, "shell (block): tool does not fit: the rule has Bash, the call old", id="tool"),
    ],
)
async def test_a_call_is_explained(visit, typed, told):
    client, token = await visit()
    page = await client.post("/inbox/policy/explain", data={"csrf": token, **typed})
    assert page.status_code == 200
    assert told in words(page)


async def test_an_explanation_tells_sums_and_changes_nothing(visit, decide, plane):
    await decide(600)
    await decide(400)

    def kept(connection):
        return [connection.execute(select(table)).all() for table in (events, reservations, usage)]

    client, token = await visit()
    before = await plane.read(kept)
    typed = {"tool": "refund", "team": "support", "key": "k" * 64, "arguments": '{"amount": 300, "currency": "EUR"}'}
    page = words(await client.post("/inbox/policy/explain", data={"csrf": token, **typed}))
    assert "400 of 1200 EUR used, 600 reserved, 200 left" in page
    assert "the value is more than this day leaves" in page
    assert await plane.read(kept) == before


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"tool": " "}, "Tool: name one."),
        ({"tool": "x", "type": "y"}, "Type: one of "),
        ({"tool": "x", "arguments": '{\n "a": }'}, "Arguments, line 2, column 7: "),
        ({"tool": "x", "arguments": "[1]"}, "Arguments: arguments are a JSON array, not an object."),
        ({"tool": "x", "team": "t" * 501}, "team: at most 500 characters."),
        ({"tool": "refund", "arguments": '{"amount": "<much>"}'}, "It is blocked before any rule is asked"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:12],
)
async def test_what_is_wrong_is_told_with_its_place_and_what_was_typed_stays(visit, typed, told):
    client, token = await visit()
    page = await client.post("/inbox/policy/explain", data={"csrf": token, "actor": "key:<me>", **typed})
    assert page.status_code == 422
    assert told in words(page)
    assert 'value="key:&lt;me&gt;"' in page.text
    assert 'aria-invalid="true"' in page.text or "Type" in told


async def test_a_recorded_decision_is_explained(visit, decide, plane):
    outcome = await decide(700)
    client, _ = await visit()
    story = (await client.get(f"/inbox/decisions/{outcome.decision_id}")).text
    page = await client.get(re.search(r"/inbox/policy/explain\?decision=\w+", story)[0])
    assert "the value is above 500 (refunds)" in words(page)
    assert 'name="team" value="support"' in page.text
    assert (await client.get("/inbox/policy/explain?decision=none")).status_code == 404


async def test_a_kill_switch_is_part_of_the_explanation(visit, plane):
    switch = Switch("ks_1", "rule", "", "refunds", "", "ann", NOON)
    await plane.write(
        lambda transaction: (switches.activate(transaction.connection, switch), transaction.reconfigure())
    )
    client, token = await visit()
    typed = {"tool": "refund", "team": "support", "key": "k", "arguments": '{"amount": 3, "currency": "EUR"}'}
    assert (
        "blocks it whatever the rules say"
        in (await client.post("/inbox/policy/explain", data={"csrf": token, **typed})).text
    )


async def test_a_form_from_elsewhere_explains_nothing(visit):
    client, _ = await visit()
    assert (await client.post("/inbox/policy/explain", data={"tool": "refund"})).status_code == 403
