"""What a policy says about a call, as tables: rule, call, verdict and the field that decided."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.approvers import Requirement
from litellm_bighub.policy.callers.caller_rules import written
from litellm_bighub.policy.evaluation import Usage, evaluate, explain
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import build
from litellm_bighub.policy.rule import Policy
from litellm_bighub.policy.totals import Spent

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=timezone.utc).timestamp()


def policy_of(*rules: str, default: str = "block", start: str = "") -> Policy:
    lines = [f"version: 1\ndefault: {default}\n{start}\nrules:", *(f"  - {rule}" for rule in rules)]
    return build(parse_policy("\n".join(lines) + ("" if rules else " []"), "policy.yaml"))


def call(name: str = "refund", *, value: float | None = None, **arguments) -> ToolCall:
    return ToolCall(id="c1", type="function", name=name, arguments=arguments, value=value)


def judged(policy: Policy, asked: ToolCall, *, context: CallContext | None = None, now: float = NOON, usage=None):
    judgement = evaluate(policy, asked, context or CallContext(), now=now, usage=usage or Usage())
    return judgement.verdict, judgement.blocked_by


ALLOWED = ("allowed", "")


@pytest.mark.parametrize(
    ("default", "expected"),
    [("block", ("blocked", "default")), ("allow", ALLOWED), ("require_approval", ("requires_approval", "default"))],
)
def test_without_a_matching_rule_the_default_holds(default, expected):
    policy = policy_of("{name: other, tool: other}", default=default)
    assert expected == judged(policy, call())


@pytest.mark.parametrize(
    ("pattern", "tool", "expected"),
    [
        pytest.param("refund", "refund", ALLOWED, id="the name itself"),
        pytest.param("re*", "refund", ALLOWED, id="a prefix"),
        pytest.param("re*", "Refund", ("blocked", "default"), id="case counts"),
        pytest.param("refund", "refund_all", ("blocked", "default"), id="the whole name"),
        pytest.param("refund", "refund\n", ("blocked", "unreadable"), id="a newline behind the name"),
        pytest.param("lookup_?", "lookup_a", ALLOWED, id="one character"),
    ],
)
def test_a_tool_pattern_is_matched_against_the_whole_name(pattern, tool, expected):
    assert expected == judged(policy_of(f"{{name: r, tool: '{pattern}'}}"), call(tool))


@pytest.mark.parametrize("field", ["type: shell", "actor: robot", "domain: payments"])
def test_type_actor_and_domain_narrow_a_rule(field):
    policy = policy_of(f"{{name: r, {field}}}")
    fitting = ToolCall(id="c", type="shell", name="shell")
    assert judged(policy, fitting, context=CallContext(actor="robot", domain="payments")) == ALLOWED
    assert judged(policy, call(), context=CallContext(actor="human", domain="hr")) == ("blocked", "default")


def test_the_first_matching_rule_decides():
    policy = policy_of("{name: deny, tool: refund, effect: block}", "{name: permit, tool: '*'}")
    assert judged(policy, call("refund")) == ("blocked", "effect")
    assert judged(policy, call("lookup")) == ALLOWED


def test_a_higher_priority_comes_before_the_order():
    policy = policy_of("{name: deny, effect: block}", "{name: permit, priority: 1}")
    assert judged(policy, call()) == ALLOWED


BOUNDED = "{name: r, min_value: 1, require_approval_above: 500, max_value: 1000}"


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        pytest.param(BOUNDED, 0.5, ("blocked", "min_value"), id="below the minimum"),
        pytest.param(BOUNDED, 1, ALLOWED, id="at the minimum"),
        pytest.param(BOUNDED, 500, ALLOWED, id="at the threshold"),
        pytest.param(BOUNDED, 500.01, ("requires_approval", "require_approval_above"), id="above the threshold"),
        pytest.param(BOUNDED, 1000, ("requires_approval", "require_approval_above"), id="at the maximum"),
        pytest.param(BOUNDED, 1000.01, ("blocked", "max_value"), id="above the maximum"),
        pytest.param(BOUNDED, None, ("blocked", "value"), id="no value"),
        pytest.param("{name: r, max_value: 10}", -5, ("blocked", "min_value"), id="negative under an upper bound"),
        pytest.param("{name: r, min_value: -9, max_value: 10}", -5, ALLOWED, id="negative, and asked for"),
        pytest.param("{name: r}", None, ALLOWED, id="no bounds, no value"),
        pytest.param("{name: r, effect: require_approval}", None, ("requires_approval", "effect"), id="a person"),
        pytest.param(
            "{name: r, effect: require_approval, max_value: 10}", 11, ("blocked", "max_value"), id="bound before person"
        ),
    ],
)
def test_the_value_is_bounded(rule, value, expected):
    assert expected == judged(policy_of(rule), call(value=value))


@pytest.mark.parametrize(
    ("when", "arguments", "expected"),
    [
        pytest.param("currency == 'EUR'", {"currency": "EUR"}, ALLOWED, id="true"),
        pytest.param("currency == 'EUR'", {"currency": "USD"}, ("blocked", "default"), id="false"),
        pytest.param("currency == 'EUR'", {}, ("blocked", "default"), id="equality with a missing field is false"),
        pytest.param("amount > `5`", {"amount": "600"}, ("blocked", "when"), id="a number as text"),
        pytest.param("!(amount > `5`)", {"amount": "600"}, ("blocked", "when"), id="a number as text, negated"),
        pytest.param("amount > `5`", {}, ("blocked", "when"), id="ordering with a missing field"),
        pytest.param("amount", {"amount": 1}, ("blocked", "when"), id="neither true nor false"),
        pytest.param("contains(to, 'x')", {"to": 1}, ("blocked", "when"), id="a function on the wrong type"),
    ],
)
def test_a_condition_that_has_no_answer_blocks(when, arguments, expected):
    assert expected == judged(policy_of(f'{{name: r, when: "{when}"}}'), call(**arguments))


def test_a_blocking_condition_is_not_passed_by_a_number_written_as_text():
    policy = policy_of('{name: big, when: "amount > `500`", effect: block}', "{name: rest}")
    assert judged(policy, call(amount="600")) == ("blocked", "when")


@pytest.mark.parametrize(
    ("rule", "usage", "expected"),
    [
        pytest.param("max_per_day: 2", Usage(today=1), ALLOWED, id="one left today"),
        pytest.param("max_per_day: 2", Usage(today=2), ("blocked", "max_per_day"), id="none left today"),
        pytest.param("max_per_day: 0", Usage(), ("blocked", "max_per_day"), id="never"),
        pytest.param("max_per_hour: 2", Usage(this_hour=2), ("blocked", "max_per_hour"), id="none left this hour"),
        pytest.param("cooldown_seconds: 60", Usage(last_at=NOON - 59), ("blocked", "cooldown_seconds"), id="too soon"),
        pytest.param("cooldown_seconds: 60", Usage(last_at=NOON - 60), ALLOWED, id="rested"),
        pytest.param("cooldown_seconds: 60", Usage(), ALLOWED, id="the first"),
    ],
)
def test_use_is_limited(rule, usage, expected):
    assert expected == judged(policy_of(f"{{name: r, {rule}}}"), call(), usage=usage)


def test_a_limited_rule_blocks_where_nothing_keeps_count():
    judgement = evaluate(policy_of("{name: r, max_per_day: 5}"), call(), CallContext(), now=NOON, usage=None)
    assert (judgement.verdict, judgement.blocked_by) == ("blocked", "limits")


@pytest.mark.parametrize(
    ("hours", "zone", "expected"),
    [
        pytest.param((9, 17), "UTC", ALLOWED, id="within"),
        pytest.param((13, 17), "UTC", ("blocked", "allowed_hours"), id="before"),
        pytest.param((9, 12), "UTC", ("blocked", "allowed_hours"), id="the end is not included"),
        pytest.param((13, 17), "Europe/Berlin", ALLOWED, id="13:30 in Berlin"),
        pytest.param((22, 6), "UTC", ("blocked", "allowed_hours"), id="a night without noon"),
        pytest.param((12, 6), "UTC", ALLOWED, id="over midnight"),
        pytest.param((12, 24), "UTC", ALLOWED, id="until midnight"),
    ],
)
def test_hours_are_meant_in_the_rules_time_zone(hours, zone, expected):
    rule = f"{{name: r, allowed_hours_start: {hours[0]}, allowed_hours_end: {hours[1]}, time_zone: {zone}}}"
    assert expected == judged(policy_of(rule), call())


@pytest.mark.parametrize("field", ["status: paused", "expires_at: '2026-11-21T12:30:00Z'"])
def test_a_paused_or_expired_rule_is_passed_over(field):
    assert judged(policy_of(f"{{name: r, {field}}}"), call()) == ("blocked", "default")


def test_a_rule_counts_until_the_moment_it_expires():
    assert judged(policy_of("{name: r, expires_at: '2026-11-21T12:30:00.001Z'}"), call()) == ALLOWED


def test_explain_names_every_rule_passed_over_and_why():
    policy = policy_of("{name: a, tool: x}", '{name: b, when: "n == `1`"}', "{name: c}", "{name: d}")
    explanation = explain(policy, call(n=2), CallContext(), now=NOON)
    assert [(seen.rule.name, seen.mismatch) for seen in explanation.considered] == [
        ("a", "tool"),
        ("b", "when"),
        ("c", None),
    ]
    assert explanation.judgement.rule.name == "c"


def test_a_reason_names_the_rule_and_no_argument():
    judgement = evaluate(policy_of(BOUNDED), call(value=2000, secret="s3cret"), CallContext(), now=NOON)
    assert judgement.reason == "the value is above 1000 (r)"


@given(
    names=st.lists(st.sampled_from(["a", "b", "c*"]), max_size=6),
    effects=st.lists(st.sampled_from(["allow", "block", "require_approval"]), min_size=6, max_size=6),
    asked=st.sampled_from(["a", "b", "cc", "z"]),
)
def test_explain_and_evaluate_agree(names, effects, asked):
    rules = (f"{{name: r{i}, tool: '{name}', effect: {effects[i]}}}" for i, name in enumerate(names))
    policy = policy_of(*rules)
    explained = explain(policy, call(asked), CallContext(), now=NOON).judgement
    assert explained == evaluate(policy, call(asked), CallContext(), now=NOON)
    assert explained.verdict == "blocked" or explained.rule is not None


NAMED = ["billing-x", "key:billing-x", "user:billing-x"]


@pytest.mark.parametrize("actor", NAMED)
@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("billing-*", {"billing-x"}),
        ("*billing*", {"billing-x"}),
        ("[k]ey:*", set()),
        ("k*", set()),
        ("?*", {"billing-x"}),
        ("*", set(NAMED)),
        ("**", set(NAMED)),
        ("key:billing-*", {"key:billing-x"}),
        ("key:*", {"key:billing-x"}),
        ("user:billing-x", {"user:billing-x"}),
    ],
)
def test_a_rule_that_allows_says_whom_it_means(pattern, fitting, actor):
    policy = policy_of(f"{{name: r, actor: '{pattern}'}}")
    expected = ALLOWED if actor in fitting else ("blocked", "default")
    assert judged(policy, call(), context=CallContext(actor=actor)) == expected


RESTRAINING = [
    "effect: block",
    "effect: require_approval",
    "max_value: 5",
    "min_value: 5",
    "require_approval_above: 5",
    "max_per_day: 5",
    "max_per_hour: 5",
    "cooldown_seconds: 5.0",
    "allowed_hours_start: 9, allowed_hours_end: 17",
]


@pytest.mark.parametrize("after", ["", "{name: after, effect: block}", "{name: after, effect: require_approval}"])
@pytest.mark.parametrize("actor", ["key:billing-x", "user:billing-x"])
@pytest.mark.parametrize("pattern", ["billing-*", "*billing*", "*-x", "[ku]*:*", "?????????*"])
@pytest.mark.parametrize("restrains", RESTRAINING)
def test_what_a_rule_that_restrains_may_mean_is_blocked(restrains, pattern, actor, after):
    """A policy of before, in which a name alone was a key's, lets nothing more pass now: whatever stands behind."""
    policy = policy_of(f"{{name: r, actor: '{pattern}', {restrains}}}", *[after] * bool(after), default="allow")
    told = explain(policy, call(value=1000), CallContext(actor=actor), now=NOON).judgement
    assert (told.verdict, told.rule.name) == ("blocked", "r")


