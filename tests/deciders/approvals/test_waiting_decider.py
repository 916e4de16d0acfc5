"""Waiting for a person, with the embedded control plane in a real file and with the hosted service behind real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.store.tables import approvals, switches
from litellm_bighub.control_plane.store.tables.switches import Switch
from litellm_bighub.deciders.approvals.waiting_decider import AnsweredApproval, settled, waiting_decider_of
from litellm_bighub.deciders.hosted.hosted_approvals import HostedApprovals
from litellm_bighub.deciders.hosted.hosted_decider import hosted
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.deciders.wrappers.circuit import Breaker
from litellm_bighub.deciders.wrappers.deadline import Deadline
from litellm_bighub.deciders.wrappers.retry import Retry
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Basis, Block, RequireApproval
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable
from litellm_bighub.settings import ServiceSettings
from litellm_bighub.testing import HostedBighub, ScriptedDecider, allow, require_approval
from tests.deciders.fakes import Kept

POLICY = """\
version: 1
rules:
  - {name: refunds, tool: refund, require_approval_above: 500, max_value: 1000}
  - {name: lookups, tool: look_up, effect: allow}
tools:
  refund: {value: amount}
"""
CALL = ToolCall("call_1", "function", "refund", {"amount": 700})
LOOK_UP = ToolCall("call_2", "function", "look_up")
CONTEXT = CallContext(actor="bot")
PATIENT = 20.0


@pytest.fixture
async def embedded(tmp_path):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    decider = EmbeddedDecider.from_policy_file(tmp_path / "bighub_policy.yaml")
    yield decider
    await decider.aclose()


@pytest.fixture
def decisions(embedded):
    """The hook over the embedded decider, with what it recorded."""
    kept = Kept()
    return ToolDecisions(embedded, tools=embedded.policy.tools, sinks=[kept]), kept


@asynccontextmanager
async def asked(decisions: ToolDecisions, *calls: ToolCall, seconds: float = PATIENT) -> AsyncIterator[asyncio.Task]:
    """The decisions that are waited for."""
    task = asyncio.ensure_future(decisions.decide(calls or [CALL], CONTEXT, wait_seconds=seconds))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def pending(embedded, count: int = 1):
    """The approvals that wait, when there are so many."""
    plane = await embedded.plane()
    while True:
        with plane.signals.watch() as changed:
            found = await plane.read(
                lambda connection: approvals.listed(connection, now=plane.clock(), state="pending")
            )
            if len(found) >= count:
                return found
            await changed(1.0)


async def resolve(embedded, approval_id, answer="approve", **more):
    plane = await embedded.plane()
    return await plane.resolve(Resolution(approval_id, answer, by="ann", **more))


async def states(embedded):
    plane = await embedded.plane()
    found = await plane.read(lambda connection: approvals.listed(connection, now=plane.clock()))
    return sorted(approval.state for approval in found)


@pytest.mark.lesson("under one approved id the tool runs any number of times")
async def test_approved_it_is_allowed_and_the_approval_used_up(embedded, decisions):
    hook, kept = decisions
    async with asked(hook) as task:
        [approval] = await pending(embedded)
        await resolve(embedded, approval.id)
        [decision] = await task

    assert isinstance(decision, Allow)
    assert decision.reason == "approved by ann"
    assert await states(embedded) == ["consumed"]
    assert [(event.verdict, event.path) for event in kept.events] == [("requires_approval", ""), ("allowed", "")]
    assert len({event.trace_id for event in kept.events}) == 1


async def test_edited_and_approved_the_edit_flows(embedded, decisions):
    hook, _ = decisions
    async with asked(hook) as task:
        [approval] = await pending(embedded)
        await resolve(embedded, approval.id, edited={"amount": 600})
        [decision] = await task

    assert isinstance(decision, Allow)
    assert decision.edited == {"amount": 600}


async def test_denied_it_is_blocked_and_nobody_is_asked_again(embedded, decisions):
    hook, kept = decisions
    async with asked(hook) as task:
        [approval] = await pending(embedded)
        await resolve(embedded, approval.id, "deny")
        [decision] = await task

    assert isinstance(decision, Block)
    assert decision.basis.blocked_by == "denied"
    assert await states(embedded) == ["denied"]
    assert [event.verdict for event in kept.events] == ["requires_approval", "blocked"]


async def test_out_of_time_it_still_waits_for_a_person(embedded, decisions):
    hook, kept = decisions
    [decision] = await hook.decide([CALL], CONTEXT, wait_seconds=0.01)

    assert isinstance(decision, RequireApproval)
    assert await states(embedded) == ["pending"]
    assert [event.verdict for event in kept.events] == ["requires_approval"]


async def test_of_two_waiters_for_one_approval_one_is_released(embedded, decisions):
    """The other one asks anew, because a person approved one call."""
    hook, _ = decisions
    async with asked(hook) as one, asked(hook) as other:
        [approval] = await pending(embedded)
        await resolve(embedded, approval.id)
        await asyncio.wait({one, other}, return_when=asyncio.FIRST_COMPLETED)
        [again] = await pending(embedded)

        assert again.id != approval.id
        assert one.done() != other.done()
    assert await states(embedded) == ["consumed", "pending"]


async def test_who_hangs_up_leaves_a_pending_approval_for_the_identical_call(embedded, decisions):
    hook, _ = decisions
    async with asked(hook):
        [approval] = await pending(embedded)
    await resolve(embedded, approval.id)

    [decision] = await hook.decide([CALL], CONTEXT)

    assert isinstance(decision, Allow)
    assert await states(embedded) == ["consumed"]


async def test_a_kill_switch_while_it_waits_blocks(embedded, decisions):
    """What counts is the moment of the release, not of the question."""
    hook, _ = decisions
    plane = await embedded.plane()

    def switch_on(transaction):
        switch = Switch("ks_1", "global", "", "", reason="now", activated_by="ann", activated_at=plane.clock())
        switches.activate(transaction.connection, switch)
        transaction.reconfigure()

    async with asked(hook) as task:
        [approval] = await pending(embedded)
        await plane.write(switch_on)
        await resolve(embedded, approval.id)
        [decision] = await task

    assert isinstance(decision, Block)
    assert decision.basis.blocked_by == "kill_switch"


async def test_other_calls_are_decided_but_wait_with_it(embedded, decisions):
    hook, kept = decisions
    async with asked(hook, LOOK_UP, CALL) as task:
        [approval] = await pending(embedded)
        await resolve(embedded, approval.id)
        assert [type(decision) for decision in await task] == [Allow, Allow]
    assert sorted(event.tool for event in kept.events) == ["look_up", "refund", "refund"]


class Person:
    """A waiter that answers by a list."""

    name = "person"

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.waited_for: list[str] = []

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        self.waited_for.append(approval_id)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


ASKED = RequireApproval("large", "a1", basis=Basis(decision_id="d1"))


@pytest.mark.parametrize(
    ("answers", "again", "expected"),
    [
        pytest.param([AnsweredApproval("open")], [], ASKED, id="out of time"),
        pytest.param([DecisionUnavailable("x"), AnsweredApproval("open")], [], ASKED, id="nobody can tell for a while"),
        pytest.param([AnsweredApproval("approved")], [Allow("ok")], Allow("ok"), id="approved and used up"),
        pytest.param(
            [AnsweredApproval("approved"), DecisionUnavailable("x"), AnsweredApproval("approved")],
            [DecisionUnavailable("x"), Allow("ok")],
            Allow("ok"),
            id="approved and decided when the database was back",
        ),
        pytest.param(
            [AnsweredApproval("approved")],
            [DecisionRefused("bad key")],
            Block("the decider refused to decide: bad key", Basis(blocked_by="refused"), "unreadable"),
            id="approved and refused for good",
        ),
        pytest.param([DecisionRefused("no")], [], ASKED, id="refused for good"),
        pytest.param([AnsweredApproval("approved")], [Block("kill")], Block("kill"), id="approved but blocked now"),
        pytest.param([AnsweredApproval("approved")], [ASKED], ASKED, id="the same question again"),
        pytest.param(
            [AnsweredApproval("void"), AnsweredApproval("approved")],
            [RequireApproval("large", "a2"), Allow("ok")],
            Allow("ok"),
            id="void, asked anew and approved",
        ),
        pytest.param(
            [AnsweredApproval("void"), AnsweredApproval("open")],
            [RequireApproval("large", "a2")],
            RequireApproval("large", "a2"),
            id="void, asked anew and out of time",
        ),
        pytest.param(
            [AnsweredApproval("approved", by="ann", bound=False, edited={"n": 1})],
            [],
            Allow("approved by ann", edited={"n": 1}, basis=ASKED.basis),
            id="the answer is the permission",
        ),
        pytest.param(
            [AnsweredApproval("denied", told="not today")],
            [],
            Block("denied", Basis("d1", "denied"), "denied", told="not today"),
            id="denied with words",
        ),
        pytest.param([AnsweredApproval("denied")], [], Block("denied", Basis("d1", "denied"), "denied"), id="denied"),
    ],
)
async def test_what_comes_of_an_answer(answers, again, expected):
    person = Person(*answers)
    questions = iter(again)

    async def decide_again(_approval_id):
        answer = next(questions)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await settled(person, ASKED, decide_again, seconds=PATIENT, pause_seconds=0) == expected
    assert person.answers == []
    assert list(questions) == []


async def test_fail_open_opens_no_call_that_a_person_was_asked_for():
    class Flaky(ScriptedDecider):
        async def decide(self, call, context):
            self.otherwise, answer = DecisionUnavailable("down"), self.otherwise
            if isinstance(answer, BaseException):
                raise answer
            return answer

        async def answered(self, approval_id, *, seconds):
            return AnsweredApproval("void")

    kept = Kept()
    hook = ToolDecisions(Flaky(otherwise=ASKED), fail_mode="open", sinks=[kept])
    [decision] = await hook.decide([CALL], CONTEXT, wait_seconds=0.05)

    assert isinstance(decision, Block)
    assert decision.cause == "unreachable"
    assert [event.verdict for event in kept.events] == ["requires_approval", "blocked"]


async def test_a_decision_that_cannot_be_recorded_after_the_wait_withholds():
    class Approved(ScriptedDecider):
        async def answered(self, approval_id, *, seconds):
            kept.error = OSError("full")
            return AnsweredApproval("approved", bound=False)

    kept = Kept()
    [decision] = await ToolDecisions(Approved(otherwise=ASKED), sinks=[kept]).decide(
        [CALL], CONTEXT, wait_seconds=PATIENT
    )
    assert isinstance(decision, Block)
    assert decision.basis.blocked_by == "unrecorded"


def test_wrappers_pass_it_on(embedded):
    wrapped = Breaker(Deadline(Retry(embedded, attempts=1, patience=1), 1), failures=1, reset_seconds=1)
    assert waiting_decider_of(wrapped) is embedded
    assert ToolDecisions(wrapped).can_wait
    assert waiting_decider_of(Deadline(ScriptedDecider(), 1)) is None
    assert not ToolDecisions(ScriptedDecider()).can_wait


@pytest.mark.parametrize(
    ("caller", "approve", "counts", "state"),
    [
        pytest.param(CONTEXT, True, True, "approved", id="consents"),
        pytest.param(CONTEXT, False, True, "denied", id="refuses"),
        pytest.param(CallContext(actor="another"), True, False, "pending", id="another actor"),
        pytest.param(CallContext(actor="bot", user="eve"), True, False, "pending", id="another user"),
    ],
)
async def test_a_caller_answers_for_its_own_calls_only(embedded, decisions, caller, approve, counts, state):
    hook, _ = decisions
    [asked] = await hook.decide([CALL], CONTEXT)

    assert await hook.consent(asked.approval_id, caller, approve=approve) == counts
    assert await states(embedded) == [state]
    if counts:
        plane = await embedded.plane()
        approval = await plane.read(lambda connection: approvals.get(connection, asked.approval_id))
        assert approval.resolved_by == "caller:bot"
        assert not await hook.consent(asked.approval_id, caller, approve=approve)


async def test_a_caller_is_none_of_four_eyes(tmp_path):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY.replace("max_value: 1000", "four_eyes: true"))
    decider = EmbeddedDecider.from_policy_file(tmp_path / "bighub_policy.yaml")
    hook = ToolDecisions(decider, tools=decider.policy.tools)
    [asked] = await hook.decide([CALL], CONTEXT)

    assert not await hook.consent(asked.approval_id, CONTEXT, approve=True)
    assert await states(decider) == ["pending"]
    await hook.aclose()


async def test_who_records_no_consent_takes_none():
    hook = ToolDecisions(ScriptedDecider())
    assert not hook.takes_consent
    assert not await hook.consent("apr_1", CONTEXT, approve=True)


@pytest.mark.parametrize(
    ("approval", "counts"),
    [
        pytest.param({"request_id": "req_1", "status": "pending", "actor": "bot"}, True, id="its own"),
        pytest.param({"request_id": "req_1", "status": "pending", "actor": "x"}, False, id="another's"),
        pytest.param({"request_id": "req_1", "status": "pending", "actor": "bot", "four_eyes": True}, False, id="two"),
        pytest.param({"request_id": "req_1", "status": "denied", "actor": "bot"}, False, id="answered"),
    ],
)
async def test_the_hosted_service_is_told_of_a_callers_consent(bighub, service, approval, counts):
    bighub.approvals["req_1"] = approval
    assert await service.consent("req_1", CONTEXT, approve=True) == counts
    if counts:
        assert (approval["status"], approval["comment"]) == ("approved", "consent of caller:bot")


@pytest.mark.lesson("an id that is a path activates the kill switch")
async def test_an_id_that_is_a_path_reaches_nobody(bighub, service):
    path = "../kill-switch/activate?x="
    bighub.approvals[path] = {"request_id": path, "status": "pending", "actor": "bot"}
    assert not await service.consent(path, CONTEXT, approve=True)


@pytest.fixture
def bighub():
    with HostedBighub(require_approval("req_1"), allow()) as bighub:
        yield bighub


@pytest.fixture
async def service(bighub):
    key = SecretStr(bighub.api_key)
    decider = hosted(ServiceSettings(base_url=bighub.url, api_key=key, deadline_seconds=20, breaker_failures=0))
    yield ToolDecisions(decider)
    await decider.aclose()


async def test_the_hosted_services_approval_is_the_permission(bighub, service):
    bighub.approvals["req_1"] = {"request_id": "req_1", "status": "approved", "resolved_by": "ann"}
    [decision] = await service.decide([CALL], CONTEXT, wait_seconds=PATIENT)

    assert isinstance(decision, Allow)
    assert decision.reason == "approved by ann"
    assert len(bighub.requests) == 1


async def test_an_approval_that_a_control_plane_binds_is_used_up_by_another_question(bighub, service):
    bighub.approvals["req_1"] = {"request_id": "req_1", "status": "approved", "four_eyes": False}
    [decision] = await service.decide([CALL], CONTEXT, wait_seconds=PATIENT)

    assert isinstance(decision, Allow)
    first, again = (request.headers["idempotency-key"] for request in bighub.requests)
    assert first != again


async def test_an_approval_that_nobody_knows_stays_open(bighub, service):
    [decision] = await service.decide([CALL], CONTEXT, wait_seconds=0.2)
    assert isinstance(decision, RequireApproval)


class Lists:
    """What the service lists, look by look; each entry is one look at the pending ones."""

    def __init__(self, *looks) -> None:
        self.looks = list(looks)
        self.asked = 0

    async def list(self, *, status_filter="pending", limit=None):
        self.asked += 1
        if status_filter == "pending":
            self.now = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [item for item in self.now if item["status"] == status_filter]


def item(status, **more):
    return {"request_id": "r", "status": status, **more}


async def _at_once(_seconds):
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param(
            [[item("pending")], [], [item("approved")]], AnsweredApproval("approved", bound=False), id="in the end"
        ),
        pytest.param([[item("denied")]], AnsweredApproval("denied"), id="denied"),
        pytest.param([[item("rejected", resolved_by="bob")]], AnsweredApproval("denied", by="bob"), id="rejected"),
        pytest.param([[item("approved", four_eyes=True)]], AnsweredApproval("approved"), id="bound"),
        pytest.param(
            [[item("approved", modified_action={"arguments": {"amount": 1}})]],
            AnsweredApproval("approved", bound=False, edited={"amount": 1}),
            id="modified",
        ),
    ],
)
async def test_the_lists_are_looked_at_until_it_is_answered(looks, expected):
    waiter = HostedApprovals(Lists(*looks), sleep=_at_once)
    assert await waiter.answered("r", seconds=PATIENT) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"modified_action": "pay less"},
        {"modified_action": {"amount": 1}},
        {"review_decision": "modified"},
        {"edited_arguments": {"card": "[redacted:card]"}},
    ],
    ids=str,
)
async def test_a_change_that_cannot_be_carried_out_releases_nothing(change):
    with pytest.raises(DecisionRefused):
        await HostedApprovals(Lists([item("approved", **change)])).answered("r", seconds=PATIENT)


async def test_one_look_serves_all_who_wait():
    pending = [item("pending", request_id=f"r{number}") for number in range(50)]
    denied = [{**each, "status": "denied"} for each in pending]
    lists = Lists(pending, pending, denied)
    waiter = HostedApprovals(lists, sleep=_at_once)
    answers = await asyncio.gather(*(waiter.answered(f"r{number}", seconds=PATIENT) for number in range(50)))

    assert answers == [AnsweredApproval("denied")] * 50
    assert lists.asked < 20


async def test_a_permission_is_given_once():
    waiter = HostedApprovals(Lists([item("approved")]))
    assert (await waiter.answered("r", seconds=PATIENT)).state == "approved"
    assert (await waiter.answered("r", seconds=PATIENT)).state == "void"
