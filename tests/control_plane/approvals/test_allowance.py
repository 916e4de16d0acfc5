"""A temporary allowance lets one tool run for one caller until it ends, within the rule's other bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_bighub.control_plane.approvals.allowance import MINUTES
from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused
from litellm_bighub.control_plane.store.schema import events
from litellm_bighub.control_plane.store.tables import rules
from litellm_bighub.control_plane.store.tables.events import page
from litellm_bighub.domain.call import CallContext, ToolCall

ASKS = """\
version: 1
default: require_approval
tools: {refund: {value: amount}}
rules:
  - {name: refunds, tool: "refund*", effect: require_approval, max_value: 1000, priority: 7}
"""
AGENT = CallContext(actor="agent", domain="payments", user="u-77", key="k1")


def call(amount=700, name="refund"):
    return ToolCall("c", "function", name, {"amount": amount}, value=amount)


async def verdict(plane, made=None, context=AGENT):
    return (await plane.decide(made or call(), context)).judgement.verdict


async def allow(plane, made=None, context=AGENT, minutes=30):
    asked = await plane.decide(made or call(), context)
    return await plane.resolve(Resolution(asked.approval.id, "approve", "ann", allow_minutes=minutes))


@pytest.mark.parametrize("minutes", MINUTES)
async def test_it_ends(open_plane, clock, minutes):
    plane = open_plane(ASKS)
    await allow(plane, minutes=minutes)

    clock.now += minutes * 60 - 1
    assert await verdict(plane, call(701)) == "allowed"
    clock.now += 1
    assert await verdict(plane, call(702)) == "requires_approval"


@pytest.mark.parametrize(
    ("made", "context", "expected"),
    [
        pytest.param(call(999), AGENT, "allowed", id="other arguments"),
        pytest.param(call(1001), AGENT, "blocked", id="beyond the rule's bound"),
        pytest.param(call(name="refund_all"), AGENT, "requires_approval", id="another tool"),
        pytest.param(call(), replace(AGENT, actor="other"), "requires_approval", id="another actor"),
        pytest.param(call(), replace(AGENT, domain="hr"), "requires_approval", id="another domain"),
        pytest.param(call(), replace(AGENT, user="u-78"), "requires_approval", id="another user"),
        pytest.param(call(), replace(AGENT, key="k2"), "requires_approval", id="another key"),
    ],
)
async def test_it_is_for_this_tool_and_caller(open_plane, made, context, expected):
    plane = open_plane(ASKS)
    await allow(plane)
    await plane.decide(call(), AGENT)  # uses the approval itself up

    assert await verdict(plane, made, context) == expected


async def test_a_name_with_wildcards_allows_no_other(open_plane):
    plane = open_plane(ASKS)
    await allow(plane, context=replace(AGENT, actor="agent-[ab]*"))

    assert await verdict(plane, call(701), replace(AGENT, actor="agent-[ab]*")) == "allowed"
    assert await verdict(plane, call(701), replace(AGENT, actor="agent-a1")) == "requires_approval"


async def test_other_questions_stay_good(open_plane):
    plane = open_plane(ASKS)
    waiting = await plane.decide(call(800), replace(AGENT, actor="other"))
    await allow(plane)
    await plane.resolve(Resolution(waiting.approval.id, "approve", "ann"))

    assert await verdict(plane, call(800), replace(AGENT, actor="other")) == "allowed"


async def test_the_audit_tells_who_granted_it_and_for_how_long(open_plane, clock):
    plane = open_plane(ASKS)
    approved = await allow(plane)

    (granted,) = await plane.read(lambda connection: page(connection, events.c.type == "rule.allowance"))
    told = {"by": "ann", "until": clock.now + 30 * 60, "approval_id": approved.id, "rule": "refunds"}
    assert (granted["body"], granted["severity"], granted["actor"]) == (told, "warning", "agent")


async def test_the_policys_default_can_be_eased_too(open_plane):
    plane = open_plane(ASKS)
    await allow(plane, call(name="mail"))

    assert await verdict(plane, call(1, name="mail")) == "allowed"


async def test_what_no_rule_can_hold_approves_nothing(open_plane):
    plane = open_plane(ASKS)
    refused = await allow(plane, context=replace(AGENT, actor="[" * 200))

    assert isinstance(refused, ResolutionRefused)
    assert refused.code == "too_long"
    assert await plane.read(rules.everything) == []