@pytest.mark.parametrize("restrains", RESTRAINING)
def test_a_rule_before_says_what_is_meant(restrains):
    policy = policy_of("{name: keys, actor: 'key:billing-*'}", f"{{name: r, actor: 'billing-*', {restrains}}}")
    assert judged(policy, call(), context=CallContext(actor="key:billing-x")) == ALLOWED


def test_an_unclear_actor_is_explained():
    policy = policy_of("{name: r, actor: 'billing-*', effect: require_approval}")
    told = explain(policy, call(), CallContext(actor="key:billing-x"), now=NOON)
    assert (told.judgement.blocked_by, told.judgement.reason) == (
        "actor",
        "the rule's actor says neither key: nor user: (r)",
    )


@pytest.mark.parametrize(
    ("user", "key", "expected"), [("ann", "k1", ALLOWED), ("bob", "k1", None), ("ann", "k2", None)]
)
def test_user_and_key_narrow_a_rule(user, key, expected):
    policy = policy_of("{name: r, user: a*, key: k1}")
    assert judged(policy, call(), context=CallContext(user=user, key=key)) == (expected or ("blocked", "default"))


WHO = {"user": "ann", "team": "support", "key": "k1", "model": "gpt-4.1", "surface": "/v1/responses", "end_user": "eva"}


