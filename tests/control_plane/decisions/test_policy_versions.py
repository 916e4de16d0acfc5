"""Every version of the policy that decisions were made under, and what each changed."""

from __future__ import annotations

from litellm_bighub.control_plane.decisions.policy_versions import version, versions
from litellm_bighub.control_plane.store.tables import rules
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.difference import Difference
from litellm_bighub.policy.policy_text import RuleText

FIRST = "version: 1\nrules: [{name: pays, tool: pay}]\n"
SECOND = FIRST.replace("tool: pay}", "tool: pay, max_per_day: 3}")


async def decide(plane):
    return (await plane.decide(ToolCall("c", "function", "pay"), CallContext())).judgement.policy_version


async def test_each_version_tells_what_it_changed(open_plane, clock):
    names = []
    for policy in (FIRST, SECOND, FIRST):
        names.append(await decide(open_plane(policy)))
        clock.now += 60

    listed = await open_plane(FIRST).read(lambda connection: versions(connection, 9))
    assert [each.version for each in listed] == [names[1], names[0]]  # the third is the first again
    assert listed[0].changes == (Difference("changed", "pays", {"max_per_day": (None, 3)}),)
    assert listed[1].changes is None
    assert listed[0].first_used_at - listed[1].first_used_at == 60


async def test_a_short_list_still_knows_what_its_last_version_changed(open_plane, clock):
    for policy in (FIRST, SECOND):
        await decide(open_plane(policy))
        clock.now += 60

    [newest] = await open_plane(SECOND).read(lambda connection: versions(connection, 1))
    assert newest.changes is not None


async def test_one_version_is_read_with_its_whole_text(open_plane, clock):
    await decide(open_plane(FIRST))
    clock.now += 60
    name = await decide(open_plane(SECOND))
    plane = open_plane(SECOND)

    found = await plane.read(lambda connection: version(connection, name))
    assert found.file == {"version": 1, "rules": [{"name": "pays", "tool": "pay", "max_per_day": 3}]}
    assert found.added_rules == []
    assert found.changes == (Difference("changed", "pays", {"max_per_day": (None, 3)}),)
    assert await plane.read(lambda connection: version(connection, "unknown")) is None


async def test_a_rule_by_api_makes_a_version_and_is_told_with_its_id(open_plane, clock):
    plane = open_plane(FIRST)
    await decide(plane)
    clock.now += 60

    def add(transaction):
        rules.insert(transaction.connection, "r1", RuleText(name="pays", max_per_day=5), by="ann", now=clock.now)
        transaction.reconfigure()

    await plane.write(add)
    name = await decide(plane)
    found = await plane.read(lambda connection: version(connection, name))
    assert found.added_rules == [("r1", {"name": "pays", "max_per_day": 5})]
    assert found.changes == (Difference("added", "pays (r1)", {}),)


async def test_before_any_decision_there_is_none(open_plane):
    assert await open_plane(FIRST).read(lambda connection: versions(connection, 9)) == []
