"""A channel is told once of each call that waits, and what became of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.channels.channel import ChannelAway, MessageRefused
from litellm_bighub.control_plane.channels.message_delivery import LEASE_SECONDS, MessageDelivery
from litellm_bighub.domain.call import CallContext, ToolCall

POLICY = """\
version: 1
rules:
  - {name: two, tool: deploy, effect: require_approval, four_eyes: true}
  - {name: later, tool: pay, effect: require_approval, approvers: "user:ann",
     escalation: {after_seconds: 60, to: ["user:bob"]}}
  - {name: other, tool: "*", effect: require_approval, approval_ttl_seconds: 600}
"""


class Wall:
    """A channel that remembers what it was told, and fails as it is told to. Each user that a rule names is a place."""

    name = "wall"

    def __init__(self):
        self.told = []
        self.updates = []
        self.failures = []
        self.entered = asyncio.Event()
        self.hold = asyncio.Event()
        self.hold.set()

    async def start(self):
        return "the wall is on"

    async def places(self, approval, now):
        named = [name for each in approval.requirements for name in each.named(now - approval.created_at)]
        return [] if "nobody" in approval.tool else named or ["all"]

    async def tell(self, approval, place):
        await self._fail()
        self.told.append((approval.id, place))
        self.entered.set()
        await self.hold.wait()
        return f"message {len(self.told)}"

    async def update(self, approval, place, reference):
        await self._fail()
        self.updates.append((approval.id, place, reference, approval.state, len(approval.counting)))

    async def hear(self):
        pass

    async def _fail(self):
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
def wall():
    return Wall()


async def ask(plane, tool="refund", n=1):
    plane.clock.now += 1
    call = ToolCall("c", "function", tool, {"n": n})
    return (await plane.decide(call, CallContext("agent", "shop"))).approval.id


async def work(plane, wall):
    """Do all that is due now."""
    delivery = MessageDelivery(plane, wall)
    while await delivery.step():
        pass


def answer(approval_id, by="ann", said="approve"):
    return Resolution(approval_id, said, by, user=by)


async def test_a_call_that_waits_is_told_once(plane, wall, open_plane):
    asked = [await ask(plane, n=n) for n in range(3)]
    await work(plane, wall)
    assert [approval for approval, _ in wall.told] == asked
    await work(open_plane(POLICY), wall)  # another process, or this one after a restart
    assert (len(wall.told), wall.updates) == (3, [])


async def test_of_several_processes_one_tells(plane, wall, open_plane):
    for n in range(5):
        await ask(plane, n=n)
    await asyncio.gather(*(work(each, wall) for each in (plane, open_plane(POLICY), open_plane(POLICY))))
    assert len(set(wall.told)) == len(wall.told) == 5


@pytest.mark.parametrize(("said", "state"), [("approve", "approved"), ("deny", "denied")])
async def test_an_answer_from_elsewhere_is_shown(plane, wall, said, state):
    asked = await ask(plane)
    await work(plane, wall)
    await plane.resolve(answer(asked, said=said))
    await work(plane, wall)
    assert [(update[2], update[3]) for update in wall.updates] == [("message 1", state)]


async def test_an_answer_that_is_used_up_changes_no_message(plane, wall):
    asked = await ask(plane)
    await work(plane, wall)
    await plane.resolve(answer(asked))
    await work(plane, wall)
    assert (await plane.decide(ToolCall("c", "function", "refund", {"n": 1}), CallContext("agent", "shop"))).approval
    await work(plane, wall)
    assert len(wall.updates) == 1


async def test_each_vote_is_shown(plane, wall):
    asked = await ask(plane, "deploy")
    await work(plane, wall)
    for by in ("ann", "bob"):
        await plane.resolve(answer(asked, by))
        await work(plane, wall)
    assert [update[3:] for update in wall.updates] == [("awaiting_second", 1), ("approved", 2)]


async def test_an_expiry_is_shown(plane, wall, clock):
    await ask(plane)
    await work(plane, wall)
    clock.now += 600
    await plane.expire_due()
    await work(plane, wall)
    assert [update[3] for update in wall.updates] == ["expired"]


async def test_what_is_over_before_it_was_told_is_never_told(plane, wall):
    asked = await ask(plane)
    wall.failures = [ChannelAway("gone")]
    with suppress(ChannelAway):
        await work(plane, wall)
    await plane.resolve(answer(asked))
    await work(plane, wall)
    assert (wall.told, wall.updates) == ([], [])


async def test_others_are_told_once_they_may_answer(plane, wall, clock):
    asked = await ask(plane, "pay")
    await work(plane, wall)
    assert wall.told == [(asked, "user:ann")]
    clock.now += 60
    await plane.escalate_due()
    await work(plane, wall)
    assert wall.told[1:] == [(asked, "user:bob")]
    assert [update[1] for update in wall.updates] == ["user:ann"]  # its message says who may answer
    await plane.resolve(answer(asked, "bob"))
    await work(plane, wall)
    assert {update[2] for update in wall.updates[1:]} == {"message 1", "message 2"}


async def test_a_call_of_which_nobody_is_told_stops_no_other(plane, wall):
    await ask(plane, "nobody")
    asked = await ask(plane)
    await work(plane, wall)
    assert wall.told == [(asked, "all")]


async def test_nothing_is_lost_while_the_service_is_away(plane, wall):
    asked = [await ask(plane, n=n) for n in range(2)]
    wall.failures = [ChannelAway("gone")]
    with pytest.raises(ChannelAway):
        await work(plane, wall)
    assert wall.told == []
    await work(plane, wall)
    assert [approval for approval, _ in wall.told] == asked
    await plane.resolve(answer(asked[0]))
    wall.failures = [ChannelAway("gone again")]
    with pytest.raises(ChannelAway):
        await work(plane, wall)
    await work(plane, wall)
    assert [update[:1] + update[3:4] for update in wall.updates] == [(asked[0], "approved")]


async def test_a_refused_message_waits_longer_each_time_and_stops_no_other(plane, wall, clock):
    asked = [await ask(plane, n=n) for n in range(2)]
    wall.failures = [MessageRefused("no such place"), None, MessageRefused("no such place")]
    await work(plane, wall)
    assert [approval for approval, _ in wall.told] == asked[1:]
    clock.now += 5
    await work(plane, wall)
    clock.now += 5
    await work(plane, wall)
    assert len(wall.told) == 1
    clock.now += 5
    await work(plane, wall)
    assert [approval for approval, _ in wall.told] == [asked[1], asked[0]]


async def test_a_message_that_takes_no_update_is_left(plane, wall):
    asked = await ask(plane)
    await work(plane, wall)
    await plane.resolve(answer(asked))
    wall.failures = [MessageRefused("somebody has deleted it")]
    await work(plane, wall)
    await work(plane, wall)
    assert wall.updates == []


async def test_who_dies_after_telling_leaves_one_more_message_at_most(plane, wall, open_plane, clock):
    asked = await ask(plane)
    wall.hold.clear()
    dying = asyncio.create_task(MessageDelivery(plane, wall).step())
    await wall.entered.wait()
    plane.close()  # nothing of this process is written any more
    other = open_plane(POLICY)
    await work(other, wall)
    assert len(wall.told) == 1  # it may still be writing
    clock.now += LEASE_SECONDS
    wall.hold.set()
    await work(other, wall)
    assert len(wall.told) == 2
    await other.resolve(answer(asked))
    await work(other, wall)
    assert [update[2] for update in wall.updates] == ["message 2"]
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying


async def test_who_is_stopped_while_telling_writes_it_down(plane, wall):
    await ask(plane)
    wall.hold.clear()
    stopped = asyncio.create_task(MessageDelivery(plane, wall).run())
    await wall.entered.wait()
    stopped.cancel()
    asyncio.get_running_loop().call_later(0.05, wall.hold.set)
    with suppress(asyncio.CancelledError):
        await stopped
    await work(plane, wall)
    assert len(wall.told) == 1
