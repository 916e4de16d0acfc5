"""What is too old goes by itself, and the audit still finds every other removal."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from litellm_bighub.control_plane.resolving import Resolution
from litellm_bighub.control_plane.store import retention
from litellm_bighub.control_plane.store.chain import Break, Entry
from litellm_bighub.control_plane.store.events import verify
from litellm_bighub.control_plane.store.schema import approvals, events
from litellm_bighub.domain.call import CallContext, ToolCall

KEEPS = "version: 1\naudit_keep_days: 30\nrules: [{name: refunds, tool: refund, effect: require_approval}]\n"
DAY = 86_400


async def decide(plane, tool="other"):
    outcome = await plane.decide(ToolCall("c", "function", tool, {"n": 1}), CallContext())
    await plane.write(lambda _: None)  # what the decision started has had its turn
    return outcome


async def numbers(plane):
    return await plane.read(lambda c: list(c.execute(select(events.c.seq).order_by(events.c.seq)).scalars()))


async def test_what_is_older_than_the_policy_says_is_removed_by_the_way(open_plane, clock):
    plane = open_plane(KEEPS)
    for _ in range(3):
        await decide(plane)
    clock.now += 29 * DAY
    await decide(plane)
    assert await numbers(plane) == [1, 2, 3, 4, 5]  # the first is of the policy
    clock.now += 2 * DAY
    await decide(plane)
    assert await numbers(plane) == [5, 6, 7]
    assert (await plane.read(verify))[0] == 7


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param("DELETE FROM events WHERE seq = 5", Break(1, "the event is missing"), id="one more at the start"),
        pytest.param("DELETE FROM events WHERE seq = 6", Break(6, "the event is missing"), id="one within"),
        pytest.param("DELETE FROM events WHERE seq = 7", Break(1, "the event is missing"), id="the mark, and last"),
        pytest.param("DELETE FROM events WHERE seq < 7", Break(1, "the event is missing"), id="all but the last"),
        pytest.param(
            "UPDATE events SET subject = '5' WHERE seq = 7", Break(1, "the event is missing"), id="the mark is moved"
        ),
        pytest.param(
            "UPDATE events SET body = replace(body, 'up_to', 'up_too') WHERE seq = 7",
            Break(1, "the event is missing"),
            id="the mark is broken",
        ),
    ],
)
async def test_every_other_removal_is_still_found(open_plane, clock, statement, expected):
    plane = open_plane(KEEPS)
    for days in (0, 0, 0, 29, 2):
        clock.now += days * DAY
        await decide(plane)
    assert await numbers(plane) == [5, 6, 7]
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
    plane = open_plane(
        KEEPS.replace("effect: require_approval", "effect: require_approval, approval_ttl_seconds: 2592000")
    )
    denied = await decide(plane, "refund")
    await plane.resolve(Resolution(denied.approval.id, "deny", "ann"))
    waiting = await decide(plane, "refund")
    clock.now += 61 * DAY
    await decide(plane)
    left = await plane.read(lambda c: list(c.execute(select(approvals.c.id)).scalars()))
    assert left == [waiting.approval.id]


@pytest.mark.parametrize("most", [1, 2, 5, 9])
async def test_a_little_at_a_time_comes_to_the_same(open_plane, most):
    plane = open_plane("version: 1\n")
    for time in (1.0, 2.0, 3.0, 9.0, 4.0):  # one clock was ahead: what follows it stays, for the chain has no holes
        await plane.write(lambda t, time=time: t.append(Entry(time, "test", "s", {})))
    removed = 0
    while some := await plane.write(lambda t: retention.retain(t, before=5.0, now=9.0, most=most)):
        removed += some
    assert removed == 3
    assert (await plane.read(lambda c: c.execute(select(func.min(events.c.seq))).scalar())) == 4
    assert not isinstance(await plane.read(verify), Break)