@pytest.mark.parametrize("name", WHO)
@pytest.mark.parametrize("effect", ["allow", "block"])
def test_a_rule_is_for_the_callers_that_it_names(name, effect):
    """Whoever is somebody else in this one thing is not meant, and neither is nobody."""
    policy = policy_of(
        f"{{name: r, {name}: ['x', '{WHO[name][:2]}*'], effect: {effect}}}", start="trusted_end_user: true"
    )
    fits = ALLOWED if effect == "allow" else ("blocked", "effect")
    assert judged(policy, call(), context=CallContext(**WHO)) == fits
    for other in ("other", ""):
        context = CallContext(**{**WHO, name: other})
        assert judged(policy, call(), context=context) == ("blocked", "default")
        assert explain(policy, call(), context, now=NOON).considered[0].mismatch == name


@pytest.mark.parametrize(
    ("pattern", "alias", "fits"),
    [
        ("billing-*", "billing-eu", True),
        ("billing-*", "other", False),
        ("a" * 64, "a" * 64, False),
        ("*a", "A" * 63 + "a", False),
        ("k1", "billing-eu", True),
    ],
)
def test_a_key_is_named_by_its_alias_or_its_hash_and_no_alias_poses_as_a_hash(pattern, alias, fits):
    policy = policy_of(f"{{name: r, key: '{pattern}'}}")
    verdict = ALLOWED if fits else ("blocked", "default")
    assert judged(policy, call(), context=CallContext(key="k1", key_alias=alias)) == verdict


