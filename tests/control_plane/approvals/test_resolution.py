"""An answer that cannot be carried out says why, and one that can is recorded."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused, caller_of
from litellm_bighub.control_plane.store.schema import events
from litellm_bighub.control_plane.store.tables.events import page
from litellm_bighub.domain.call import FOR_PEOPLE, LEDGERS, CallContext, ToolCall
from litellm_bighub.policy.policy_text import RuleText

POLICY = """\
version: 1
tools: {refund: {value: amount}, transfer: {value: amount}}
rules:
  - {name: refunds, tool: refund, effect: require_approval, max_value: 1000, approval_ttl_seconds: 60}
  - {name: large, tool: transfer, effect: require_approval, require_approval_above: 500, four_eyes: true}
"""
AGENT = CallContext(actor="agent", domain="payments", user="u-77", key="k1", surface="proxy")

WORDS = [each.name for each in fields(CallContext) if each.name not in {*FOR_PEOPLE, "caller_rules"}]


async def ask(plane, tool="refund", amount=700, context=AGENT, **arguments):
    call = ToolCall("c", "function", tool, {"amount": amount, **arguments}, value=amount)
    return (await plane.decide(call, context)).approval


async def told(plane, event_type):
    return await plane.read(lambda connection: page(connection, events.c.type == event_type))


@pytest.mark.parametrize(
    ("edited", "surface", "code", "problem"),
    [
        pytest.param({"amount": 1001}, "proxy", "blocked", "the policy blocks the edited call", id="beyond the bound"),
        pytest.param({"amount": "7"}, "proxy", "blocked", "cannot be decided on", id="no number"),
        pytest.param({"amount": 7, "value": 8}, "http", "blocked", "cannot be decided on", id="told otherwise"),
        pytest.param({"amount": 7, "value": True}, "http", "blocked", "the value is no number", id="no value"),
        pytest.param({"amount": 7, "target": 5}, "http", "blocked", "the target is no text", id="no target"),
    ],
)
async def test_an_edit_that_the_policy_refuses_changes_nothing(open_plane, edited, surface, code, problem):
    plane = open_plane(POLICY)
    approval = await ask(plane, context=CallContext(actor="agent", surface=surface))
    refused = await plane.resolve(Resolution(approval.id, "approve", "ann", edited=edited))

    assert isinstance(refused, ResolutionRefused)
    assert refused.code == code
    assert problem in refused.problem
    assert (await plane.wait(approval.id, timeout=0)).state == "pending"


async def test_a_gateway_that_asked_over_http_takes_no_edit(open_plane):
    plane = open_plane(POLICY)
    approval = await ask(plane, context=CallContext(actor="agent", surface="http"), gateway={"trace_id": "t"})
    refused = await plane.resolve(Resolution(approval.id, "approve", "ann", edited={"amount": 1}))

    assert "runs the arguments it has" in refused.problem


@pytest.mark.parametrize(("first", "second"), [("approve", "deny"), ("deny", "approve"), ("approve", "approve")])
async def test_of_two_answers_the_first_counts(open_plane, first, second):
    plane = open_plane(POLICY)
    approval = await ask(plane)
    resolved = await plane.resolve(Resolution(approval.id, first, "ann"))
    refused = await plane.resolve(Resolution(approval.id, second, "bob"))

    assert isinstance(refused, ResolutionRefused)
    assert (refused.code, refused.problem) == ("resolved", f"the approval is already {resolved.state}")


async def test_a_key_that_the_first_person_made_is_no_second_person(open_plane):
    plane = open_plane(POLICY)
    approval = await ask(plane, "transfer", 700)
    await plane.resolve(Resolution(approval.id, "approve", "ann", person="k1"))
    refused = await plane.resolve(Resolution(approval.id, "approve", "ann's script", person="k1"))

    assert refused.code == "same_person"
    assert (await plane.resolve(Resolution(approval.id, "approve", "bob", person="k2"))).state == "approved"


async def test_a_note_is_recorded_and_changes_no_argument(open_plane):
    plane = open_plane(POLICY)
    approval = await ask(plane)
    noted = Resolution(approval.id, "approve", "ann", comment="inner", told="once, key=sk-abcdefghijklmnop0123456789")
    resolved = await plane.resolve(noted)
    decided = await plane.decide(ToolCall("c", "function", "refund", {"amount": 700}, value=700), AGENT)

    assert (decided.judgement.verdict, decided.edited) == ("allowed", None)
    assert decided.told == resolved.told
    assert decided.told.startswith("once, ")
    assert "sk-abc" not in decided.told
    (event,) = await told(plane, "approval.resolved")
    assert (event["body"]["told"], event["body"]["comment"]) == (decided.told, "inner")


async def test_of_two_people_both_are_heard_and_none_of_what_an_edit_makes_void(open_plane):
    plane = open_plane(POLICY)
    one = await ask(plane, "transfer", 700)
    await plane.resolve(Resolution(one.id, "approve", "ann", person="k1", told="to the EU"))
    assert (await plane.resolve(Resolution(one.id, "approve", "bob", person="k2", told="today"))).told == (
        "to the EU\ntoday"
    )

    two = await ask(plane, "transfer", 800)
    await plane.resolve(Resolution(two.id, "approve", "ann", person="k1", told="to the EU"))
    edited = await plane.resolve(Resolution(two.id, "approve", "bob", person="k2", told="less", edited={"amount": 600}))
    assert (await plane.resolve(Resolution(two.id, "approve", "eve", person="k3", shown=edited.ballot))).told == "less"

    three = await ask(plane, "transfer", 900)
    await plane.resolve(Resolution(three.id, "approve", "ann", person="k1", told="to the EU"))
    assert (await plane.resolve(Resolution(three.id, "deny", "bob", person="k2"))).told == ""


async def test_an_edit_is_told_with_what_was_before(open_plane):
    plane = open_plane(POLICY)
    approval = await ask(plane)
    await plane.resolve(Resolution(approval.id, "approve", "ann", comment="less", edited={"amount": 600}))

    (event,) = await told(plane, "approval.resolved")
    body = event["body"]
    assert (body["answer"], body["by"], body["comment"]) == ("approve", "ann", "less")
    assert (body["before"], body["after"]) == ({"amount": 700}, {"amount": 600})
    assert body["before_digest"] != body["after_digest"]
    assert event["subject"] == approval.id


async def test_a_denial_is_told_without_an_edit(open_plane):
    plane = open_plane(POLICY)
    approval = await ask(plane)
    await plane.resolve(Resolution(approval.id, "deny", "ann", edited={"amount": 600}))

    (event,) = await told(plane, "approval.resolved")
    assert event["body"] == {"answer": "deny", "by": "ann", "person": "ann", "comment": ""}


async def test_an_expiry_is_told_once(open_plane, clock):
    plane = open_plane(POLICY)
    approval = await ask(plane)
    clock.now += 60

    assert [await plane.expire_due(), await plane.expire_due()] == [1, 0]
    (event,) = await told(plane, "approval.expired")
    assert (event["subject"], event["actor"], event["body"]) == (approval.id, "agent", {})


async def test_an_answer_is_given_in_the_context_of_the_question(open_plane):
    plane = open_plane(POLICY)
    context = CallContext(**{name: f"the {name}" for name in WORDS}, caller_rules='{"key":[]}')

    assert caller_of(await ask(plane, context=context)) == replace(context, **dict.fromkeys(LEDGERS, ""))


@pytest.mark.parametrize("name", sorted({each.name for each in fields(CallContext)} & RuleText.model_fields.keys()))
async def test_an_edit_is_judged_by_whatever_rules_see_of_the_caller(open_plane, name):
    """Each field that a rule can name: a rule that blocks larger amounts of this caller blocks the edit."""
    context = CallContext(**{name: f"the {name}" for name in WORDS})
    rule = f"- {{name: bounded, tool: refund, {name}: the {name}, max_value: 800, effect: require_approval}}"
    plane = open_plane(POLICY.replace("rules:\n", f"rules:\n  {rule}\n"))
    approval = await ask(plane, context=context)
    refused = await plane.resolve(Resolution(approval.id, "approve", "ann", edited={"amount": 900}))

    assert approval.rule_id == "bounded"
    assert isinstance(refused, ResolutionRefused)
    assert "bounded" in refused.problem


LABELLED = """\
version: 1
tools: {refund: {value: amount}, fetch: {output: untrusted}}
rules:
  - {name: lured, tool: refund, taint: untrusted, when: "amount > `800`", effect: block}
  - {name: refunds, tool: refund, effect: require_approval}
