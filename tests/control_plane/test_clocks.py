"""Clocks that are wrong, make steps or differ: on a real SQLite file and a real PostgreSQL."""

from __future__ import annotations

import time
from itertools import cycle

import pytest
from sqlalchemy import select

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.decisions.database_ledger import DatabaseLedger
from litellm_bighub.control_plane.store.clock import DatabaseClock, clock_of
from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.control_plane.store.schema import approvals, events
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decided_call import DecidedCall, Search
from tests.control_plane.conftest import NOON, Clock

DAY = 86_400.0
LIMITED = "version: 1\nrules: [{{name: r, {}}}]\n"
ASKS = "version: 1\nrules: [{name: r, effect: require_approval, approval_ttl_seconds: 60}]\n"
CALL = ToolCall("c", "function", "pay", {"amount": 1})


async def allowed(plane) -> bool:
    return (await plane.decide(CALL, CallContext())).judgement.verdict == "allowed"


@pytest.mark.parametrize(
    ("limit", "begin", "apart"),
    [("max_per_hour: 5", NOON + 1799, 2.0), ("max_per_day: 5", NOON, DAY), ("max_per_hour: 5", NOON, -7 * DAY)],
    ids=["two seconds over an hour's end", "a day", "a week behind"],
)
async def test_two_gateways_whose_clocks_differ_share_each_window(open_plane, limit, begin, apart):
    one = open_plane(LIMITED.format(limit), clock=Clock(begin))
    other = open_plane(LIMITED.format(limit), clock=Clock(begin + apart))
    answers = [await allowed(plane) for _ in range(50) for plane in (one, other)]
    assert sum(answers) <= 6  # one was let through before anybody knew of the later window


async def test_a_day_that_comes_again_gives_nothing_again(open_plane, clock):
    plane = open_plane(LIMITED.format("max_per_day: 5"))
    today = [await allowed(plane) for _ in range(9)]
    clock.now += DAY
    tomorrow = [await allowed(plane) for _ in range(2)]
    clock.now -= DAY
    again = [await allowed(plane) for _ in range(9)]
    clock.now += DAY
    really = [await allowed(plane) for _ in range(9)]
    assert [sum(answers) for answers in (today, tomorrow, again, really)] == [5, 2, 0, 3]


class Wrong:
    """A machine's clock that makes a step of years whenever it is looked at."""

    def __init__(self) -> None:
        self._steps = cycle([0.0, 1e9, -1e9, 3e7])

    def __call__(self) -> float:
        return time.time() + next(self._steps)


@pytest.fixture
def gateways(database_url, open_plane):
    """Gateways whose own clocks are wrong, on one PostgreSQL."""
    if not database_url.startswith("postgresql"):
        pytest.skip("a file has the clock of its machine")

    def open_(policy):
        engine = open_database(database_url)
        plane = open_plane(policy, clock=DatabaseClock(engine, monotonic=Wrong()))
        engine.dispose()
        return plane

    return open_


async def test_the_databases_clock_counts_and_not_the_gateways(gateways):
    started = time.time()
    planes = [gateways(LIMITED.format("max_per_day: 5, cooldown_seconds: 0.0")) for _ in range(3)]
    answers = [await allowed(plane) for _ in range(10) for plane in planes]
    times = await planes[0].read(lambda c: list(c.execute(select(events.c.time).order_by(events.c.seq)).scalars()))
    assert sum(answers) <= 10  # of midnight, which may come meanwhile
    assert times == sorted(times)
    assert started - 5 <= times[0] <= times[-1] <= time.time() + 5


async def test_an_approval_lives_by_the_databases_clock(gateways):
    one, other = gateways(ASKS), gateways(ASKS)
    asked = (await one.decide(CALL, CallContext())).approval
    assert (await other.resolve(Resolution(asked.id, "approve", "ann"))).state == "approved"
    assert await other.expire_due() == 0
    assert await allowed(one)
    row = await one.read(lambda c: c.execute(select(approvals)).one())
    assert abs(row.consumed_at - time.time()) < 60


def test_a_file_goes_by_the_clock_of_its_machine(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'bighub.db'}")
    assert clock_of(engine) is time.time
    engine.dispose()


async def test_decided_calls_are_as_old_as_the_database_says(gateways, database_url):
    gateways(ASKS)
    ledger = DatabaseLedger.at(database_url)
    await ledger.write([DecidedCall("r", "c", "function", "pay", "blocked", released=False, actor="a", time=5.0)])
    [found] = await ledger.find(Search(response_id="r"))
    await ledger.aclose()
    assert abs(found.time - time.time()) < 60
