"""Sums are exact, each window gives its sum once whatever the clocks do, and what is taken back leaves no trace."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.evaluation import find, judge, judge_all
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import build
from litellm_bighub.policy.rule import Rule
from litellm_bighub.policy.totals import Charge, Spent, Total, Totals, Uncountable, charge_of, window_of

NOON = 1_795_264_200.0  # 2026-11-21T12:30:00Z, a Saturday
DAY = 86_400.0
ALL = {"hour": Decimal(10), "day": Decimal(10), "week": Decimal(10), "month": Decimal(10)}
POLICY = """\
version: 1
tools:
  refund: {value: amount, currency: currency}
  upload: {value: megabytes}
  broken: {value: amount, currency: "abs(currency)"}
rules: [{name: r, tool: "*", max_total_per_day: 100, total_by: TOTAL_BY}]
"""


def rule(zone="UTC", **fields) -> Rule:
    return Rule("r", "r", zone=ZoneInfo(zone), **fields)


@pytest.mark.parametrize(
    ("period", "zone", "moment", "window"),
    [
        ("hour", "UTC", NOON, "2026-11-21T12:00"),
        ("hour", "Asia/Kathmandu", NOON, "2026-11-21T12:15"),
        ("day", "Pacific/Kiritimati", NOON, "2026-11-22"),
        ("week", "UTC", NOON, "2026-11-16"),
        ("week", "UTC", NOON + 2 * DAY, "2026-11-23"),
        ("month", "UTC", NOON, "2026-11-01"),
        ("month", "UTC", NOON + 12 * DAY, "2026-12-01"),
    ],
)
def test_windows_are_those_of_the_calendar(period, zone, moment, window):
    assert window_of(period, rule(zone), moment) == window


def test_the_hour_that_comes_twice_in_autumn_is_two_windows():
    berlin, two = rule("Europe/Berlin"), 1_792_886_400.0  # 2026-10-25T00:00Z, which is 2:00 for the first time
    assert window_of("hour", berlin, two) < window_of("hour", berlin, two + 3600)


@pytest.mark.parametrize(
    ("tool", "arguments", "by", "expected"),
    [
        ("refund", {"amount": 5, "currency": "eur"}, "[actor, currency]", '{"actor": "ann", "currency": "EUR"}'),
        ("refund", {"amount": 5, "currency": "eur"}, "actor", '{"actor": "ann", "currency": "EUR"}'),
        ("refund", {"amount": 5, "currency": "eur"}, "[]", '{"currency": "EUR"}'),
        ("upload", {"megabytes": 5}, "[team, actor]", '{"actor": "ann", "team": "t"}'),
        ("upload", {"megabytes": 5}, "[]", "{}"),
        ("upload", {"megabytes": 5}, "[currency]", "currency"),
        ("refund", {"amount": 5}, "[actor]", "currency"),
        ("refund", {"amount": 5, "currency": "euro"}, "[]", "currency"),
        ("broken", {"amount": 5, "currency": "EUR"}, "[]", "currency"),
        ("refund", {"amount": 0.1234567890123456, "currency": "EUR"}, "[]", "value"),
        ("refund", {"currency": "EUR"}, "[]", "value"),
        ("upload", {"megabytes": 5}, "[user]", "total_by"),
    ],
)
def test_whose_sum_a_call_adds_to(tool, arguments, by, expected):
    policy = build(parse_policy(POLICY.replace("TOTAL_BY", by), "p.yaml"))
    value = arguments.get("amount", arguments.get("megabytes"))
    call = ToolCall("c", "function", tool, arguments, value=value)
    charge = charge_of(policy, policy.rules[0], call, CallContext(actor="ann", team="t"))
    if isinstance(charge, Uncountable):
        assert charge.blocked_by == expected
    else:
        assert (charge.account, charge.amount) == (expected, 5)


STEPS = st.lists(
    st.tuples(st.floats(-3 * DAY, 3 * DAY) | st.floats(-3600, 3600), st.integers(1, 6), st.booleans()), max_size=60
)


@given(STEPS, st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Honolulu"]))
def test_no_window_gives_more_than_its_sum_whatever_the_clock_does(steps, zone):
    """Counted in the furthest window that any clock had reached."""
    limited, totals, now = rule(zone, max_totals=ALL), Totals(), NOON
    furthest: dict[str, str] = {}
    given: dict[tuple[str, str], Decimal] = {}
    for step, amount, reserved in steps:
        now += step
        charge = Charge("{}", Decimal(amount))
        spent = totals.spent(limited, charge, now)
        if any(spent[period].exceeds(most, charge.amount) for period, most in ALL.items()):
            continue
        totals.add(limited, charge, now, reserved=reserved)
        for period in ALL:
            furthest[period] = max(furthest.get(period, ""), window_of(period, limited, now))
            key = (period, furthest[period])
            given[key] = given.get(key, Decimal(0)) + amount
    assert all(amount <= 10 for amount in given.values())


@given(
    st.lists(st.tuples(st.floats(0, DAY), st.integers(1, 999), st.sampled_from(["keep", "use", "free"])), max_size=30)
)
def test_what_is_taken_back_leaves_no_trace(steps):
    limited, totals, kept, now = rule(max_totals=ALL), Totals(), Totals(), NOON
    todo = []
    for step, cents, fate in steps:
        now += step
        charge = Charge("{}", Decimal(cents) / 100)
        todo.append((totals.add(limited, charge, now, reserved=fate != "keep"), fate))
        if fate != "free":
            kept.add(limited, charge, now)
        else:
            kept.add(limited, Charge("{}", Decimal(0)), now)
    for share, fate in todo:
        if fate == "use":
            totals.use(share)
        elif fate == "free":
            spent = totals.spent(limited, Charge("{}", Decimal(1)), now, [share])
            totals.take_back(share)
            assert spent == totals.spent(limited, Charge("{}", Decimal(1)), now)
    assert list(totals.changed()) == list(kept.changed())


def test_totals_begin_with_what_is_loaded_and_only_changed_ones_are_written():
    loaded = {"day": Total("2026-11-21", Decimal(4), Decimal(3))}
    totals = Totals(lambda *_: loaded)
    limited = rule(max_totals={"day": Decimal(10)}, totals_of="other")
    charge = Charge("{}", Decimal(2))
    assert totals.spent(limited, charge, NOON)["day"] == Spent(Decimal(4), Decimal(3))
    assert totals.spent(limited, charge, NOON)["day"].left(Decimal(10)) == 3
    assert list(totals.changed()) == []
    totals.add(limited, charge, NOON)
    assert list(totals.changed()) == [("other", "{}", "day", Total("2026-11-21", Decimal(6), Decimal(3)))]


def test_what_is_over_cannot_be_taken_back():
    total = Total("2026-11-21", Decimal(5), Decimal(0), "2026-11-20", Decimal(2), Decimal(0))
    assert total.added("2026-11-19", used=Decimal(-2)) == total
    assert total.added("2026-11-20", used=Decimal(-2)).used_before == 0


def test_without_a_keeper_of_sums_a_rule_with_sums_blocks():
    policy = build(parse_policy(POLICY.replace("TOTAL_BY", "[]"), "p.yaml"))
    call = ToolCall("c", "function", "upload", {"megabytes": 5}, value=5)
    assert judge(policy, policy.rules[0], call, NOON, None).blocked_by == "limits"
    deciding = find(policy, call, CallContext(), NOON)
    assert judge_all(policy, deciding, call, CallContext(), NOON, lambda *_: None).blocked_by == "limits"


def test_shares_of_others_make_no_room():
    limited, totals = rule(max_totals={"day": Decimal(10)}), Totals()
    mine = totals.add(limited, Charge("mine", Decimal(4)), NOON, reserved=True)
    theirs = totals.add(limited, Charge("theirs", Decimal(3)), NOON, reserved=True)

    spent = totals.spent(limited, Charge("mine", Decimal(1)), NOON, without=[theirs])
    without_mine = totals.spent(limited, Charge("mine", Decimal(1)), NOON, without=[mine, theirs])

    assert (spent["day"].reserved, without_mine["day"].reserved) == (4, 0)
