"""Statistics say the same, however many of the events were counted before."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from litellm_bighub.control_plane.audit import event_counts
from litellm_bighub.control_plane.http.sdk_extras.statistics import observer, value_protected
from litellm_bighub.control_plane.store.chain import DECISION, AuditEvent
from litellm_bighub.control_plane.store.tables import events, retention

NOW = 1_800_000_000.0
DECISIONS = st.builds(
    lambda hours, tool, verdict, enforced, value: AuditEvent(
        NOW - hours * 3600,
        DECISION,
        "d",
        {"enforced": enforced, "value": value, "blocked_by": None if verdict == "allowed" else "policy"},
        tool=tool,
        verdict=verdict,
        rule_id="rule-1",
    ),
    hours=st.integers(0, 24 * 40),
    tool=st.sampled_from(["pay", "look", "ä"]),
    verdict=st.sampled_from(["allowed", "blocked", "requires_approval"]),
    enforced=st.booleans(),
    value=st.sampled_from([None, 0.5, 20.0]),
)
OTHERS = st.builds(lambda hours: AuditEvent(NOW - hours * 3600, "approval.resolved", "a", {}), st.integers(0, 50))


async def _append(plane, entries):
    await plane.write(lambda transaction: [transaction.append(entry) for entry in entries])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(st.lists(DECISIONS | OTHERS, max_size=8), min_size=1, max_size=4))
async def test_what_was_counted_and_what_was_not_add_up(open_plane, rounds):
    plane = open_plane("version: 1\n")
    for entries in rounds:
        await plane.count_events()
        await _append(plane, entries)

    def asked(connection):
        by_tool = event_counts.totals(connection, ("tool", "verdict"), {"type": DECISION})
        return by_tool, observer(connection, NOW), value_protected(connection, NOW, 30)

    before = await plane.read(asked)
    while await plane.count_events():
        pass

    assert await plane.read(asked) == before
    by_tool, seen, protected = before
    everything = await plane.read(lambda connection: events.page(connection, limit=10_000))
    decided = [event for event in everything if event["type"] == DECISION]
    one_by_one = Counter((event["tool"], event["verdict"]) for event in decided)
    assert {key: one.number for key, one in by_tool.items()} == one_by_one
    days = 30 * 86400
    blocked = [e for e in decided if e["verdict"] == "blocked" and e["time"] >= NOW // 86400 * 86400 - days]
    assert seen["shadow"]["would_block"] == sum(not event["body"]["enforced"] for event in blocked)
    assert sum(seen["month"].values()) == sum(event["time"] >= NOW // 86400 * 86400 - days for event in decided)
    midnight = NOW // 86400 * 86400 - 29 * 86400
    values = [e["body"]["value"] or 0 for e in blocked if e["body"]["enforced"] and e["time"] >= midnight]
    assert (protected["total_blocked"], protected["total_value_protected"]) == (len(values), sum(values))


async def test_events_are_counted_once_by_however_many_processes(open_plane):
    one, other = open_plane("version: 1\n"), open_plane("version: 1\n")
    await one.count_events()
    await _append(one, [AuditEvent(NOW, "test", "s", {})] * 3)
    found = await one.read(lambda connection: event_counts.uncounted(connection, 2))
    same = await other.read(lambda connection: event_counts.uncounted(connection, 2))

    assert await one.write(lambda transaction: event_counts.count(transaction, found))
    assert not await other.write(lambda transaction: event_counts.count(transaction, same))
    assert await other.read(lambda connection: event_counts.number(connection, {"type": "test"})) == 3
    assert await other.count_events() == 1
    assert await other.count_events() == 0
    assert await other.read(lambda connection: event_counts.number(connection, {"type": "test"})) == 3


async def test_what_retention_removed_is_counted_no_longer(open_plane):
    plane = open_plane("version: 1\n")
    await _append(plane, [AuditEvent(NOW - 2 * 86400, "old", "s", {})] * 3 + [AuditEvent(NOW, "new", "s", {})])
    await plane.count_events()

    await plane.write(lambda transaction: retention.retain(transaction, before=NOW - 86400, now=NOW))

    counted = await plane.read(lambda connection: event_counts.totals(connection, ("type",), {}))
    assert ("old",) not in counted
    total = await plane.read(events.count)
    assert sum(one.number for one in counted.values()) == total


@pytest.mark.parametrize("folded", [False, True])
async def test_a_filter_by_rule_and_by_severity_counts_alike(open_plane, folded):
    plane = open_plane("version: 1\n")
    await _append(
        plane, [AuditEvent(NOW, "t", "s", {}, severity="warning", rule_id="r"), AuditEvent(NOW, "t", "s", {})]
    )
    if folded:
        await plane.count_events()

    warned = await plane.read(lambda connection: event_counts.number(connection, {"severity": "warning", "type": "t"}))
    ruled = await plane.read(lambda connection: event_counts.number(connection, {"rule_id": "r"}))

    assert (warned, ruled) == (1, 1)
