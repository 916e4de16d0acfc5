"""The control plane on a real SQLite file and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import fields, replace

import pytest
from sqlalchemy import select

from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.store.chain import ChainBreak
from litellm_bighub.control_plane.store.schema import events, usage
from litellm_bighub.control_plane.store.tables import switches
from litellm_bighub.control_plane.store.tables.approvals import OPEN, TRANSITIONS
from litellm_bighub.control_plane.store.tables.events import count, verify
from litellm_bighub.domain.call import FOR_PEOPLE, LEDGERS, CallContext, ToolCall
from litellm_bighub.domain.call_background import CallBackground, Utterance
from litellm_bighub.domain.decision import Allow
from tests.control_plane import using

ASKS = """\
version: 1
tools: {refund: {value: amount}}
rules:
  - {name: refunds, tool: refund, effect: require_approval, max_value: 1000, approval_ttl_seconds: 60}
"""
TWO_PEOPLE = ASKS.replace("max_value: 1000", "max_value: 1000, four_eyes: true")
AGENT = CallContext(actor="agent", domain="payments")


def refund(amount: float = 700, **arguments) -> ToolCall:
    return ToolCall("c", "function", "refund", {"amount": amount, **arguments}, value=amount)


async def said(plane, call=None, context=AGENT):
    """Verdict, field, and the approval's id."""
    outcome = await plane.decide(call or refund(), context)
    approval_id = outcome.approval.id if outcome.approval else ""
    return outcome.judgement.verdict, outcome.judgement.blocked_by, approval_id


async def ask(plane, call=None) -> str:
    verdict, _, approval_id = await said(plane, call)
    assert verdict == "requires_approval"
    return approval_id


async def test_an_approved_call_runs_once(open_plane):
    plane = open_plane(ASKS)
    approval_id = await ask(plane)
    await plane.resolve(Resolution(approval_id, "approve", "ann"))
    assert await said(plane) == ("allowed", "", approval_id)
    assert await ask(plane) != approval_id


async def test_what_people_read_of_a_conversation_is_read_while_others_decide(open_plane):
    """It takes time where a conversation is long; a call that nobody is asked about is not read about at all."""
    plane, loop = open_plane(ASKS), asyncio.get_running_loop()
    read: list[str] = []

    def background(call: ToolCall) -> CallBackground:
        other = ToolCall("c", "function", "lookup", {})
        asyncio.run_coroutine_threadsafe(plane.decide(other, AGENT), loop).result(timeout=30)
        read.append(call.name)
        return CallBackground((Utterance("user", "Pay. password=hunter2secret"),))

    context = replace(AGENT, background=background)
    outcome = await plane.decide(refund(), context)
    assert "Pay. password=" in outcome.approval.background
    assert "hunter2secret" not in outcome.approval.background
    await plane.decide(refund(), context)
    await plane.decide(ToolCall("c", "function", "lookup", {}), context)
    assert read == ["refund"]


async def test_an_identical_call_joins_the_question_that_is_open(open_plane):
    plane = open_plane(ASKS)
    assert await ask(plane) == await ask(plane)


@pytest.mark.parametrize(
    ("call", "context"),
    [
        pytest.param(refund(701), AGENT, id="other arguments"),
        pytest.param(refund(700, note=""), AGENT, id="one argument more"),
        pytest.param(refund(), CallContext(actor="other", domain="payments"), id="another actor"),
        pytest.param(refund(), CallContext(actor="agent", domain="hr"), id="another domain"),
        pytest.param(refund(), replace(AGENT, user="u-77"), id="another user"),
        pytest.param(refund(), replace(AGENT, key="k2"), id="another key"),
        pytest.param(ToolCall("c", "custom", "refund", {"amount": 700}, value=700), AGENT, id="another type"),
    ],
)
async def test_an_approval_is_for_exactly_one_call(open_plane, call, context):
    plane = open_plane(ASKS)
    approval_id = await ask(plane)
    await plane.resolve(Resolution(approval_id, "approve", "ann"))
    verdict, _, asked = await said(plane, call, context)
    assert verdict == "requires_approval"
    assert asked != approval_id


OWNERS = [
    CallContext("key:u-77", "payments", key="k1"),
    CallContext("user:u-77", "payments", user="u-77"),
    CallContext("u-77", "payments"),
    CallContext("key:team", "payments", key="k2", user="ann"),
    CallContext("key:team", "payments", key="k2", user="bob"),
    CallContext("key:team", "payments", key="k3", user="ann"),
]


