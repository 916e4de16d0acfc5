"""Amount, currency and target of an edited call are its own: wherever people read them, and where sums count them."""

from __future__ import annotations

import asyncio
import os

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused
from litellm_bighub.control_plane.channels.slack_app.call_message import call_message
from litellm_bighub.control_plane.inbox.earlier_calls import earlier_calls
from litellm_bighub.control_plane.inbox.readable import amount
from litellm_bighub.control_plane.store.database import open_database, sqlite_url
from litellm_bighub.control_plane.store.schema import approvals as table, events
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.tables.events import page
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.secret_patterns import REDACTED
from litellm_bighub.wording import ENGLISH
from tests.control_plane.http.asking import Clients
from tests.control_plane.store.tables.test_approvals import asked as asked_before
from tests.control_plane.test_serve import client, key_in, serving

POLICY = """\
version: 1
tools: {refund: {value: amount, currency: currency, target: order}}
rules: [{name: refunds, tool: refund, require_approval_above: 500, max_total_per_day: 1000, four_eyes: true}]
"""
ASKED = {"amount": 700, "currency": "EUR", "order": "A-1"}
EDITED = {"amount": 900.125, "currency": "usd", "order": "B-2"}


def call(arguments=None, *, tool="refund", value=700.0, target="A-1"):
    given = ASKED if arguments is None else arguments
    return ToolCall("c", "function", tool, given, value=value, target=target)


async def approved(plane, asked, edited=None, **more):
    return await plane.resolve(Resolution(asked.id, "approve", "ann", person="k1", edited=edited, **more))


async def test_an_edit_is_measured_anew_and_told_everywhere(open_plane):
    plane = open_plane(POLICY)
    asked = (await plane.decide(call(), CallContext("agent"))).approval
    await approved(plane, asked, EDITED)

    shown = await (await Clients(plane).person()).ask("GET", f"/approvals/{asked.id}")
    told = [shown[name] for name in ("value", "target", "edited_value", "edited_currency", "edited_target")]
    assert told == [700, "A-1", 900.125, "USD", "B-2"]
    [event] = await plane.read(lambda connection: page(connection, events.c.type == "approval.resolved"))
    told = [event["body"][f"after_{name}"] for name in ("value", "currency", "target")]
    assert told == [900.125, "USD", "B-2"]
    approval = await plane.wait(asked.id, timeout=0)
    browser = await Clients(plane).person("bob")
    await browser.http.post("/inbox/login", data={"key": browser.secret})
    card = (await browser.http.get(f"/inbox/approvals/{asked.id}")).text
    assert '<span class="value">900.125 usd</span>' in card
    assert "<strong>B-2</strong>" in card
    assert '<span class="value">700' not in card
    told = (await browser.http.get(f"/inbox/decisions/{asked.decision_id}")).text
    assert "<dt>Value</dt><dd>900.125 USD</dd>" in told
    assert "<dt>Target</dt><dd>B-2</dd>" in told
    message = call_message(approval, plane.source.text.tools, inbox_url="https://x", now=0.0, wording=ENGLISH)
    assert "refund   900.125 usd   → B-2" in str(message)
    assert not {"700", "A-1"} & set(str(message).split())


@pytest.mark.parametrize(
    ("policy", "edited"),
    [
        ("max_value: 1000", {**ASKED, "amount": 1001}),
        ("max_total_per_day: 1000", {**ASKED, "amount": 1001}),
        ("require_approval_above: 500", {"order": "A-1"}),
    ],
    ids=["bound", "sum", "threshold"],
)
@pytest.mark.parametrize(
    "tools", ["{}", "{refund: {value: amount}}"], ids=["told by the gateway alone", "told by the policy"]
)
async def test_an_edit_does_not_go_with_the_amount_that_was_asked_about(open_plane, policy, edited, tools):
    """What a gateway's own settings measure cannot be measured where people answer, nor what they have taken out."""
    rules = f"rules: [{{name: refunds, tool: refund, effect: require_approval, {policy}}}]"
    plane = open_plane(f"version: 1\ntools: {tools}\n{rules}\n")
    asked = (await plane.decide(call(), CallContext("agent"))).approval
    refused = await approved(plane, asked, edited)
    assert isinstance(refused, ResolutionRefused)
    assert refused.code == "blocked"
    assert (await plane.wait(asked.id, timeout=0)).state == "pending"


async def test_an_amount_and_target_that_an_edit_takes_out_are_gone(open_plane):
    plane = open_plane("version: 1\ndefault: require_approval\ntools: {refund: {value: amount, target: order}}\n")
    asked = (await plane.decide(call(), CallContext("agent"))).approval
    answered = await approved(plane, asked, {"note": "x"})
    assert (answered.current_value, answered.current_target) == (None, "")
    assert (answered.value, answered.target) == (700, "A-1")


