"""Who may answer: groups, quorums, escalation, and nobody their own call."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import approvals, events
from litellm_bighub.domain.call import CallContext, ToolCall

POLICY = """\
version: 1
tools: {pay: {value: amount}, refund: {value: amount}}
rules:
  - {name: finance, tool: pay, effect: require_approval, approvers: "group:finance",
     escalation: {after_seconds: 60, to: [group:leads]}}
  - {name: quorum, tool: deploy, effect: require_approval, quorum: {count: 2, group: security}, approvers: [user:boss]}
  - {name: eyes, tool: wire, effect: require_approval, four_eyes: true, approvers: "group:finance"}
  - {name: small, tool: refund, when: "amount < `100`", effect: require_approval}
  - {name: large, tool: refund, effect: require_approval, approvers: "group:finance", max_total_per_day: 500}
  - {name: anybody, tool: read, effect: require_approval}
"""
GROUPS = {
    "fay": "finance",
    "fred": "finance",
    "lea": "leads",
    "sam": "security",
    "sue": "security",
    "sid": "security",
    "boss": "",
}
DENIES = {"answer": "deny"}
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
def ask(plane):
    async def ask_(tool, amount=700, user="kim"):
        call = ToolCall("c", "function", tool, {"amount": amount}, value=amount)
        decided = await plane.decide(call, CallContext("agent", "shop", user=user, surface="/v1/responses"))
        assert decided.judgement.verdict == "requires_approval", decided.judgement
        return decided.approval.id

    return ask_


@pytest.fixture
def says(plane):
    """What becomes of a user's answer to what is shown now: the state, or the code of its refusal."""

    async def says_(name, approval_id, *, answer="approve", plane=plane, **more):
        groups = frozenset(GROUPS[name].split()) if name in GROUPS else frozenset()
        user = name if name in GROUPS else ""
        approval = await plane.read(lambda connection: approvals.get(connection, approval_id))
        said = Resolution(approval_id, answer, name, person=f"id of {name}", user=user, groups=groups)
        resolution = replace(said, shown=approval.ballot, **more)
        result = await plane.resolve(resolution)
        return result.code if isinstance(result, ResolutionRefused) else result.state

    return says_


@only_sqlite
@pytest.mark.parametrize(
    ("tool", "answers"),
    [
        ("pay", [("sam", {}, "not_approver"), ("key", {}, "not_approver"), ("fay", {}, "approved")]),
        ("pay", [("sam", DENIES, "not_approver"), ("fred", DENIES, "denied")]),
        ("read", [("key", {}, "approved")]),
        (
            "wire",
            [
                ("fay", {}, "awaiting_second"),
                ("fay", {}, "same_person"),
                ("sam", {}, "not_approver"),
                ("fred", {}, "approved"),
            ],
        ),
        (
            "deploy",
            [
                ("sam", {}, "awaiting_second"),
                ("boss", {}, "awaiting_second"),
                ("boss", {}, "same_person"),
                ("sue", {}, "approved"),
            ],
        ),
        (
            "deploy",
            [
                ("sam", {}, "awaiting_second"),
                ("sue", {}, "awaiting_second"),
                ("fay", {}, "not_approver"),
                ("boss", {}, "approved"),
            ],
        ),
        ("deploy", [("sam", {}, "awaiting_second"), ("sue", DENIES, "denied")]),
        (
            "deploy",
            [
                ("boss", {}, "awaiting_second"),
                ("sam", {}, "awaiting_second"),
                ("sam", {"edited": {"amount": 1}}, "awaiting_second"),
                ("boss", {}, "awaiting_second"),
                ("sue", {}, "approved"),
            ],
        ),
        ("pay", [("fay", {"allow_minutes": 10}, "no_allowance"), ("fay", {}, "approved")]),
        ("pay", [("fay", {"litellm_user": "kim"}, "own_call"), ("fay", {"litellm_user": "kim", **DENIES}, "denied")]),
        ("read", [("key", {"litellm_user": "lee"}, "approved")]),
    ],
    ids=str,
)
async def test_answers_count_by_who_gives_them(tool, answers, ask, says):
    approval_id = await ask(tool)
    assert [await says(name, approval_id, **more) for name, more, _ in answers] == [state for _, _, state in answers]


@only_sqlite
async def test_who_is_of_a_group_that_has_approved_enough_adds_nothing(ask, says):
    approval_id = await ask("deploy")
    states = [await says(name, approval_id) for name in ("sam", "sue", "sid", "boss")]
    assert states == ["awaiting_second", "awaiting_second", "not_approver", "approved"]


@only_sqlite
async def test_an_unknown_requester_is_nobodys_own(ask, says):
    approval_id = await ask("pay", user="")
    assert await says("fay", approval_id, litellm_user="") == "approved"


@only_sqlite
async def test_others_may_answer_after_a_time_and_that_is_an_event_once(ask, says, plane, clock):
    approval_id = await ask("pay")
    clock.now += 59
    assert (await says("lea", approval_id), await plane.escalate_due()) == ("not_approver", 0)
    clock.now += 1
    assert (await plane.escalate_due(), await plane.escalate_due()) == (1, 0)
    (event,) = await plane.read(lambda c: events.page(c, table.c.type == "approval.escalated"))
    assert (event["subject"], event["body"]) == (approval_id, {"to": ["group:finance", "group:leads"]})
    assert await says("lea", approval_id) == "approved"


@only_sqlite
async def test_an_edit_makes_earlier_votes_void(ask, says, plane):
    approval_id = await ask("wire")
    await says("fay", approval_id)
    assert await says("fred", approval_id, edited={"amount": 5}) == "awaiting_second"
    approval = await plane.wait(approval_id, timeout=0)
    assert [vote.name for vote in approval.counting] == ["fred"]
    assert await says("fred", approval_id) == "same_person"
    assert await says("fay", approval_id) == "approved"


@only_sqlite
async def test_an_edit_that_would_need_other_people_is_refused(ask, plane):
    approval_id = await ask("refund", 50)
    edited = Resolution(approval_id, "approve", "sam", edited={"amount": 400})
    refused = await plane.resolve(edited)
    assert (refused.code, refused.sentence) == ("blocked", "other_people")


async def test_of_two_answers_at_once_one_wins(ask, says, open_plane):
    other = open_plane(POLICY)
    for _ in range(3):
        approval_id = await ask("pay", amount=700 + _)
        results = await asyncio.gather(
            says("fay", approval_id), says("fred", approval_id, answer="deny", plane=other), says("fred", approval_id)
        )
        assert sorted(result == "resolved" for result in results) == [False, True, True]


async def test_two_votes_at_once_are_both_counted(ask, says, open_plane):
    other = open_plane(POLICY)
    approval_id = await ask("wire")
    results = await asyncio.gather(says("fay", approval_id), says("fred", approval_id, plane=other))
    assert sorted(results) == ["approved", "awaiting_second"]


async def test_an_edit_has_the_room_of_its_own_approval_alone(ask, plane):
    """It used to find the approval of an identical call, and took what that one has reserved for its own."""
    waits = await ask("refund", 400)
    small = await ask("refund", 50)
    edited = Resolution(small, "approve", "fay", user="fay", groups=frozenset({"finance"}), edited={"amount": 400})
    refused = await plane.resolve(edited)
    assert refused.problem.endswith("100 of 500 are left (large)")
    assert (await plane.wait(waits, timeout=0)).state == "pending"