"""


@pytest.mark.parametrize(("stored", "used", "problem"), [("fetch", "", "edit"), ("", "fetch", "use"), ("", "", None)])
async def test_an_edit_is_judged_with_what_had_come_back_before_the_call(open_plane, stored, used, problem):
    """When a person answers with what was stored, and when it is used with what has come back since, too."""
    plane = open_plane(LABELLED)
    approval = await ask(plane, context=replace(AGENT, outputs=stored))
    answered = await plane.resolve(Resolution(approval.id, "approve", "ann", edited={"amount": 900}))
    assert isinstance(answered, ResolutionRefused) is (problem == "edit")
    if problem != "edit":
        call = ToolCall("c", "function", "refund", {"amount": 700}, value=700)
        decided = await plane.decide(call, replace(AGENT, outputs=used))
        assert decided.judgement.verdict == ("blocked" if problem else "allowed")


SEQUENCE = """\
version: 1
tools: {refund: {value: amount}}
rules:
  - {name: after the vault, tool: refund, after: vault, when: "amount > `800`", effect: block}
  - {name: refunds, tool: refund, effect: require_approval}
"""


@pytest.mark.parametrize(("stored", "used", "passes"), [(";", ";", True), (";", ";<vault;1;", False)])
async def test_an_edit_is_judged_with_the_earlier_calls_of_then_and_now(open_plane, stored, used, passes):
    plane = open_plane(SEQUENCE)
    approval = await ask(plane, context=replace(AGENT, history=stored))
    assert not isinstance(await plane.resolve(Resolution(approval.id, "approve", "ann", edited={"amount": 900})), str)
    decided = await plane.decide(
        ToolCall("c", "function", "refund", {"amount": 700}, value=700), replace(AGENT, history=used)
    )
    assert (decided.judgement.verdict == "allowed") is passes
