"""The ledger of decided calls: the same in memory and in every database, for all who open it."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.decisions.database_ledger import UNAPPROVED, DatabaseLedger
from litellm_bighub.control_plane.store.schema import decided_calls
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.control_plane.store.tables.decided_calls import AT_ONCE
from litellm_bighub.deciders.ledger.ledger import MemoryLedger
from litellm_bighub.domain.decided_call import DecidedCall, Search, continuation
from litellm_bighub.domain.event import UnapprovedResult
from litellm_bighub.errors import ConfigurationError, DecisionUnavailable
from tests.control_plane.conftest import NOON

DAY = 86_400


def call(response_id="resp_1", call_id="call_1", *, released=False, **more) -> DecidedCall:
    verdict = "allowed" if released else "blocked"
    fields = {"arguments": {"a": ["ä", None, 1.5]}, "notice_id": f"msg_{call_id}", "time": NOON, "actor": "ada", **more}
    return DecidedCall(response_id, call_id, "function", "pay", verdict, released, **fields)


@pytest.fixture
def open_ledger(open_plane):
    def open_(**more) -> DatabaseLedger:
        plane = open_plane("version: 1\n")

        async def opened():
            return plane

        return DatabaseLedger(opened, clock=plane.clock, **more)

    return open_


@pytest.fixture
def ledger(request, open_ledger):
    return MemoryLedger() if request.param == "memory" else open_ledger()


each_ledger = pytest.mark.parametrize(
    ("ledger", "database_url"),
    [
        pytest.param("memory", "sqlite", id="memory"),
        pytest.param("database", "sqlite", id="sqlite"),
        pytest.param("database", "postgres", marks=pytest.mark.postgres, id="postgres"),
    ],
    indirect=True,
)


MINE = call(
    "resp_2", "call_2", conversation="conv_1", edited=True, released=True, item_id="fc_2", digest="d", path="output[2]"
)
BEHIND = call("resp_4", "call_4", reasoning_id="rs_4", reasoning_digest="d4", turn="t4")
OTHERS = call("resp_3", "call_1", actor="bob")


@each_ledger
@pytest.mark.parametrize(
    ("search", "expected"),
    [
        pytest.param(Search(response_id="resp_1"), [call()], id="response"),
        pytest.param(Search(conversation="conv_1"), [MINE], id="conversation"),
        pytest.param(Search(call_ids={"call_1", "call_2"}, actor="ada"), [call(), MINE], id="calls"),
        pytest.param(Search(notice_ids=("msg_call_2",), actor="ada"), [MINE], id="notice"),
        pytest.param(Search(notice_ids=("msg_call_2",), actor="bob"), [], id="the notice of another actor"),
        pytest.param(Search("resp_3", "conv_1", {"call_1"}, (), "ada"), [call(), MINE, OTHERS], id="any of these"),
        pytest.param(Search(reasoning_ids=("rs_4",), actor="ada"), [BEHIND], id="the reasoning before it"),
        pytest.param(Search(reasoning_digests={"d4"}, actor="ada"), [BEHIND], id="what that reasoning says"),
        pytest.param(Search(turns={"t4"}, actor="ada"), [BEHIND], id="turn"),
        pytest.param(
            Search(reasoning_ids=("",), reasoning_digests={""}, turns={""}, actor="bob"), [], id="no mark is none"
        ),
        pytest.param(Search(actor="ada"), [], id="nothing asked"),
        pytest.param(Search(response_id="", call_ids={"no"}, actor="ada"), [], id="nobody's"),
    ],
)
async def test_calls_are_found(ledger, search, expected):
    await ledger.write([call(), MINE, BEHIND])
    await ledger.write([OTHERS])

    assert list(await ledger.find(search)) == expected


@each_ledger
async def test_what_was_answered_is_remembered(ledger):
    await ledger.write([call("r1", "call_1", conversation="conv_1"), call("r1", "call_2", conversation="conv_1")])
    await ledger.write([call("r1", "call_1", conversation="conv_2")])
    await ledger.answered("conv_1", {"call_1"})

    found = await ledger.find(Search(response_id="r1"))
    assert [(each.conversation, each.call_id, each.answered) for each in found] == [
        ("conv_1", "call_1", True),
        ("conv_1", "call_2", False),
        ("conv_2", "call_1", False),
    ]


@each_ledger
async def test_the_answer_behind_another_is_remembered(ledger):
    await ledger.write([call("r1", "call_1"), call("r1", "call_2"), call("r2", "call_1")])
    assert await ledger.joined("r1", "resp_x")
    assert await ledger.joined("r1", "resp_y")

    found = await ledger.find(Search(call_ids={"call_1", "call_2"}, actor="ada"))
    assert [(each.response_id, each.continued_by) for each in found] == [("r1", "resp_y"), ("r1", "resp_y"), ("r2", "")]
    assert (continuation(found, "r1"), continuation(found, "r2")) == ("resp_y", "")


@each_ledger
async def test_behind_an_answer_that_nobody_knows_nothing_is_remembered(ledger):
    await ledger.write([call("r1")])
    assert not await ledger.joined("r2", "resp_x")
    assert [each.continued_by for each in await ledger.find(Search(response_id="r1"))] == [""]


@each_ledger
async def test_an_answer_that_is_decided_on_again_stays_continued(ledger):
    await ledger.write([call("r1")])
    await ledger.joined("r1", "resp_x")
    await ledger.write([call("r1")])
    assert continuation(await ledger.find(Search(response_id="r1")), "r1") == "resp_x"


async def test_processes_share_what_they_know(open_ledger):
    await open_ledger().write([call()])
    await open_ledger().joined("resp_1", "resp_2")
    assert list(await open_ledger().find(Search(response_id="resp_1"))) == [call(continued_by="resp_2")]


async def test_old_calls_are_forgotten(open_ledger, clock):
    ledger = open_ledger(keep_days=2)
    await ledger.write([call("old"), call("kept", time=NOON + 2 * DAY)])
    for _ in range(3):  # each look confirms the one before
        clock.now += DAY
        await ledger.write([])
    await ledger.write([call("new", time=clock.now)])

    found = await ledger.find(Search(call_ids={"call_1"}, actor="ada"))
    assert [each.response_id for each in found] == ["kept", "new"]


@pytest.mark.parametrize("older", [0, 3, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE + 3])
async def test_old_calls_are_forgotten_a_few_at_a_time(open_ledger, clock, older):
    """Decisions wait while calls are removed, so no write removes many; the next ones go on with it."""
    ledger = open_ledger(keep_days=2)
    await ledger.write([*(call(f"old_{number}") for number in range(older)), call("kept", time=NOON + 9 * DAY)])
    for _ in range(2):
        clock.now += DAY
        await ledger.write([])
    clock.now += DAY
    left = [older]
    while left[-1]:
        await ledger.write([])
        left.append(len(await ledger.find(Search(call_ids={"call_1"}, actor="ada"))) - 1)

    assert left == [*range(older, 0, -AT_ONCE), 0]


@pytest.mark.parametrize("step", [400 * DAY, -400 * DAY])
async def test_a_clock_that_makes_a_step_forgets_nothing(open_ledger, clock, step):
    ledger = open_ledger(keep_days=2)
    await ledger.write([call()])
    for each in (step, 3_700, 3_700, -step, 3_700):
        clock.now += each
        await ledger.write([])
    assert await ledger.find(Search(response_id="resp_1")) == [call()]


@pytest.mark.parametrize("who", [{"key": "k2"}, {"user": "eve"}, {"key": "", "user": ""}, {"actor": "bob"}], ids=str)
@pytest.mark.parametrize(
    "by",
    [
        {"call_ids": {"call_1"}},
        {"notice_ids": ("msg_call_1",)},
        {"reasoning_ids": ("rs_1",)},
        {"reasoning_digests": {"d"}},
        {"turns": {"t"}},
    ],
    ids=["call", "notice", "reasoning", "what it says", "turn"],
)
@pytest.mark.parametrize("memory", [False, True], ids=["database", "memory"])
async def test_ones_calls_do_not_answer_for_anothers(open_ledger, by, who, memory):
    ledger = MemoryLedger() if memory else open_ledger()
    mine = call(key="k1", user="u", reasoning_id="rs_1", reasoning_digest="d", turn="t")
    await ledger.write([mine])
    caller = {"actor": "ada", "key": "k1", "user": "u"}
    assert list(await ledger.find(Search(**by, **caller))) == [mine]
    assert list(await ledger.find(Search(**by, **{**caller, **who}))) == []


async def test_what_no_database_can_hold_is_no_obstacle(open_ledger):
    ledger = open_ledger()
    await ledger.write([call("a\0b", "c\ud800")])
    assert len(await ledger.find(Search(call_ids={"c\ud800"}, actor="ada"))) == 1


async def test_a_result_that_nobody_approved_is_part_of_the_chain(open_ledger, open_plane):
    told = ("ada", "custom", "/v1/responses", "gpt-4.1", "t", "u", "team")
    result = UnapprovedResult(
        "e1", "withheld_call_result", NOON, "input[0]", "call_1", "pay", "d", "resp_1", NOON, *told, refused=True
    )
    await open_ledger().report(result)

    plane = open_plane("version: 1\n")
    [event] = await plane.read(lambda connection: events.page(connection, events.events.c.type == UNAPPROVED))
    assert (event["severity"], event["subject"], event["actor"], event["tool"]) == ("critical", "e1", "ada", "pay")
    assert event["body"] == result.as_dict()
    chain = await plane.read(events.verify)
    assert (chain.seq, chain.digest) == (event["seq"], event["digest"])


async def test_a_ledger_with_a_database_of_its_own(database_url):
    ledger = DatabaseLedger.at(database_url)
    await ledger.write([call(time=4e9)])
    await ledger.aclose()
    again = DatabaseLedger.at(database_url)

    assert len(await again.find(Search(response_id="resp_1"))) == 1
    await again.aclose()
    await again.aclose()


async def test_a_database_that_fails_is_said_to(open_ledger, open_plane):
    ledger = open_ledger()
    plane = open_plane("version: 1\n")
    await plane.write(lambda transaction: decided_calls.drop(transaction.connection))

    with pytest.raises(DecisionUnavailable):
        await ledger.write([call()])
    with pytest.raises(DecisionUnavailable):
        await ledger.find(Search(response_id="resp_1"))
    with pytest.raises(DecisionUnavailable):
        await ledger.joined("resp_1", "resp_2")


def test_a_url_that_cannot_be_used_is_said_at_once():
    with pytest.raises(ConfigurationError, match="database_url"):
        DatabaseLedger.at("mysql://x/y")


async def test_memory_forgets_the_oldest():
    ledger = MemoryLedger(limit=2)
    await ledger.write([call(f"r{number}") for number in range(3)])

    found = await ledger.find(Search(call_ids={"call_1"}, actor="ada"))
    assert [each.response_id for each in found] == ["r1", "r2"]


@each_ledger
async def test_what_came_back_is_added_to_and_never_taken_away(ledger):
    marks = [f"m{number}" for number in range(1200)]
    await ledger.mark(marks, {"fetch": 1.0})
    await ledger.mark(marks[:600], {"read\t": 2.0})
    await ledger.mark(marks[:1], {})

    found = await ledger.returned([*marks, "unknown"])
    assert set(found) == set(marks)
    assert found["m0"] == {"fetch": 1.0, "read\t": 2.0}
    assert found["m1199"] == {"fetch": 1.0}
    assert await ledger.returned([]) == {}


async def test_what_came_back_long_ago_is_forgotten(open_ledger, clock):
    ledger = open_ledger(keep_days=2)
    await ledger.write([])
    await ledger.mark(["old"], {"fetch": 1.0})
    for _ in range(3):  # each look confirms the one before
        clock.now += DAY
        await ledger.write([])
    await ledger.mark(["new"], {"fetch": 1.0})
    assert set(await ledger.returned(["old", "new"])) == {"new"}


async def test_memory_forgets_the_oldest_histories():
    ledger = MemoryLedger(limit=1)
    for mark in "abcdef":
        await ledger.mark([mark], {})
    assert set(await ledger.returned("abcdef")) == set("cdef")
