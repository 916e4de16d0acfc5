"""Sums of values: reserved with the decision, freed when the call does not run, and never counted twice."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused
from litellm_bighub.control_plane.decisions import reservations as freed
from litellm_bighub.control_plane.store.schema import reservations
from litellm_bighub.control_plane.store.tables import retention
from litellm_bighub.domain.call import CallContext, ToolCall

DAY = 86_400.0
ANN = CallContext(actor="ann", domain="payments", key="k1")
BOB = CallContext(actor="bob", domain="payments", key="k2")
POLICY = """\
version: 1
tools: {refund: {value: amount, currency: currency}}
rules:
  - name: refunds
    tool: refund
    require_approval_above: 500
    max_total_per_day: 1000
    total_by: [key, currency]
    approval_ttl_seconds: 60
"""


def refund(amount, currency="EUR", **more) -> ToolCall:
    return ToolCall("c", "function", "refund", {"amount": amount, "currency": currency, **more}, value=amount)


async def said(plane, amount, context=ANN, **more) -> str:
    """The verdict, or what blocks."""
    judgement = (await plane.decide(refund(amount, **more), context)).judgement
    return judgement.blocked_by if judgement.verdict == "blocked" else judgement.verdict


async def ask(plane, amount, **more) -> str:
    outcome = await plane.decide(refund(amount, **more), ANN)
    assert outcome.judgement.verdict == "requires_approval"
    return outcome.approval.id


async def left(plane, context=ANN, currency="EUR") -> str:
    """What one more call could have at most; one of nothing is allowed even then."""
    (charge,) = (await plane.decide(refund(0, currency), context, dry_run=True)).judgement.charges
    return str(charge.spent["day"].left(charge.rule.max_totals["day"]))


async def test_a_day_gives_its_sum_to_each_account_once(open_plane, clock):
    plane = open_plane(POLICY)
    assert await said(plane, 400.1) == "allowed"
    assert await said(plane, 400.2) == "allowed"
    assert await said(plane, 199.71) == "max_total_per_day"
    assert await left(plane) == "199.7"
    assert await said(plane, 199.7) == "allowed"
    assert await said(plane, 0.01) == "max_total_per_day"
    assert await said(plane, 400, currency="USD") == "allowed"
    assert await said(plane, 400, context=BOB) == "allowed"
    other = open_plane(POLICY)
    assert await said(other, 1) == "max_total_per_day"
    clock.now += DAY
    assert await said(other, 400) == "allowed"


@pytest.mark.parametrize(
    ("arguments", "context", "blocked_by"),
    [
        pytest.param({"amount": 1}, ANN, "currency", id="no currency"),
        *(
            pytest.param({"amount": 1, "currency": currency}, ANN, "currency", id=f"currency {currency!r}")
            for currency in (None, "", " EUR", "EURO", "€", "\u0395UR", 978, ["EUR"])
        ),
        pytest.param({"amount": 0.1234567890123456, "currency": "EUR"}, ANN, "value", id="16 digits"),
        pytest.param({"amount": 1e15, "currency": "EUR"}, ANN, "value", id="16 digits before the point"),
        pytest.param({"amount": 1e-16, "currency": "EUR"}, ANN, "value", id="16 digits behind it"),
        pytest.param({"amount": -1, "currency": "EUR"}, ANN, "min_value", id="below 0"),
        pytest.param({"amount": 1, "currency": "EUR"}, CallContext(), "total_by", id="no key"),
    ],
)
async def test_what_cannot_be_summed_up_is_blocked(open_plane, arguments, context, blocked_by):
    plane = open_plane(POLICY)
    outcome = await plane.decide(ToolCall("c", "function", "refund", arguments, value=arguments["amount"]), context)
    assert outcome.judgement.blocked_by == blocked_by


async def test_currencies_in_small_letters_are_the_same(open_plane):
    plane = open_plane(POLICY)
    assert await said(plane, 500, currency="eur") == "allowed"
    assert await said(plane, 500, currency="Eur") == "allowed"
    assert await said(plane, 1) == "max_total_per_day"


async def test_what_waits_is_reserved_once_and_used_once(open_plane, clock):
    plane = open_plane(POLICY)
    approval_id = await ask(plane, 700)
    assert await left(plane) == "300"
    assert await ask(plane, 700) == approval_id
    assert await said(plane, 301) == "max_total_per_day"
    assert await said(plane, 300) == "allowed"
    assert await ask(plane, 700) == approval_id, "its own reservation leaves room for it"
    await plane.resolve(Resolution(approval_id, "approve", "ann"))
    assert await said(plane, 700) == "allowed"
    assert await left(plane) == "0"
    assert await said(plane, 700) == "max_total_per_day", "the approval is used up"
    clock.now += DAY
    assert await left(plane) == "1000"


async def test_an_approval_that_is_used_on_the_next_day_does_not_count_there(open_plane, clock):
    plane = open_plane(POLICY.replace("60", "100000"))
    approval_id = await ask(plane, 700)
    await plane.resolve(Resolution(approval_id, "approve", "ann"))
    clock.now += DAY
    assert [await said(plane, 500, n=number) for number in (1, 2)] == ["allowed", "allowed"]
    assert await said(plane, 700) == "allowed"
    assert await left(plane) == "0"


@pytest.mark.parametrize("how", ["denied", "expired", "expired and recorded", "approved and expired"])
async def test_what_does_not_run_is_freed(open_plane, clock, how):
    plane = open_plane(POLICY)
    approval_id = await ask(plane, 700)
    if how == "denied":
        await plane.resolve(Resolution(approval_id, "deny", "ann"))
    if how == "approved and expired":
        await plane.resolve(Resolution(approval_id, "approve", "ann"))
    clock.now += 60
    if how == "expired and recorded":
        assert await plane.expire_due() == 1
    assert await said(plane, 500) == "allowed"
    assert await said(plane, 500, n=2) == "allowed"
    await plane.expire_due()
    assert await said(plane, 1) == "max_total_per_day"
    assert await left(plane) == "0"


@pytest.mark.parametrize(("edited", "leaves"), [(50, "950"), (900, "100"), (1000, "0")])
async def test_an_edit_swaps_the_reservation(open_plane, edited, leaves):
    plane = open_plane(POLICY)
    approval_id = await ask(plane, 700)
    arguments = {"amount": edited, "currency": "EUR"}
    await plane.resolve(Resolution(approval_id, "approve", "ann", edited=arguments))
    assert await left(plane) == leaves
    if edited == 50:  # what it has freed is used by others; its own is still there
        assert [await said(plane, 475, n=number) for number in (1, 2)] == ["allowed", "allowed"]
        leaves = "0"
    outcome = await plane.decide(refund(700), ANN)
    assert (outcome.judgement.verdict, outcome.edited) == ("allowed", arguments)
    assert await left(plane) == leaves


async def test_an_edit_may_not_take_more_than_there_is(open_plane):
    plane = open_plane(POLICY)
    approval_id = await ask(plane, 700)
    assert await said(plane, 200) == "allowed"
    for edited in ({"amount": 801, "currency": "EUR"}, {"amount": 1001, "currency": "USD"}, {"amount": 7}):
        refused = await plane.resolve(Resolution(approval_id, "approve", "ann", edited=edited))
        assert isinstance(refused, ResolutionRefused)
    assert await left(plane) == "100"
    await plane.resolve(Resolution(approval_id, "approve", "ann", edited={"amount": 900, "currency": "USD"}))
    assert (await left(plane), await left(plane, currency="USD")) == ("800", "100")


async def test_shadow_mode_reserves_nothing(open_plane):
    plane = open_plane(POLICY.replace("version: 1", "version: 1\nmode: shadow"))
    for _ in range(3):
        assert await said(plane, 500) == "allowed"
    assert await said(plane, 700) == "requires_approval"
    assert await left(plane) == "1000"


async def test_an_allowance_adds_to_the_sums_of_the_rule_that_asked(open_plane):
    """The call that was approved with it has the room that its unused approval reserves."""
    plane = open_plane(POLICY)
    approval_id = await ask(plane, 600)
    await plane.resolve(Resolution(approval_id, "approve", "ann", allow_minutes=30))
    assert await said(plane, 401) == "max_total_per_day"
    assert await said(plane, 600) == "allowed"
    assert await said(plane, 401) == "max_total_per_day"
    assert await said(plane, 400) == "allowed"
    assert await said(plane, 600) == "max_total_per_day"


async def test_an_allowance_beside_an_edit_gives_no_more(open_plane):
    plane = open_plane(POLICY)
    approval_id = await ask(plane, 600)
    edited = {"amount": 550, "currency": "EUR"}
    await plane.resolve(Resolution(approval_id, "approve", "ann", edited=edited, allow_minutes=30))
    assert await said(plane, 600) == "max_total_per_day"
    assert await said(plane, 450) == "allowed"
    assert await left(plane) == "0"


async def test_calls_that_come_together_share_one_sum(open_plane):
    planes = [open_plane(POLICY) for _ in range(3)]
    verdicts = await asyncio.gather(*(said(planes[n % 3], 100, n=n) for n in range(60)))
    assert verdicts.count("allowed") == 10


async def test_what_calls_added_is_forgotten_with_their_decisions_and_still_counts(open_plane, clock):
    plane = open_plane(POLICY)
    assert await said(plane, 400) == "allowed"
    await ask(plane, 550)
    later = clock.now + 1
    await plane.write(lambda transaction: retention.retain(transaction, before=later, now=later))

    rows = await plane.read(lambda connection: connection.execute(select(reservations.c.reserved)).scalars().all())

    assert list(rows) == [1]
    assert await left(plane) == "50"


async def test_what_one_process_keeps_in_mind_gives_way_to_what_others_add(open_plane):
    plane, other = open_plane(POLICY), open_plane(POLICY)
    assert [await said(one, 300) for one in (plane, other, plane)] == ["allowed"] * 3
    assert await said(other, 101) == "max_total_per_day"
    assert (await left(plane), await left(other)) == ("100", "100")


async def test_what_is_undone_counts_for_nothing(open_plane, clock):
    plane = open_plane(POLICY)
    decided = await plane.decide(refund(400), ANN)

    def job(transaction):
        assert freed.free_decision(transaction, decided.decision_id, clock.now) == ["refunds"]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await plane.write(job)
    assert await left(plane) == "600"
