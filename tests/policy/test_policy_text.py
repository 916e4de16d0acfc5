"""A policy as it is written becomes rules, a version and a canonical text."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from litellm_bighub.domain.conversation.fact import FollowedCall
from litellm_bighub.domain.conversation.history import FreshHistory
from litellm_bighub.policy.approvers import Requirement
from litellm_bighub.policy.policy_text import (
    ALLOWANCE,
    PolicyText,
    RuleText,
    build,
    canonical_text,
    read_canonical_text,
)
from litellm_bighub.policy.rule import Hours

ASKS = {"effect": "require_approval"}
LATER = {"after_seconds": 60, "to": ["group:leads"]}


def policy(*rules: dict[str, object], **keys: object) -> PolicyText:
    return PolicyText.model_validate({"version": 1, "rules": list(rules), **keys})


def test_every_field_of_a_rule_is_carried_over():
    text = RuleText(
        name="refunds",
        tool="refund",
        type="function",
        actor="agent",
        domain="payments",
        user="u",
        key="k",
        when="amount > `1`",
        min_value=1,
        require_approval_above=5,
        max_value=10,
        max_per_day=3,
        max_per_hour=2,
        cooldown_seconds=1.5,
        allowed_hours_start=8,
        allowed_hours_end=18,
        time_zone="Europe/Berlin",
        status="paused",
        expires_at=datetime(2026, 12, 1, tzinfo=timezone.utc),
        approval_ttl_seconds=60,
        four_eyes=True,
        priority=7,
    )
    rule = text.rules("rule_1")[0]
    assert (rule.id, rule.name) == ("rule_1", "refunds")
    patterns = [pattern.text for pattern in (rule.tool, rule.type, rule.actor, rule.domain, rule.user, rule.key)]
    assert patterns == ["refund", "function", "agent", "payments", "u", "k"]
    assert rule.when is not None
    assert rule.when.text == "amount > `1`"
    assert (rule.min_value, rule.require_approval_above, rule.max_value) == (1, 5, 10)
    assert (rule.max_per_day, rule.max_per_hour, rule.cooldown_seconds) == (3, 2, 1.5)
    assert (rule.hours, rule.zone) == (Hours(8, 18), ZoneInfo("Europe/Berlin"))
    assert (rule.status, rule.expires_at) == ("paused", 1796083200)
    assert (rule.approval_ttl_seconds, rule.four_eyes, rule.priority) == (60, True, 7)


@pytest.mark.parametrize(
    ("fields", "hours"),
    [({"when": None}, None), ({"allowed_hours_start": 8}, Hours(8, 24)), ({"allowed_hours_end": 18}, Hours(0, 18))],
)
def test_half_of_the_hours_is_enough(fields, hours):
    rule = RuleText(name="r", **fields).rules()[0]
    assert (rule.id, rule.hours, rule.when, rule.expires_at) == ("r", hours, None, None)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"when": "a >"}, "JMESPath", id="a condition that cannot be read"),
        pytest.param({"time_zone": "Mars"}, "time zone", id="no such zone"),
        pytest.param({"min_value": 2, "max_value": 1}, "decrease", id="bounds the wrong way round"),
        pytest.param({"effect": "block", "max_value": 1}, "drop the bounds", id="bounds on a rule that blocks"),
        pytest.param({"allowed_hours_start": 0, "allowed_hours_end": 24}, "same hour", id="hours that allow nothing"),
        pytest.param({"unknown": 1}, "unknown", id="an unknown field"),
        pytest.param({"approvers": "group:a"}, "a rule that asks", id="approvers of a rule that never asks"),
        pytest.param({"quorum": {"count": 2, "group": "a"}}, "a rule that asks", id="a quorum of one"),
        pytest.param({**ASKS, "approvers": "finance"}, "approvers", id="a name that is neither group nor user"),
        pytest.param({**ASKS, "escalation": LATER}, "anybody may answer", id="an escalation from everybody"),
        pytest.param(
            {**ASKS, "approvers": "group:a", "escalation": LATER, "approval_ttl_seconds": 60},
            "too late",
            id="an escalation after the end",
        ),
        pytest.param({"taint": "untrusted"}, "`taint` blocks or asks", id="a label that allows"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields, says):
    with pytest.raises(ValidationError, match=says):
        RuleText.model_validate({"name": "r", **fields})


@pytest.mark.parametrize("asks", [ASKS, {"require_approval_above": 5}, {"command": {"require_approval": "rm *"}}])
def test_who_must_approve_is_carried_over(asks):
    fields = {"approvers": "group:a", "quorum": {"count": 2, "group": "s"}, "escalation": LATER, **asks}
    rule = RuleText.model_validate({"name": "r", **fields}).rules()[0]
    assert rule.requirements == (
        Requirement(("group:s",), 2, 60, ("group:leads",)),
        Requirement(("group:a",), 1, 60, ("group:leads",)),
    )


def test_the_files_rules_come_first_but_priorities_before_that():
    text = policy({"name": "low"}, {"name": "high", "priority": 1})
    added = (("rule_1", RuleText(name="added")), ("rule_2", RuleText(name="urgent", priority=1)))
    assert [rule.id for rule in build(text, added).rules] == ["high", "rule_2", "low", "rule_1"]


def test_the_version_follows_what_decides():
    plain = build(policy({"name": "a"})).version
    assert plain == build(policy({"name": "a"}, audit_keep_days=9)).version
    tools = [
        build(policy({"name": "a"}, tools={"t": {"value": "a", **show}})).version for show in ({}, {"show": "{a}"})
    ]
    assert tools[0] == tools[1] != plain
    assert plain == build(policy({"name": "a"}), ((f"{ALLOWANCE}apr_1", RuleText(name="for a while")),)).version
    assert plain != build(policy({"name": "a"}), (("rule_1", RuleText(name="added")),)).version
    assert plain != build(policy({"name": "b"})).version


def test_a_canonical_text_is_read_as_it_was_written():
    text = policy({"name": "a", "max_value": 5}, default="allow", tools={"refund": {"value": "amount"}})
    added = (("rule_1", RuleText(name="added")),)
    assert read_canonical_text(canonical_text(text, added)) == (text, added)


def test_one_rule_with_lists_for_each_effect_is_a_rule_for_each():
    text = RuleText(name="shell", command={"allow": "ls *", "block": ["rm *"]}, max_per_day=3)
    assert [(rule.id, rule.effect, len(rule.parts), rule.max_per_day) for rule in text.rules()] == [
        ("shell", "block", 1, 3),
        ("shell", "allow", 1, 3),
    ]


def test_patterns_of_parts_are_carried_over():
    others = {"url": "https://a", "sql": "select", "recipient": ["*@a.de"]}
    text = RuleText(name="r", command=["ls *", "cat *"], read="**/x", write=["/a"], effect="block", **others)
    (rule,) = text.rules(workspace="/repo")
    assert len(rule.parts) == 7
    assert RuleText(name="r", command="ls").rules()[0].parts == RuleText(name="r", command=["ls"]).rules()[0].parts


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"command": {"allow": ["ls"]}, "effect": "block"}, "drop `effect`"),
        ({"command": {"allow": ["ls"]}, "read": "x"}, "a rule of their own"),
        ({"command": {}}, "names no command"),
        ({"command": {"patterns": ["ls"], "allow": ["ls"]}}, "either a list"),
        ({"command": ["ls; rm"]}, "no word of a pattern"),
        ({"command": {"deny": ["ls"]}}, "Extra inputs"),
        ({"read": [".."]}, "no `..`"),
        ({"read": []}, "at least 1 item"),
        ({"tool": []}, "at least 1 item"),
        ({"url": "x"}, "a pattern of addresses"),
        ({"sql": "x"}, "a pattern of SQL"),
        ({"recipient": "x"}, "a pattern of recipients"),
        ({"command": {"allow": ["ls"]}, "url": "https://a"}, "a rule of their own"),
        ({"address": "x"}, "Extra inputs"),
    ],
)
def test_fields_of_parts_that_make_no_sense_are_refused(fields, problem):
    with pytest.raises(ValidationError, match=problem):
        RuleText(name="r", **fields)


@pytest.mark.parametrize("workspace", ["repo", "/repo/../x", "/", ""])
def test_a_workspace_is_an_absolute_path(workspace):
    with pytest.raises(ValidationError, match="workspace"):
        policy(workspace=workspace)


def test_a_rule_may_be_for_several_tools():
    assert (RuleText(name="r").tools, RuleText(name="r", tool=["a"]).tools) == (["*"], ["a"])
    rule = RuleText(name="r", tool=["a", "b*"]).rules()[0]
    assert [bool(rule.tool.matches(name)) for name in ("a", "bc", "c")] == [True, True, False]


def test_the_version_of_a_policy_without_parts_is_what_it_was():
    text = policy({"name": "r", "tool": "a*", "effect": "block"}, tools={"a": {"value": "x"}})
    assert canonical_text(text) == (
        '{"added":[],"file":{"rules":[{"effect":"block","name":"r","tool":"a*"}],"tools":{"a":{"value":"x"}},"version":1}}'
    )
    assert build(text).version == "d10bf5ceed2b"


def test_a_policy_with_parts_is_read_again_as_it_was():
    text = policy({"name": "r", "command": {"allow": "ls *"}}, {"name": "s", "command": "a"}, workspace="/repo")
    again, _ = read_canonical_text(canonical_text(text))
    assert build(again).version == build(text).version
    assert [rule.parts for rule in build(again).rules] == [rule.parts for rule in build(text).rules]


@pytest.mark.parametrize(
    ("fields", "effects"),
    [
        ({}, ("allow",)),
        ({"effect": "block", "command": "rm *"}, ("block",)),
        ({"command": {"allow": "ls", "block": "rm *"}}, ("block", "allow")),
    ],
)
def test_the_effects_of_a_rule(fields, effects):
    assert RuleText(name="r", **fields).effects == effects


def test_a_pack_may_be_there_once():
    assert policy(include="mail").include == ["mail"]
    with pytest.raises(ValidationError, match="there twice"):
        policy(include=["mail", "mail"])


def test_a_condition_that_was_stored_before_slips_were_refused_is_still_read():
    rule = {"name": "r", "when": 'currency == "EUR"'}
    stored = json.dumps({"file": {"version": 1, "rules": [rule]}, "added": [["a", rule]]})
    text, added = read_canonical_text(stored)
    assert [one.when for one in (*text.rules, added[0][1])] == [rule["when"]] * 2
    with pytest.raises(ValidationError, match="is the field EUR"):
        RuleText.model_validate(rule)


SUMS = {"max_total_per_hour": 0.1, "max_total_per_day": 0.3, "max_total_per_week": 0.3, "max_total_per_month": 1e14}


def test_sums_are_limited_by_exactly_what_was_written():
    (rule,) = RuleText(name="r", **SUMS, total_by="team", totals_of="other").rules("allow_1")
    assert list(rule.max_totals.items()) == [
        ("hour", Decimal("0.1")),
        ("day", Decimal("0.3")),
        ("week", Decimal("0.3")),
        ("month", Decimal(10**14)),
    ]
    assert (rule.id, rule.total_by, rule.totals_of) == ("allow_1", ("team",), "other")
    (few,) = RuleText(name="r", max_total_per_week=0).rules()
    assert (few.max_totals, few.total_by, few.totals_id) == ({"week": Decimal(0)}, (), "r")


@pytest.mark.parametrize(
    ("fields", "place", "problem"),
    [
        ({"max_total_per_day": 0.1 + 0.2}, ("max_total_per_day",), "write at most 15 digits"),
        ({"max_total_per_day": 1e15}, ("max_total_per_day",), "write at most 15 digits"),
        ({"max_total_per_day": float("inf")}, ("max_total_per_day",), "finite number"),
        ({"total_by": "key"}, (), "add a max_total_per_hour"),
        ({"totals_of": "other"}, (), "add a max_total_per_hour"),
        ({**SUMS, "total_by": ["key", "key"]}, (), "total_by names something twice"),
        ({**SUMS, "total_by": ["key", "agent"]}, ("total_by", 1), "Input should be 'actor'"),
        ({**SUMS, "min_value": -1}, (), "would free what others have used"),
        ({**SUMS, "effect": "block"}, (), "blocks every value"),
        ({**SUMS, "max_total_per_day": 0.05}, (), "must not decrease"),
        ({**SUMS, "max_total_per_month": 0.2}, (), "must not decrease"),
    ],
)
def test_sums_that_make_no_sense_are_refused_where_they_stand(fields, place, problem):
    with pytest.raises(ValidationError, match=problem) as raised:
        RuleText(name="r", **fields)
    assert [error["loc"] for error in raised.value.errors()] == [place]


def test_a_rule_is_for_one_label_or_several_that_results_of_tools_have():
    rules = [{"name": "r", "effect": "block", "taint": taint} for taint in ("untrusted", ["untrusted", "private"])]
    built = build(policy(*rules, tools={"fetch*": {"output": "untrusted"}, "fetch_mail": {"output": ["private"]}}))
    assert [rule.taint for rule in built.rules] == [{"untrusted"}, {"untrusted", "private"}]
    assert [built.labels.of(name) for name in ("fetch", "fetch_mail", "x")] == [
        {"untrusted"},
        {"untrusted", "private"},
        set(),
    ]
    texts = [RuleText.model_validate(rule) for rule in rules]
    assert [one.taints for one in (*texts, RuleText(name="r"))] == [["untrusted"], ["untrusted", "private"], []]


@pytest.mark.parametrize(
    ("history", "seconds"),
    [({}, 3600), ({"window_seconds": 60}, 60), ({"fresh": "clean", "window_seconds": 60}, 0)],
)
def test_a_turn_without_history_has_what_came_back_in_the_window(history, seconds):
    assert policy(history=history).history.seconds == seconds


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, None),
        ({"tools": {"fetch": {"output": "web"}}}, FreshHistory()),
        ({"rules": [{"name": "r", "max_per_conversation": 1}]}, FreshHistory(calls=())),
        (
            {"rules": [{"name": "r", "after": "a"}, {"name": "s", "not_after": {"tool": "b", "same": {"x": "y"}}}]},
            FreshHistory(calls=(FollowedCall(("a",)), FollowedCall(("b",), ("y",))), compared=(("x",),)),
        ),
        (
            {"rules": [{"name": "r", "after": {"tool": "a", "of": "caller", "within_seconds": 9}}]},
            FreshHistory(calls=(FollowedCall(("a",)),), of_caller=True),
        ),
    ],
)
def test_conversations_are_followed_as_far_as_rules_ask(asked, expected):
    assert policy(**asked).followed == expected


CLAIM = {"name": "r", "command": {"allow": "ls", "require_approval": "cp *"}}


@pytest.mark.parametrize("asked", [{"end_user": "ann"}, {"when": "caller('end_user') == 'ann'"}])
def test_an_added_rule_allows_by_end_user_only_while_it_is_trusted(asked):
    added = (("rule_1", RuleText.model_validate({**CLAIM, **asked})),)
    effects = [
        [rule.effect for rule in build(policy(trusted_end_user=trusted), added).rules] for trusted in (True, False)
    ]
    assert effects == [["require_approval", "allow"], ["require_approval", "block"]]
    others = (("rule_1", RuleText.model_validate(CLAIM)),)
    assert [rule.effect for rule in build(policy(), others).rules] == effects[0]