def test_a_condition_without_an_answer_ends_the_explanation():
    policy = policy_of("{name: other, tool: other}", "{name: big, when: 'amount > `5`'}", "{name: rest}")
    explanation = explain(policy, call(amount=None), CallContext(), now=NOON)
    assert [(one.rule.name, one.mismatch) for one in explanation.considered] == [("other", "tool"), ("big", None)]
    assert (explanation.judgement.verdict, explanation.judgement.blocked_by) == ("blocked", "when")


def test_a_call_that_cannot_be_read_is_explained_without_a_rule():
    explanation = explain(policy_of("{name: r}"), call("refund\n"), CallContext(), now=NOON)
    assert explanation.considered == ()
    assert explanation.judgement.blocked_by == "unreadable"


SHELL = """
version: 1
tools: {run: {command: command}}
rules:
  - {name: odd, command: "odd *", when: "n > `1`"}
  - {name: shell, tool: run, command: {block: "rm *", allow: "ls *"}, max_per_day: 1}
  - {name: secrets, read: "**/.env", effect: block}
  - {name: two, tool: run, command: ["make *"], effect: require_approval, four_eyes: true}
"""


def of_command(text):
    return explain(build(parse_policy(SHELL, "p.yaml")), call("run", command=text), CallContext(), now=NOON)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ls a", ("allowed", "")),
        ("ls; rm a", ("blocked", "effect")),
        ("ls; make", ("requires_approval", "effect")),
        ("ls; other", ("blocked", "default")),
        ("ls; odd", ("blocked", "when")),
        ("cat .env", ("blocked", "effect")),
    ],
)
def test_the_strictest_answer_for_a_part_is_that_of_the_call(text, expected):
    judgement = of_command(text).judgement
    assert (judgement.verdict, judgement.blocked_by) == expected


def test_each_rule_that_decides_counts_an_allowed_call_and_two_people_are_needed_if_one_asks_for_them():
    assert [rule.name for rule in of_command("ls; ls").judgement.counting] == ["shell"]
    asked = of_command("ls; make").judgement
    assert asked.counting == ()
    assert asked.requirements == (Requirement(count=2),)
    assert [rule.name for rule in asked.rules] == ["shell", "two"]


def test_an_explanation_tells_of_parts():
    explanation = of_command("ls .env")
    assert [(one.part.kind, one.rule.name if one.rule else "", one.ignored) for one in explanation.parts] == [
        ("command", "shell", False),
        ("read", "secrets", False),
    ]
    assert [seen.mismatch for seen in explanation.considered] == ["part", "part", None, None]
    assert [seen.mismatch for seen in of_command("odd").considered] == [None]


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [("", ALLOWED), ("other", ALLOWED), ("fetch", ("blocked", "effect")), (":web", ("blocked", "effect"))],
)
def test_a_label_narrows_a_rule_to_conversations_that_have_it(outputs, expected):
    policy = policy_of("{name: r, taint: web, effect: block}", "{name: rest}", start="tools: {fetch: {output: web}}")
    assert judged(policy, call(), context=CallContext(outputs=outputs)) == expected
    told = explain(policy, call(), CallContext(outputs=outputs), now=NOON)
    assert told.considered[0].mismatch == ("taint" if expected == ALLOWED else None)