IBAN = "DE89370400440532013000"
OTHER = "DE02120300000000202051"
VISIBLE = """\
version: 1
tools: {pay: {value: amount, target: iban, visible_to: group:payments}}
rules: [{name: pays, tool: pay, effect: require_approval}]
"""


@pytest.mark.parametrize(
    ("asked", "edited"),
    [({"iban": IBAN}, {"amount": 9, "iban": REDACTED}), ({}, {"amount": 9, "iban": OTHER})],
    ids=["left as it is shown", "typed"],
)
async def test_a_target_that_redaction_hides_is_hidden_in_an_edit_too(open_plane, asked, edited):
    plane = open_plane(VISIBLE, sealing=Sealing([os.urandom(32)]))
    arguments = {"amount": 5, **asked}
    pay = call(arguments, tool="pay", value=5, target=asked.get("iban", ""))
    waits = (await plane.decide(pay, CallContext("a"))).approval
    answered = await approved(plane, waits, edited)
    assert isinstance(answered, Approval)
    assert (answered.edited_value, answered.edited_target) == (9, REDACTED)
    [event] = await plane.read(lambda connection: page(connection, events.c.type == "approval.resolved"))
    assert event["body"]["after_target"] == REDACTED


async def test_of_two_edits_at_once_one_takes_what_the_sum_has_left(open_plane):
    policy = POLICY.replace(", four_eyes: true", "").replace("require_approval_above: 500", "effect: require_approval")
    one, other = open_plane(policy), open_plane(policy)
    first = (await one.decide(call({**ASKED, "amount": 1}, value=1), CallContext("agent"))).approval
    second = (await one.decide(call({**ASKED, "amount": 2}, value=2), CallContext("agent"))).approval
    edits = [approved(one, first, {**ASKED, "amount": 600}), approved(other, second, {**ASKED, "amount": 601})]
    answers = await asyncio.gather(*edits)
    assert sorted(type(answer).__name__ for answer in answers) == ["Approval", "ResolutionRefused"]


async def test_what_is_usual_is_of_what_ran(open_plane):
    plane = open_plane(POLICY.replace(", four_eyes: true", ""))
    asked = (await plane.decide(call(), CallContext("agent"))).approval
    await approved(plane, asked, {**ASKED, "amount": 600})
    found = await plane.read(lambda c: earlier_calls(c, [("refund", "agent")], plane.clock()))
    assert found["refund", "agent"].median == 600


def test_an_edit_over_http_counts_in_sums_and_is_told_by_a_running_server(tmp_path):
    """Killed between the edit and the call that makes use of it."""
    policy = tmp_path / "bighub_policy.yaml"
    policy.write_text(POLICY.replace(", four_eyes: true", ""))
    ask = {"action": "refund", "actor": "a", "context": ASKED}
    edited = {**EDITED, "value": None, "target": None}
    with serving(policy) as (url, printed), client(url, key_in(printed)) as person:
        body = {"label": "agent", "scopes": ["actions:validate"], "actor": "a"}
        secret = person.post("/api-keys", json=body).json()["key"]
        with client(url, secret) as agent:
            waits = agent.post("/actions/evaluate", json=ask).json()["request_id"]
        person.post(f"/approvals/{waits}/resolve", json={"resolution": "approved", "edited_arguments": edited})
        shown = person.get(f"/approvals/{waits}").json()
        assert [shown[f"edited_{name}"] for name in ("value", "currency", "target")] == [900.125, "USD", "B-2"]
    with serving(policy) as (url, _), client(url, secret) as agent:

        def said(amount, order="C-3"):
            context = {"amount": amount, "currency": "USD", "order": order}
            return agent.post("/actions/evaluate", json={**ask, "context": context}).json()["result"]

        assert said(100) == "blocked"
        told = agent.post("/actions/evaluate", json=ask).json()
        assert (told["blocked_by"], told["edited_arguments"]) == ("edited", edited)
        assert agent.post("/actions/evaluate", json={**ask, "context": EDITED}).json()["result"] == "allowed"
        assert [said(99), said(1)] == ["allowed", "blocked"]


def test_an_approval_that_was_edited_before_the_upgrade_tells_no_amount(tmp_path):
    engine = open_database(sqlite_url(tmp_path / "bighub.db"))
    with engine.begin() as connection:
        approvals.insert(connection, asked_before())
        connection.execute(table.update().values(edited='{"amount": 9}'))
        found = approvals.get(connection, "apr_1")
    engine.dispose()
    assert (found.value, found.current_value, found.current_target) == (7.5, None, "")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (900, "900"),
        (1234.5, "1,234.50"),
        (0.001, "0.001"),
        (900.125, "900.125"),
        (1e15, "1,000,000,000,000,000"),
        (None, ""),
    ],
)
def test_an_amount_is_not_rounded(value, read):
    assert amount(value) == read