@pytest.mark.parametrize("edited", [None, {"amount": 600}], ids=["as it is", "edited"])
@pytest.mark.parametrize("whose", range(len(OWNERS)))
async def test_nobody_uses_up_what_was_approved_for_another(open_plane, whose, edited):
    """Neither by a name that looks alike, nor as another user of the same key."""
    plane = open_plane(ASKS)
    mine = OWNERS[whose]
    _, _, approval_id = await said(plane, context=mine)
    await plane.resolve(Resolution(approval_id, "approve", "ann", edited=edited))
    for other in OWNERS:
        if other is not mine:
            verdict, _, asked = await said(plane, context=other)
            assert (verdict, asked == approval_id) == ("requires_approval", False)
    assert await said(plane, context=mine) == ("allowed", "", approval_id)


async def test_only_what_a_run_is_called_by_is_not_bound(open_plane):
    """Of who asks everything is; a field that is added to the context is bound or named here."""
    of_the_run = {"trace_id", "surface", "model", "response_id", "team", "conversation", *LEDGERS, *FOR_PEOPLE}
    of_the_run |= {
        "key_alias",
        "outputs",
        "history",
    }  # the key is bound, and what came before is judged again
    plane = open_plane(ASKS)
    approval_id = await ask(plane)
    for field in fields(CallContext):
        _, _, asked = await said(plane, context=replace(AGENT, **{field.name: "x"}))
        assert (asked == approval_id) == (field.name in of_the_run), field.name


async def test_an_approval_ends_with_the_policy_it_was_given_under(open_plane):
    plane = open_plane(ASKS)
    approval_id = await ask(plane)
    await plane.resolve(Resolution(approval_id, "approve", "ann"))
    changed = open_plane(ASKS.replace("1000", "2000"))
    assert await ask(changed) != approval_id


async def test_a_denied_call_asks_anew_when_the_denial_no_longer_holds(open_plane, clock):
    plane = open_plane(ASKS)
    approval_id = await ask(plane)
    denied = await plane.resolve(Resolution(approval_id, "deny", "ann", comment="no"))
    assert (denied.state, denied.resolved_by, denied.comment) == ("denied", "ann", "no")
    clock.now += 900
    assert await ask(plane) != approval_id


@pytest.mark.parametrize("moved", ["pending", "approved"])
async def test_an_approval_expires_before_and_after_the_answer(open_plane, clock, moved):
    plane = open_plane(ASKS)
    approval_id = await ask(plane)
    if moved == "approved":
        await plane.resolve(Resolution(approval_id, "approve", "ann"))
    clock.now += 60
    refused = await plane.resolve(Resolution(approval_id, "approve", "ann"))
    assert isinstance(refused, ResolutionRefused)
    assert refused.code == "expired"
    assert await ask(plane) != approval_id
    assert await plane.expire_due() == 1
    assert await plane.expire_due() == 0


async def test_the_time_to_use_an_answer_begins_with_the_answer(open_plane, clock):
    plane = open_plane(ASKS)
    approval_id = await ask(plane)
    clock.now += 59
    await plane.resolve(Resolution(approval_id, "approve", "ann"))
    clock.now += 59
    assert await said(plane) == ("allowed", "", approval_id)


async def test_an_unknown_approval_is_refused(open_plane):
    refused = await open_plane(ASKS).resolve(Resolution("apr_x", "approve", "ann"))
    assert (refused.code, refused.problem) == ("unknown", "there is no approval 'apr_x'")


async def test_two_people_must_approve(open_plane):
    plane = open_plane(TWO_PEOPLE)
    approval_id = await ask(plane)
    first = await plane.resolve(Resolution(approval_id, "approve", "ann"))
    assert first.state == "awaiting_second"
    assert await ask(plane) == approval_id
    again = await plane.resolve(Resolution(approval_id, "approve", "ann"))
    assert again.code == "same_person"
    second = await plane.resolve(Resolution(approval_id, "approve", "bob"))
    assert (second.state, second.first_by, second.resolved_by) == ("approved", "ann", "bob")
    assert await said(plane) == ("allowed", "", approval_id)


async def test_one_of_two_people_can_deny(open_plane):
    plane = open_plane(TWO_PEOPLE)
    approval_id = await ask(plane)
    await plane.resolve(Resolution(approval_id, "approve", "ann"))
    assert (await plane.resolve(Resolution(approval_id, "deny", "bob"))).state == "denied"


async def test_an_edit_by_the_second_person_needs_another_approval(open_plane):
    plane = open_plane(TWO_PEOPLE)
    approval_id = await ask(plane)
    await plane.resolve(Resolution(approval_id, "approve", "ann"))
    edited = await plane.resolve(Resolution(approval_id, "approve", "bob", edited={"amount": 5}))
    assert (edited.state, edited.first_by) == ("awaiting_second", "bob")
    unseen = await plane.resolve(Resolution(approval_id, "approve", "ann"))
    assert unseen.code == "changed"
    shown = edited.ballot
    assert (await plane.resolve(Resolution(approval_id, "approve", "ann", shown=shown))).state == "approved"
    assert (await plane.decide(refund(), AGENT)).edited == {"amount": 5}