SUMS = "{name: r, max_total_per_day: 100, max_total_per_month: 1000, total_by: [actor, currency]}"
EUROS = "tools: {refund: {value: amount, currency: currency}}"


@pytest.mark.parametrize(
    ("value", "used", "month", "expected", "reason"),
    [
        (10, 90, 90, ALLOWED, "the rule allows this call (r)"),
        (10.01, 90, 90, ("blocked", "max_total_per_day"), "10 EUR of 100 are left"),
        (10, 0, 995, ("blocked", "max_total_per_month"), "5 EUR of 1000 are left"),
        (1.2345678901234567, 0, 0, ("blocked", "value"), "at most 15 digits"),
    ],
)
def test_a_sum_blocks_what_is_more_than_it_leaves(value, used, month, expected, reason):
    usage = Usage(totals={"day": Spent(Decimal(used)), "month": Spent(Decimal(month))})
    asked = call(value=value, amount=value, currency="eur")

    judgement = evaluate(policy_of(SUMS, start=EUROS), asked, CallContext(actor="a"), now=NOON, usage=usage)

    assert (judgement.verdict, judgement.blocked_by) == expected
    assert reason in judgement.reason
    assert judgement.is_over_total is expected[1].startswith("max_total")
    assert [one.charge.amount for one in judgement.charges] == ([Decimal(value)] if expected == ALLOWED else [])


def test_a_sum_without_a_currency_names_none():
    policy = policy_of("{name: r, max_total_per_day: 5}", start="tools: {refund: {value: amount}}")
    assert "5 of 5 are left" in evaluate(policy, call(value=6), CallContext(), now=NOON, usage=Usage()).reason


def test_where_nothing_keeps_sums_a_rule_with_sums_blocks():
    asked = call(value=1, amount=1, currency="EUR")
    judgement = evaluate(policy_of(SUMS, start=EUROS), asked, CallContext(actor="a"), now=NOON, usage=None)
    assert (judgement.verdict, judgement.blocked_by) == ("blocked", "limits")


HISTORIES = {
    "unknown": "",
    "nothing": ";",
    "returned": ";<verify;1;",
    "released": ";>verify;1;",
    "perhaps": ";?<verify;1;",
}


@pytest.mark.parametrize("known", HISTORIES)
@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["{name: r, tool: pay, after: verify}"], {"returned": "allowed"}),
        (["{name: r, tool: pay, after: verify, effect: require_approval}"], {"returned": "requires_approval"}),
        (["{name: r, tool: pay, not_after: verify}"], {"nothing": "allowed"}),
        (
            ["{name: r, tool: pay, not_after: verify, effect: block}", "{name: rest}"],
            {"returned": "allowed", "released": "allowed"},
        ),
        (
            ["{name: r, tool: pay, after: verify, effect: require_approval}", "{name: rest}"],
            {
                "nothing": "allowed",
                "released": "allowed",
                **dict.fromkeys(("returned", "perhaps", "unknown"), "requires_approval"),
            },
        ),
    ],
    ids=["allow after", "ask after", "allow unless after", "block unless after", "ask after, else allow"],
)
def test_what_nobody_knows_of_earlier_calls_gives_the_stricter_answer(rules, expected, known):
    """Also where the rule that may be meant is milder than the one behind it."""
    context = CallContext(history=HISTORIES[known])
    assert judged(policy_of(*rules), call("pay"), context=context)[0] == expected.get(known, "blocked")


def test_a_rule_that_may_be_meant_decides_with_the_next():
    policy = policy_of("{name: r, tool: pay, after: verify}", "{name: rest, effect: require_approval}")
    explained = explain(policy, call("pay"), CallContext(history=HISTORIES["perhaps"]), now=NOON)
    assert [(seen.rule.name, seen.mismatch) for seen in explained.considered] == [("r", None), ("rest", None)]
    assert [(one.rule.name, one.unsure) for one in explained.parts] == [("r", True), ("rest", False)]
    passed = explain(policy, call("pay"), CallContext(history=";"), now=NOON)
    assert [seen.mismatch for seen in passed.considered] == ["after", None]
    unless = policy_of("{name: r, tool: pay, not_after: verify}")
    assert explain(unless, call("pay"), CallContext(history=HISTORIES["returned"]), now=NOON).considered[
        0
    ].mismatch == ("not_after")


