"""Rules by API live in the database, with every version they had."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from litellm_bighub.control_plane.store.tables import rules
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.policy_text import RuleText

PAYS = RuleText(name="pays", tool="pay", effect="allow", max_per_day=3)
STRICTER = RuleText(name="pays", tool="pay", effect="require_approval")


def test_rules_are_read_in_the_order_of_their_making(connection):
    later = rules.insert(connection, "r1", PAYS, by="ann", now=2.0)
    earlier = rules.insert(connection, "r2", STRICTER, by="bob", now=1.0)

    assert rules.everything(connection) == [earlier, later]
    assert rules.get(connection, "r1") == later
    assert rules.get(connection, "r3") is None


def test_a_change_counts_up_and_keeps_what_was(connection):
    made = rules.insert(connection, "r1", PAYS, by="ann", now=1.0)
    changed = rules.change(connection, made, STRICTER, by="bob", now=2.0)

    assert (changed.version, changed.text, changed.created_at, changed.updated_at) == (2, STRICTER, 1.0, 2.0)
    assert rules.get(connection, "r1") == changed
    kept = [(each.version, each.text, each.changed_by, each.changed_at) for each in rules.versions(connection, "r1", 9)]
    assert kept == [(2, STRICTER, "bob", 2.0), (1, PAYS, "ann", 1.0)]


def test_of_two_changes_of_the_same_version_the_first_counts(connection):
    made = rules.insert(connection, "r1", PAYS, by="ann", now=1.0)
    first = rules.change(connection, made, STRICTER, by="ann", now=2.0)

    assert rules.change(connection, made, PAYS, by="bob", now=3.0) is None
    assert rules.get(connection, "r1") == first
    assert len(rules.versions(connection, "r1", 9)) == 2


def test_a_removed_rule_keeps_its_versions(connection):
    rules.insert(connection, "r1", PAYS, by="ann", now=1.0)

    assert rules.remove(connection, "r1")
    assert not rules.remove(connection, "r1")
    assert rules.everything(connection) == []
    assert [each.text for each in rules.versions(connection, "r1", 9)] == [PAYS]


@pytest.mark.parametrize(
    ("zone", "today"),
    [
        pytest.param("UTC", 1, id="its day began at midnight"),
        pytest.param("America/New_York", 3, id="its day is longer"),
    ],
)
async def test_use_is_counted_by_the_days_of_the_rules_zone(open_plane, clock, zone, today):
    plane = open_plane(
        "version: 1\nrules:\n"
        f"  - {{name: pays, tool: pay, effect: allow, max_value: 100, max_per_day: 5, time_zone: {zone}}}\n"
        "tools: {pay: {value: amount}}\n"
    )

    async def pay(amount, at):
        clock.now = at.timestamp()
        await plane.decide(ToolCall("c", "function", "pay", {"amount": amount}, value=amount), CallContext())

    night = datetime(2026, 11, 22, tzinfo=timezone.utc)
    for hour in (22, 23):
        await pay(1, night.replace(day=21, hour=hour))
    await pay(1, night.replace(hour=1))
    await pay(500, night.replace(hour=2))
    (rule,) = (await plane.snapshot()).policy.rules

    used = await plane.read(lambda connection: rules.usage_numbers(connection, rule, clock.now))
    assert used == {
        "usage_today": today,
        "usage_total": 3,
        "blocked_today": 1,
        "blocked_total": 1,
        "remaining_today": 5 - today,
        "last_used_at": clock.now,
    }