async def test_edited_arguments_run_in_place_of_the_models(open_plane):
    plane = open_plane(ASKS)
    call = refund(700, password="hunter2", order=7)
    approval_id = await ask(plane, call)
    shown = (await plane.wait(approval_id, timeout=0)).arguments
    assert shown["password"] != "hunter2"
    await plane.resolve(Resolution(approval_id, "approve", "ann", edited={**shown, "amount": 50}))
    outcome = await plane.decide(call, AGENT)
    assert outcome.judgement.verdict == "allowed"
    assert outcome.edited == {"amount": 50, "password": "hunter2", "order": 7}


@pytest.mark.parametrize("amount", [1001, "much", -1])
async def test_edited_arguments_are_decided_again(open_plane, amount):
    plane = open_plane(ASKS)
    approval_id = await ask(plane)
    refused = await plane.resolve(Resolution(approval_id, "approve", "ann", edited={"amount": amount}))
    assert refused.code == "blocked"
    assert (await plane.wait(approval_id, timeout=0)).state == "pending"


async def test_of_many_answers_and_uses_one_wins(open_plane):
    """1,000 people in two processes answer, then 1,000 calls in two processes use the answer."""
    asks = ASKS.replace("rules:", "denial_holds_seconds: 0\nrules:")
    planes = [open_plane(asks), open_plane(asks)]
    approval_id = await ask(planes[0])
    answers = await asyncio.gather(
        *(
            planes[n % 2].resolve(Resolution(approval_id, "approve" if n % 3 else "deny", f"p{n}"))
            for n in range(2, 1002)
        )
    )
    winners = [answer for answer in answers if not isinstance(answer, ResolutionRefused)]
    assert len(winners) == 1
    if winners[0].state == "denied":
        approval_id = await ask(planes[0])
        await planes[1].resolve(Resolution(approval_id, "approve", "ann"))
    outcomes = await asyncio.gather(*(planes[n % 2].decide(refund(), AGENT) for n in range(1000)))
    assert sum(outcome.judgement.verdict == "allowed" for outcome in outcomes) == 1


async def test_a_daily_limit_is_exact_across_processes(database_url, policy_file):
    """1,000 calls in four processes against `max_per_day: 100` allow exactly 100."""
    policy = policy_file("version: 1\nrules:\n  - {name: r, max_per_day: 100, time_zone: Pacific/Kiritimati}\n")
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.control_plane.asking", database_url, str(policy), "250"),
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    printed = [(await process.communicate())[0] for process in processes]
    assert sum(int(number) for number in printed) == 100


async def test_a_killed_process_leaves_the_record_and_the_counters_in_step(database_url, policy_file, open_plane):
    """Killed with SIGKILL in the middle of its work: what was counted is exactly what is recorded as allowed."""
    text = "version: 1\nrules:\n  - {name: r, max_per_day: 1000000}\n"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.control_plane.asking", database_url, str(policy_file(text)), "20000"),
        stdout=asyncio.subprocess.PIPE,
    )
    plane = open_plane(text)
    while (await plane.read(lambda connection: count(connection, events.c.verdict == "allowed"))) < 300:
        assert process.returncode is None
    process.kill()
    await process.wait()
    recorded = await plane.read(lambda connection: count(connection, events.c.verdict == "allowed"))
    counted = await plane.read(lambda connection: connection.execute(select(usage.c.today)).scalar())
    assert recorded == counted
    assert not isinstance(await plane.read(verify), ChainBreak)


async def test_of_a_killed_process_no_approval_is_lost_and_none_is_used_twice(database_url, policy_file, open_plane):
    """Killed with SIGKILL while it uses 400 approvals up: each is either used, and recorded so, or still good."""
    text = "version: 1\nrules:\n  - {name: r, tool: refund, effect: require_approval}\n"
    plane, orders = open_plane(text, clock=time.time), range(400)
    asked = await asyncio.gather(*(plane.decide(using.call(order), CallContext()) for order in orders))
    await asyncio.gather(*(plane.resolve(Resolution(one.approval.id, "approve", "ann")) for one in asked))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.control_plane.using", database_url, str(policy_file(text)), str(len(orders))),
        stdout=asyncio.subprocess.PIPE,
    )
    first = await process.stdout.readline()
    process.kill()
    ran = {int(line) for line in (first + await process.stdout.read()).splitlines()}
    await process.wait()
    assert 0 < len(ran) < len(orders)
    again = await asyncio.gather(*(plane.decide(using.call(order), CallContext()) for order in orders))
    ran_again = {order for order, one in zip(orders, again, strict=True) if one.judgement.verdict == "allowed"}
    consumed = await plane.read(lambda connection: count(connection, events.c.type == "approval.consumed"))
    assert not ran & ran_again
    assert consumed == len(orders)
    assert not isinstance(await plane.read(verify), ChainBreak)