@pytest.mark.parametrize(
    ("used", "expected"),
    [(2, ALLOWED), (3, ("blocked", "max_per_conversation")), (None, ("blocked", "limits"))],
)
def test_a_rule_limits_its_calls_in_a_conversation(used, expected):
    policy = policy_of("{name: r, tool: pay, max_per_conversation: 3}")
    assert judged(policy, call("pay"), usage=Usage(in_conversation=used)) == expected


def of_caller(*rules, team=(), **context) -> CallContext:
    """Who asks with a key, and perhaps in a team, of these rules."""
    lists = {"key": {"bighub": list(rules)}} | ({"team": {"bighub": list(team)}} if team else {})
    return CallContext(caller_rules=written(lists), **context)


BASH = "tools: {Bash: {command: command}, read_mail: {output: untrusted}}"
NO_RM = {"name": "no rm", "command": ["rm *"], "effect": "block"}
ASK_ANN = {"name": "ask", "tool": "refund", "effect": "require_approval", "approvers": ["user:ann"]}


@pytest.mark.parametrize(
    ("default", "rules", "expected"),
    [
        pytest.param("allow", [{"name": "a", "effect": "block"}], ("blocked", "effect"), id="blocks"),
        pytest.param("allow", [ASK_ANN], ("requires_approval", "effect"), id="asks"),
        pytest.param("block", [ASK_ANN], ("blocked", "default"), id="asks what the policy blocks"),
        pytest.param(
            "allow", [ASK_ANN, {"name": "a", "effect": "block"}], ("blocked", "effect"), id="asks, and blocks"
        ),
        pytest.param("allow", [{"name": "a", "tool": "other", "effect": "block"}], ALLOWED, id="for another tool"),
        pytest.param("allow", [{"name": "a", "effect": "block", "when": "amount > `9`"}], ALLOWED, id="does not hold"),
        pytest.param(
            "allow", [{"name": "a", "effect": "block", "when": "amount > `1`"}], ("blocked", "effect"), id="holds"
        ),
        pytest.param(
            "allow", [{"name": "a", "effect": "block", "when": "n > `1`"}], ("blocked", "when"), id="no answer"
        ),
        pytest.param("allow", [{"name": "a", "effect": "block", "status": "paused"}], ALLOWED, id="paused"),
        pytest.param("allow", [{**ASK_ANN, "max_value": 3}], ("blocked", "max_value"), id="out of bounds"),
        pytest.param("allow", [NO_RM], ("blocked", "effect"), id="for commands, and nobody knows whether it has one"),
        pytest.param("allow", [{"name": "a", "effect": "allow"}], ("blocked", "caller_rules"), id="unreadable"),
        pytest.param(
            "allow", [{**ASK_ANN, "taint": "secret"}], ("blocked", "caller_rules"), id="a label that no tool has"
        ),
        pytest.param("allow", [{**ASK_ANN, "taint": "untrusted"}], ALLOWED, id="a label that is not on"),
        pytest.param("allow", [], ALLOWED, id="none"),
    ],
)
def test_rules_of_a_key_stand_beside_the_policy(default, rules, expected):
    policy = policy_of(default=default, start=BASH)
    assert judged(policy, call(value=5, amount=5), context=of_caller(*rules)) == expected


def test_rules_of_key_and_team_both_count():
    policy = policy_of(default="allow")
    other = {**ASK_ANN, "name": "too", "approvers": ["user:eve"]}
    judgement = evaluate(policy, call(), of_caller(ASK_ANN, team=[other]), now=NOON)

    assert [rule.id for rule in judgement.asking if rule] == ["key/ask", "team/too"]
    assert [each.by for each in judgement.requirements] == [("user:ann",), ("user:eve",)]
    assert judgement.reason == "the rule asks for a person (key/ask)"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ls -l", ALLOWED),
        ("ls; rm -r x", ("blocked", "effect")),
        ('bash -c "r\\m x"', ("blocked", "effect")),
        ("", ALLOWED),
    ],
)
def test_rules_of_a_key_see_the_parts_of_a_call(command, expected):
    assert (
        judged(policy_of(default="allow", start=BASH), call("Bash", command=command), context=of_caller(NO_RM))
        == expected
    )


def test_a_rule_of_a_key_without_patterns_is_for_a_call_without_parts():
    rule = {"name": "no shell", "tool": "Bash", "effect": "block"}
    asked = call("Bash", command="")
    assert judged(policy_of(default="allow", start=BASH), asked, context=of_caller(rule, NO_RM)) == (
        "blocked",
        "effect",
    )


