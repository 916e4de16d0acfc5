"""An approver is told what became of earlier calls of the same tool and actor, and of no others."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.inbox.earlier_calls import DAYS, LastAnswer, earlier_calls
from litellm_bighub.domain.call import CallContext, ToolCall

ASKER = ("refund", "billing-agent")


@pytest.fixture
def answered(plane, clock):
    """Asks about a refund and answers it."""

    async def answered_(amount, answer, by="ann", actor="billing-agent", comment=""):
        call = ToolCall("c", "function", "refund", {"amount": amount}, value=amount)
        outcome = await plane.decide(call, CallContext(actor=actor))
        if answer:
            await plane.resolve(Resolution(outcome.approval.id, answer, by=by, comment=comment))
        clock.now += 60

    return answered_


async def told(plane):
    return await plane.read(lambda connection: earlier_calls(connection, {ASKER}, plane.clock()))


async def test_counts_usual_values_and_last_answers_are_told(plane, clock, answered):
    started = clock.now
    await answered(600, "approve")
    await answered(700, "approve", by="bob")
    await answered(4000, "deny", by="kim", comment="too much")
    await answered(900, "approve", actor="another")
    await answered(901, "")
    assert (await told(plane)).keys() == {ASKER}
    found = (await told(plane))[ASKER]
    assert (found.counts, found.total) == ({"approved": 2, "denied": 1, "expired": 0}, 3)
    assert found.median == 650
    assert found.last_approval == LastAnswer("bob", started + 60, "")
    assert found.last_denial == LastAnswer("kim", started + 120, "too much")


async def test_what_is_older_and_what_nobody_was_asked_about_is_not_told(plane, clock, answered):
    assert await told(plane) == {}
    await answered(700, "deny")
    assert (await told(plane))[ASKER].median is None
    clock.now += DAYS * 86_400
    assert await told(plane) == {}
    assert await plane.read(lambda connection: earlier_calls(connection, set(), plane.clock())) == {}


async def test_a_card_says_who_asks_and_what_is_usual(plane, clock, answered, visit):
    await answered(700, "approve")
    context = CallContext(
        actor="billing-agent",
        user="u-1",
        team="care",
        key="ab" * 32,
        key_alias="shop",
        end_user="\u202eeve",
        model="gpt-9",
    )
    await plane.decide(ToolCall("c", "function", "refund", {"amount": 800}, value=800), context)
    client, _ = await visit()
    page = (await client.get("/inbox")).text
    for part in (
        "u-1",
        "care",
        "shop",
        "\\u202e</mark>eve",
        "as the caller tells it",
        "gpt-9",
        "1 (1 approved",
        "median value is 700",
    ):
        assert part in page, part
