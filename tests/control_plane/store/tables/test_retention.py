"""What is too old goes by itself, and the audit still finds every other removal."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import func, select, text

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.audit.retention_schedule import DOUBTED
from litellm_bighub.control_plane.store.chain import AuditEvent, ChainBreak
from litellm_bighub.control_plane.store.schema import approvals, events
from litellm_bighub.control_plane.store.tables import retention
from litellm_bighub.control_plane.store.tables.clock_checks import ClockChecks
from litellm_bighub.control_plane.store.tables.events import page, verify
from litellm_bighub.domain.call import CallContext, ToolCall

KEEPS = "version: 1\naudit_keep_days: 30\nrules: [{name: refunds, tool: refund, effect: require_approval}]\n"
DAY = 86_400


async def decide(plane, tool="other"):
    outcome = await plane.decide(ToolCall("c", "function", tool, {"n": 1}), CallContext())
    await plane.write(lambda _: None)  # what the decision started has had its turn
    return outcome


async def days_pass(plane, clock, days):
    """A decision a day, so that the clock is seen to go on."""
    for _ in range(days):
        clock.now += DAY
        await decide(plane)


async def numbers(plane):
    return await plane.read(lambda c: list(c.execute(select(events.c.seq).order_by(events.c.seq)).scalars()))


async def test_what_is_older_than_the_policy_says_is_removed_by_the_way(open_plane, clock):
    plane = open_plane(KEEPS)
    for _ in range(3):
        await decide(plane)
    clock.now += 29 * DAY
    await decide(plane)
    assert await numbers(plane) == [1, 2, 3, 4, 5]  # the first is of the policy
    await days_pass(plane, clock, 2)
    assert await numbers(plane) == [5, 6, 7, 8]
    assert (await plane.read(verify)).seq == 8


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param(
            "DELETE FROM events WHERE seq = 5", ChainBreak(1, "the event is missing"), id="one more at the start"
        ),
        pytest.param("DELETE FROM events WHERE seq = 6", ChainBreak(6, "the event is missing"), id="one within"),
        pytest.param(
            "DELETE FROM events WHERE seq = 8", ChainBreak(1, "the event is missing"), id="the mark, and last"
        ),
        pytest.param("DELETE FROM events WHERE seq < 8", ChainBreak(1, "the event is missing"), id="all but the last"),
        pytest.param(
            "UPDATE events SET subject = '5' WHERE seq = 8",
            ChainBreak(1, "the event is missing"),
            id="the mark is moved",
        ),
        pytest.param(
            "UPDATE events SET body = replace(body, 'up_to', 'up_too') WHERE seq = 8",
            ChainBreak(1, "the event is missing"),
            id="the mark is broken",
        ),
    ],
)
async def test_every_other_removal_is_still_found(open_plane, clock, statement, expected):
    plane = open_plane(KEEPS)
    for days in (0, 0, 0, 29):
        clock.now += days * DAY
        await decide(plane)
    await days_pass(plane, clock, 2)
    assert await numbers(plane) == [5, 6, 7, 8]
    await plane.write(lambda transaction: transaction.connection.execute(text(statement)))
    assert await plane.read(verify) == expected


async def test_without_a_word_in_the_policy_everything_is_kept(open_plane, clock):
    plane = open_plane(KEEPS.replace("audit_keep_days: 30\n", ""))
    await decide(plane)
    clock.now += 10_000 * DAY
    await decide(plane)
    assert await numbers(plane) == [1, 2, 3]


async def test_how_long_the_audit_is_kept_voids_no_approval(open_plane):
    one, other = open_plane(KEEPS), open_plane(KEEPS.replace("30", "60"))
    asked = await decide(one, "refund")
    await other.resolve(Resolution(asked.approval.id, "approve", "ann"))
    assert (await decide(other, "refund")).judgement.verdict == "allowed"


async def test_approvals_that_are_over_go_too_and_others_stay(open_plane, clock):
    keeps = KEEPS.replace("effect: require_approval", "effect: require_approval, approval_ttl_seconds: 2592000")
    plane = open_plane(keeps.replace("rules:", "denial_holds_seconds: 0\nrules:"))
    denied = await decide(plane, "refund")
    await plane.resolve(Resolution(denied.approval.id, "deny", "ann"))
    waiting = await decide(plane, "refund")
    clock.now += 60 * DAY
    await days_pass(plane, clock, 3)
    left = await plane.read(lambda c: list(c.execute(select(approvals.c.id)).scalars()))
    assert left == [waiting.approval.id]


@pytest.mark.parametrize("most", [1, 2, 5, 9])
async def test_a_little_at_a_time_comes_to_the_same(open_plane, most):
    plane = open_plane("version: 1\n")
    for time in (1.0, 2.0, 3.0, 9.0, 4.0):  # one clock was ahead: what follows it stays, for the chain has no holes
        await plane.write(lambda t, time=time: t.append(AuditEvent(time, "test", "s", {})))
    removed = 0
    while some := await plane.write(lambda t: retention.retain(t, before=5.0, now=9.0, most=most)):
        removed += some
    assert removed == 3
    assert (await plane.read(lambda c: c.execute(select(func.min(events.c.seq))).scalar())) == 4
    assert not isinstance(await plane.read(verify), ChainBreak)


async def removed_by(plane, clock, *steps):
    """Which of the events that were there are gone after the clock made these steps, with a decision after each."""
    before = set(await numbers(plane))
    for step in steps:
        clock.now += step
        await decide(plane)
    return sorted(before - set(await numbers(plane)))


@pytest.mark.parametrize("year", [365 * DAY, 20 * 365 * DAY])
@pytest.mark.parametrize("watched", [0, 3], ids=["never looked at before", "watched for days"])
async def test_a_clock_that_is_wrong_removes_nothing_before_a_day_has_confirmed_it(open_plane, clock, watched, year):
    plane = open_plane(KEEPS)
    await days_pass(plane, clock, watched)
    for _ in range(20):
        await decide(plane)
    assert await removed_by(plane, clock, year, 3_700, 3_700) == []
    doubted = await plane.read(lambda c: page(c, events.c.type == DOUBTED))
    assert [event["time"] for event in doubted] == [clock.now - 7_400]
    assert await removed_by(plane, clock, -year) == []  # it was wrong, and is set right
    assert await removed_by(plane, clock, 3_700, DAY, DAY) == []


async def test_what_is_still_old_a_day_later_is_removed(open_plane, clock):
    plane = open_plane(KEEPS)
    await days_pass(plane, clock, 3)
    assert await removed_by(plane, clock, 365 * DAY) == []
    assert await removed_by(plane, clock, *[DAY / 4] * 5) != []
    assert not isinstance(await plane.read(verify), ChainBreak)


async def test_somebody_who_looks_once_a_week_removes_what_both_looks_find_old(open_plane, clock):
    plane = open_plane(KEEPS)
    for _ in range(8):
        clock.now += 7 * DAY
        await decide(plane)
    oldest = await plane.read(lambda c: c.execute(select(func.min(events.c.time))).scalar())
    assert 30 * DAY <= clock.now - oldest <= 44 * DAY


@given(st.lists(st.floats(-400 * DAY, 400 * DAY) | st.floats(0, 7_200), max_size=30))
def test_age_is_never_measured_by_a_step(steps):
    """Right after a clock has stepped ahead, age is measured by what it had said before."""
    now, looks = 1e9, ClockChecks(1e9, 1e9)
    said = [now]
    for step in steps:
        now += step
        looks = looks.then(now)
        if looks.sure_at is not None:
            assert looks.sure_at <= (max(said) if step > DAY else now)
        said.append(now)


@given(st.lists(st.floats(0, DAY), min_size=1, max_size=50))
def test_a_clock_that_goes_on_is_believed_after_a_day(steps):
    now, looks = 1e9, ClockChecks(1e9, 1e9)
    for step in steps:
        now += step
        looks = looks.then(now)
    assert looks.sure_at == (now if now >= 1e9 + DAY else None)