PATTERNS = {
    "command": "rm *",
    "read": "/etc/**",
    "write": "/etc/**",
    "url": "https://*.evil.test",
    "sql": "DELETE",
    "recipient": "*@evil.test",
}
DESCRIBED = {
    "command": ({"command": "x"}, "ls"),
    "read": ({"read": "x"}, "/tmp/a"),
    "write": ({"write": "x"}, "/tmp/a"),
    "patch": ({"patch": "x"}, "*** Begin Patch\n*** Add File: /tmp/a\n+b\n*** End Patch\n"),
    "url": ({"url": "x"}, "https://good.test/"),
    "sql": ({"sql": "x"}, "SELECT 1"),
    "recipients": ({"recipients": "x"}, "ann@good.test"),
}
SEEN_BY = {"command": {"command", "read", "write"}, "patch": {"write"}, "recipients": {"recipient"}}


@pytest.mark.parametrize("kind", ["function", "custom", "mcp"])
@pytest.mark.parametrize("field", PATTERNS)
@pytest.mark.parametrize("tools", ["", "tools: {Tool: {value: amount}}", "tools: {Other: {command: x, sql: y}}"])
def test_a_rule_for_parts_fits_a_call_of_a_tool_that_nobody_describes(tools, field, kind):
    asked = ToolCall("c", kind, "Tool", {"x": "harmless"})
    rule = {"name": "a", field: [PATTERNS[field]], "effect": "block"}
    assert judged(policy_of(default="allow", start=tools), asked, context=of_caller(rule)) == ("blocked", "effect")
    elsewhere = {**rule, "tool": "Other"}
    assert judged(policy_of(default="allow", start=tools), asked, context=of_caller(elsewhere)) == ALLOWED


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("described", DESCRIBED)
def test_a_rule_for_parts_fits_as_far_as_its_tool_is_not_described_for_it(described, pattern):
    tool, held = DESCRIBED[described]
    policy = policy_of(default="allow", start=f"tools: {{Tool: {json.dumps(tool)}}}")
    rule = {"name": "a", pattern: [PATTERNS[pattern]], "effect": "block"}
    sees = pattern in SEEN_BY.get(described, {described})
    expected = ALLOWED if sees else ("blocked", "effect")
    assert judged(policy, call("Tool", x=held), context=of_caller(rule)) == expected


def test_a_rule_with_patterns_of_two_kinds_is_as_strict_as_two_rules():
    policy = policy_of(default="allow", start=BASH)
    rule = {**NO_RM, "url": ["https://*.evil.test"]}
    assert judged(policy, call("Bash", command="curl x"), context=of_caller(rule)) == ("blocked", "effect")


def test_an_explanation_tells_of_a_rule_for_parts_that_nobody_describes():
    explained = explain(policy_of(default="allow"), call("Bash", command="ls"), of_caller(NO_RM), now=NOON)
    assert [(seen.rule.name, seen.mismatch) for seen in explained.considered] == [("key/no rm", None)]


def test_a_call_that_everybody_can_read_needs_no_description():
    policy = policy_of(default="allow")
    shell = ToolCall("c", "shell", "shell", {"action": {"commands": ["ls"]}})
    assert judged(policy, shell, context=of_caller(NO_RM)) == ALLOWED
    assert (
        judged(policy, shell, context=of_caller({"name": "u", "url": ["https://*.evil.test"], "effect": "block"}))
        == ALLOWED
    )


def test_a_rule_of_a_key_that_may_mean_this_caller_blocks():
    rule = {**ASK_ANN, "actor": "billing"}
    assert judged(policy_of(default="allow"), call(), context=of_caller(rule, actor="key:billing")) == (
        "blocked",
        "actor",
    )


def test_what_the_policy_cannot_decide_is_blocked_whatever_the_key_says():
    policy = policy_of("{name: r, when: 'amount > `1`'}")
    assert judged(policy, call(), context=of_caller(ASK_ANN)) == ("blocked", "when")


def test_a_rule_of_a_key_hides_no_limit_of_a_rule_of_that_name():
    policy = policy_of("{name: key/ask, max_per_day: 0}")
    assert judged(policy, call(), context=of_caller(ASK_ANN)) == ("blocked", "max_per_day")
    limited = policy_of("{name: key/ask, effect: require_approval, max_per_day: 5}")
    judgement = evaluate(limited, call(), of_caller(ASK_ANN), now=NOON)
    assert [rule.max_per_day for rule in judgement.rules] == [5]


