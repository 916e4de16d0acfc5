"""Windows never go back: each day and hour gives what it may give once, whatever the clocks do."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import text_of, thread
from litellm_bighub.domain.conversation.history import mark_of_caller
from litellm_bighub.policy.counters import MemoryCounters, Tally
from litellm_bighub.policy.evaluation import Usage, judge, judge_all
from litellm_bighub.policy.rule import Policy, Rule

NOON = 1_795_264_200.0  # 2026-11-21T12:30:00Z
DAY, HOUR = 86_400.0, 3_600.0
ZONES = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Honolulu"]
CALL = ToolCall("c", "function", "pay")
AUTUMN = datetime(2026, 10, 25, 0, tzinfo=timezone.utc).timestamp()  # Berlin's hour from 2 to 3 comes twice


def rule(zone="UTC", **limits) -> Rule:
    return Rule("r", "r", zone=ZoneInfo(zone), **limits)


def allowed_at(limited: Rule, times) -> list[float]:
    """At which of these times, as the clocks say them, the rule allows a call."""
    policy, tally, allowed = Policy("v", "block", (limited,), {}), Tally(), []
    for now in times:
        if judge(policy, limited, CALL, now, tally.usage(limited, now)).verdict == "allowed":
            tally = tally.counted(limited, now)
            allowed.append(now)
    return allowed


def hour_of(time: float, zone: str) -> float:
    """When the clock hour of a moment began."""
    moment = datetime.fromtimestamp(time, ZoneInfo(zone))
    return moment.replace(minute=0, second=0, microsecond=0).timestamp()


def day_of(time: float, zone: str) -> float:
    return datetime.fromtimestamp(time, ZoneInfo(zone)).toordinal()


def charged(times, allowed, window) -> Counter[float]:
    """How many were allowed in each window, counted in the furthest that any clock had reached."""
    furthest, counts, left = float("-inf"), Counter(), list(allowed)
    for time in times:
        furthest = max(furthest, window(time))
        if left and left[0] == time:
            left.pop(0)
            counts[furthest] += 1
    return counts


STEPS = st.lists(
    st.floats(-3 * DAY, 3 * DAY) | st.floats(-2 * HOUR, 2 * HOUR) | st.floats(0, 900), min_size=1, max_size=80
)


@given(STEPS, st.sampled_from(ZONES), st.integers(1, 3), st.sampled_from([NOON, AUTUMN]))
def test_no_window_gives_more_than_its_limit_whatever_the_clock_does(steps, zone, most, start):
    times = [start]
    for step in steps:
        times.append(times[-1] + step)
    by_hour = charged(times, allowed_at(rule(zone, max_per_hour=most), times), lambda time: hour_of(time, zone))
    by_day = charged(times, allowed_at(rule(zone, max_per_day=most), times), lambda time: day_of(time, zone))
    assert max([*by_hour.values(), *by_day.values()]) <= most


@given(st.lists(st.floats(-HOUR, HOUR), min_size=2, max_size=5), st.integers(1, 4), st.floats(0, 3 * HOUR))
def test_of_gateways_with_different_clocks_the_one_ahead_counts(skews, most, seconds):
    """Each asks once a minute. They get what the fastest of them would get alone, and what the others began with."""
    real = [NOON + minute * 60 for minute in range(int(seconds // 60) + 1)]
    times = [now + skew for now in real for skew in skews]
    ahead = {hour_of(now + max(skews), "UTC") for now in real}
    behind = {hour_of(real[0] + skew, "UTC") for skew in skews}
    assert len(allowed_at(rule(max_per_hour=most), times)) <= most * len(ahead | behind)


@pytest.mark.parametrize(
    ("limits", "times", "expected"),
    [
        pytest.param(
            {"max_per_hour": 5}, [NOON + 1799 + 2 * (n % 2) for n in range(100)], 5 + 1, id="over an hour's end"
        ),
        pytest.param({"max_per_day": 5}, [*[NOON] * 9, NOON + DAY, *[NOON] * 20], 5 + 1, id="tomorrow and back"),
        pytest.param({"max_per_day": 5}, [*[NOON] * 9, NOON - DAY, *[NOON] * 20], 5, id="yesterday and back"),
        pytest.param({"max_per_day": 5}, [NOON, NOON + DAY, NOON] * 20, 5 + 1, id="to and fro"),
        pytest.param({"max_per_hour": 1}, [NOON + n * HOUR for n in (0, 1, 0, 1, 2, 1)], 3, id="hours to and fro"),
        pytest.param(
            {"cooldown_seconds": 60}, [NOON, NOON + 60, NOON, NOON + 59, NOON + 119, NOON + 120], 3, id="cool"
        ),
        pytest.param(
            {"max_per_hour": 1, "zone": "Europe/Berlin"}, [AUTUMN, AUTUMN + HOUR, AUTUMN], 2, id="two o'clock"
        ),
    ],
)
def test_examples(limits, times, expected):
    assert len(allowed_at(rule(**limits), times)) == expected


def test_whoever_tries_a_policy_counts_from_zero():
    limited = rule(max_per_day=3, max_totals={"day": Decimal(10)}, require_approval_above=6.0)
    policy, counters, said = Policy("v", "block", (limited,), {}), MemoryCounters(), []
    for value in (4, 6.5, 6, 5, 1, 1):
        asked, usage = ToolCall("c", "function", "pay", value=value), counters.usage
        judgement = judge_all(
            policy,
            (limited,),
            asked,
            CallContext(),
            NOON,
            lambda rule, charge, usage=usage: usage(rule, charge, NOON, CallContext()),
        )
        counters.count(judgement, NOON, CallContext(), sums=value != 5)
        said.append(judgement.blocked_by or judgement.verdict)

    assert said == [
        "allowed",
        "max_total_per_day",
        "allowed",
        "max_total_per_day",
        "max_total_per_day",
        "max_total_per_day",
    ]
    assert counters.usage(limited, None, NOON, CallContext()).today == 2


def test_each_conversation_counts_for_itself_and_for_what_goes_on_from_it():
    limited, counters = rule(max_per_conversation=3), MemoryCounters()
    judgement = judge_all(
        Policy("v", "block", (limited,), {}),
        (limited,),
        ToolCall("c", "function", "pay"),
        CallContext(),
        NOON,
        lambda *_: Usage(),
    )

    def used(*threads: str) -> int | None:
        history = text_of(dict.fromkeys(threads, NOON)) if threads else ""
        return counters.usage(limited, None, NOON, CallContext(history=history)).in_conversation

    for threads in (("@one",), ("@one", "@two")):
        counters.count(judgement, NOON, CallContext(history=text_of(dict.fromkeys(threads, NOON))))
    assert [used("@one"), used("@two"), used("@one", "@two"), used("@three"), used()] == [2, 1, 2, 0, None]
    caller = mark_of_caller(CallContext())
    assert used(thread(caller, NOON - 1, NOON)) == 2
    assert used(thread(caller, NOON, NOON + 1)) == 0