async def test_a_limit_is_the_rules_whoever_asks(open_plane):
    """A name, a key or a user more gives no call more."""
    plane = open_plane("version: 1\nrules:\n  - {name: r, max_per_day: 3}\n")
    verdicts = [(await said(plane, context=context))[0] for context in OWNERS]
    assert verdicts == ["allowed"] * 3 + ["blocked"] * 3


async def test_a_limit_counts_approved_calls_when_they_run(open_plane):
    plane = open_plane(ASKS.replace("approval_ttl_seconds: 60", "max_per_day: 1"))
    for amount in (1, 2):
        await plane.resolve(Resolution(await ask(plane, refund(amount)), "approve", "ann"))
    assert (await said(plane, refund(1)))[0] == "allowed"
    assert (await said(plane, refund(2)))[:2] == ("blocked", "max_per_day")


async def test_limits_begin_anew_with_the_hour_and_the_day(open_plane, clock):
    plane = open_plane("version: 1\nrules:\n  - {name: r, max_per_hour: 1, max_per_day: 2}\n")
    assert (await said(plane))[0] == "allowed"
    assert (await said(plane))[:2] == ("blocked", "max_per_hour")
    clock.now += 1800
    assert (await said(plane))[0] == "allowed"
    clock.now += 3600
    assert (await said(plane))[:2] == ("blocked", "max_per_day")
    clock.now += 86400
    assert (await said(plane))[0] == "allowed"


async def test_a_kill_switch_holds_in_every_process_at_once(open_plane, clock):
    one, other = open_plane("version: 1\ndefault: allow\n"), open_plane("version: 1\ndefault: allow\n")
    assert (await said(other))[0] == "allowed"

    def switch_on(transaction):
        switch = switches.Switch("sw1", "domain", "payments", "", "incident", "ann", clock.now)
        switches.activate(transaction.connection, switch)
        transaction.reconfigure()

    await one.write(switch_on)
    assert (await said(other))[:2] == ("blocked", "kill_switch")
    assert (await said(other, context=CallContext(domain="hr")))[0] == "allowed"


async def test_a_waiter_in_another_process_wakes(open_plane):
    """Woken by the change: the control plane looks again by itself only after a second, and asks the clock in vain."""
    asking, answering = open_plane(ASKS), open_plane(ASKS)
    approval_id = await ask(asking)
    waiting = asyncio.create_task(asking.wait(approval_id, timeout=30))
    await answering.resolve(Resolution(approval_id, "approve", "ann"))
    assert (await waiting).state == "approved"


async def test_waiting_has_an_end(open_plane):
    plane = open_plane(ASKS)
    assert (await plane.wait(await ask(plane), timeout=0.01)).state in OPEN
    assert await plane.wait("apr_x", timeout=30) is None


async def test_a_dry_run_changes_nothing(open_plane):
    plane = open_plane(ASKS)
    before = await plane.read(verify)
    outcome = await plane.decide(refund(), AGENT, dry_run=True)
    assert (outcome.judgement.verdict, outcome.approval) == ("requires_approval", None)
    after = await plane.read(verify)
    assert not isinstance(after, ChainBreak)
    assert after.seq - before.seq == 1  # the policy's first use


async def test_shadow_mode_records_and_enforces_nothing(database_url, policy_file):
    decider = EmbeddedDecider.from_policy_file(
        policy_file("version: 1\nmode: shadow\nrules: []\n"), database_url=database_url
    )
    answer = await decider.decide(refund(), AGENT)
    await decider.aclose()
    assert isinstance(answer, Allow)
    assert answer.shadowed.basis.blocked_by == "default"


def test_every_state_that_is_open_can_be_denied_and_expire():
    for state in OPEN:
        assert TRANSITIONS[state, "deny"] == "denied"
        assert TRANSITIONS[state, "expire"] == "expired"


def test_only_an_approved_one_is_consumed_and_each_move_has_one_target():
    assert [state for state, move in TRANSITIONS if move == "consume"] == ["approved"]
    moves = {move for _, move in TRANSITIONS}
    assert {len({to for (_, by), to in TRANSITIONS.items() if by == move}) for move in moves} == {1}