def test_an_explanation_tells_of_rules_of_the_key():
    rules = [
        NO_RM,
        {"name": "other", "tool": "x", "effect": "block"},
        {"name": "if", "effect": "block", "when": "n > `1`"},
    ]
    policy = policy_of("{name: all, tool: Bash}", start=BASH)
    explained = explain(policy, call("Bash", command="ls; rm x", n=0), of_caller(*rules), now=NOON)

    assert [(seen.rule.name, seen.mismatch) for seen in explained.considered] == [
        ("all", None),
        ("key/no rm", None),
        ("key/other", "tool"),
        ("key/if", "when"),
    ]
    assert [(one.part.kind, one.rule and one.rule.name) for one in explained.parts][-1] == ("command", "key/no rm")


@pytest.mark.parametrize(
    ("rules", "asked", "considered"),
    [
        ([NO_RM], call("Bash", command="ls"), [("all", None), ("key/no rm", "part")]),
        ([{"name": "if", "effect": "block", "when": "n > `1`"}], call("Bash"), [("all", None), ("key/if", None)]),
        ([{"name": "a", "effect": "allow"}], call("Bash"), [("all", None)]),
    ],
    ids=["no part", "no answer", "unreadable"],
)
def test_an_explanation_says_why_a_rule_of_the_key_does_not_decide(rules, asked, considered):
    explained = explain(policy_of("{name: all, tool: Bash}", start=BASH), asked, of_caller(*rules), now=NOON)
    assert [(seen.rule.name, seen.mismatch) for seen in explained.considered] == considered


STRICTNESS = ["allowed", "requires_approval", "blocked"]
TOOLS = ["refund", "Bash", "shell"]
FURTHER_RULES = st.lists(
    st.fixed_dictionaries(
        {"effect": st.sampled_from(["block", "require_approval"])},
        optional={
            "tool": st.sampled_from([*TOOLS, "*", ["refund", "shell"]]),
            "command": st.sampled_from([["rm *"], ["ls"], ["git push *", "ls *"]]),
            "when": st.sampled_from(["amount > `3`", "other == 'x'", "caller('team') == 'red'"]),
            "actor": st.sampled_from(["robot", "key:robot", "*"]),
            "status": st.sampled_from(["active", "paused"]),
            "taint": st.sampled_from(["untrusted", "unknown"]),
            "team": st.sampled_from(["red", "*"]),
        },
    ),
    max_size=3,
)
FILES = st.lists(
    st.sampled_from(
        [
            "tool: refund, max_value: 4",
            "tool: refund, effect: require_approval, when: 'amount > `2`'",
            "tool: Bash, command: {block: ['rm *'], require_approval: ['git push *'], allow: ['ls *']}",
            "tool: '*', effect: require_approval, taint: untrusted",
            "tool: '*', actor: robot, effect: block",
            "tool: '*'",
        ]
    ),
    max_size=3,
)
CALLS = st.builds(
    lambda name, command, amount: call(name, command=command, amount=amount, value=float(amount)),
    st.sampled_from(TOOLS),
    st.sampled_from(["ls", "ls; rm x", "git push origin", "$X", "", 'bash -c "rm x"']),
    st.integers(0, 6),
)


@given(
    FILES,
    st.sampled_from(["allow", "block", "require_approval"]),
    FURTHER_RULES,
    FURTHER_RULES,
    CALLS,
    st.sampled_from(["robot", "key:robot"]),
    st.sampled_from(["", "read_mail"]),
)
def test_adding_rules_of_a_key_or_team_never_makes_an_answer_milder(file, default, first, more, asked, actor, outputs):
    """Not beside the policy, and not beside other such rules, wherever in the list they stand."""
    policy = policy_of(*(f"{{name: r{n}, {rule}}}" for n, rule in enumerate(file)), default=default, start=BASH)
    key, team = ([{"name": f"k{n}", **rule} for n, rule in enumerate(rules)] for rules in (first, more))

    def strictness(**lists) -> int:
        rules = written({holder: {"bighub": rules} for holder, rules in lists.items()})
        context = CallContext(actor=actor, team="red", outputs=outputs, caller_rules=rules)
        judgement = evaluate(policy, asked, context, now=NOON)
        assert explain(policy, asked, context, now=NOON).judgement == judgement
        return STRICTNESS.index(judgement.verdict)

    renamed = [{**rule, "name": f"t{n}"} for n, rule in enumerate(team)]
    alone = strictness()
    assert alone <= strictness(key=key) <= strictness(key=key, team=team)
    assert strictness(key=key) <= strictness(key=[*renamed, *key])
    assert strictness(key=[*renamed, *key]) == strictness(key=[*key, *renamed]) == strictness(key=key, team=team)
