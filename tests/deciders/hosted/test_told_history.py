"""How conversations are followed is asked of whoever decides, and what another service answers changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from litellm_bighub.deciders.hosted.told_history import AGAIN_SECONDS, SELDOM_SECONDS, ToldHistory
from litellm_bighub.domain.conversation.fact import FollowedCall
from litellm_bighub.domain.conversation.history import FreshHistory
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable

FOLLOWED = FreshHistory(60.0, (FollowedCall(("verify",), ("id",)),), compared=(("customer",),))
TELLS = {"status": "operational", "history": FOLLOWED.as_dict() | {"compared": [["customer"]]}}
TELLS["history"]["calls"] = [{"tools": ["verify"], "fields": ["id"]}]
UNTOLD = FreshHistory(calls=())
"""Calls are followed as long as it may be that rules ask for them."""


class Service:
    """Answers with the first of its answers, the last one for ever."""

    def __init__(self, *answers):
        self.answers, self.asked, self.now = list(answers), 0, 0.0
        self.told = ToldHistory(self.status, clock=lambda: self.now)

    async def status(self):
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def learn(self, seconds=0.0):
        """Ask so many seconds later, and let the answer come."""
        self.now += seconds
        await self.told.learn()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self.told.fresh, self.told.is_ours


@pytest.mark.parametrize(
    ("answer", "fresh", "is_ours"),
    [
        (TELLS, FOLLOWED, True),
        ({"history": None}, FreshHistory(), True),
        ({"status": "operational"}, FreshHistory(), False),
        ({"history": "long"}, FreshHistory(), False),
        ({"history": {"seconds": 1}}, FreshHistory(), False),
        ({}, FreshHistory(), False),
        (["x"], FreshHistory(), False),
        (DecisionRefused("404"), FreshHistory(), False),
        (DecisionRefused("429", transient=True), UNTOLD, False),
        (DecisionUnavailable("down"), UNTOLD, False),
    ],
)
async def test_what_an_answer_says(answer, fresh, is_ours):
    assert await Service(answer).learn() == (fresh, is_ours)


async def test_it_is_asked_again_from_time_to_time_and_failures_take_nothing_away():
    service = Service(TELLS, DecisionUnavailable("down"), DecisionRefused("404"), {"history": None})
    assert await service.learn() == (FOLLOWED, True)
    assert await service.learn(AGAIN_SECONDS - 1) == (FOLLOWED, True)
    assert service.asked == 1
    for _ in range(2):
        assert await service.learn(AGAIN_SECONDS) == (FOLLOWED, True)
    assert await service.learn(AGAIN_SECONDS) == (FreshHistory(), True)
    assert service.asked == 4


async def test_another_service_is_seldom_asked():
    service = Service({})
    await service.learn()
    await service.learn(AGAIN_SECONDS)
    assert service.asked == 1
    await service.learn(SELDOM_SECONDS)
    assert service.asked == 2


async def test_only_the_first_answer_is_waited_for_by_all_who_ask_at_once():
    may_answer = asyncio.Event()
    now = [0.0]

    async def status():
        await may_answer.wait()
        return TELLS

    told = ToldHistory(status, clock=lambda: now[0])
    waiting = [asyncio.ensure_future(told.learn()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    may_answer.set()
    await asyncio.gather(*waiting[1:])
    assert told.fresh == FOLLOWED
    may_answer.clear()
    now[0] += AGAIN_SECONDS
    await told.learn()
    assert told.fresh == FOLLOWED
    await told.aclose()


@pytest.mark.parametrize(("told_at_first", "waits"), [(TELLS, True), ({}, False)])
async def test_after_a_pause_the_answer_of_a_control_plane_is_waited_for(told_at_first, waits):
    """Its rules may have changed in the meantime; those of another service are told nothing of earlier calls."""
    now, answers = [0.0], [told_at_first]

    async def status():
        await asyncio.sleep(0)
        return answers[-1]

    told = ToldHistory(status, clock=lambda: now[0])
    await told.learn()
    before = told.fresh
    answers.append({"history": TELLS["history"] | {"of_caller": True}})
    now[0] += SELDOM_SECONDS + AGAIN_SECONDS
    await told.learn()
    assert told.fresh == (replace(FOLLOWED, of_caller=True) if waits else before)
    await told.aclose()


async def test_a_client_without_a_status_is_not_asked():
    told = ToldHistory(None)
    await told.learn()
    assert (told.fresh, told.is_ours) == (FreshHistory(), False)
    await told.aclose()
