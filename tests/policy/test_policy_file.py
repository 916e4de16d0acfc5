"""Reading the policy file: the example works, every mistake names its line."""

from __future__ import annotations

import re

import pytest

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.policy_file import (
    MAX_BYTES,
    load_examples,
    load_policy,
    misplaced_rules,
    parse_policy,
    unmarked_actors,
    unread_commands,
)
from litellm_bighub.policy.policy_text import RuleText, build

EXAMPLE = """\
version: 1
default: block            # block | require_approval | allow
tools:
  refund_payment: {value: amount, target: order_id}
rules:
  - name: small refunds
    tool: refund_payment
    when: "currency == 'EUR'"
    require_approval_above: 500
    max_value: 10000
  - {name: no shell, type: shell, effect: block}
  - {name: lookups, tool: "lookup_*", effect: allow}
"""


def test_the_example_is_read():
    policy = build(parse_policy(EXAMPLE, "bighub_policy.yaml"))
    assert [rule.name for rule in policy.rules] == ["small refunds", "no shell", "lookups"]
    assert [rule.effect for rule in policy.rules] == ["allow", "block", "allow"]
    assert (policy.tools["refund_payment"].value, policy.tools["refund_payment"].target) == ("amount", "order_id")


def with_line(number: int, text: str) -> str:
    lines = EXAMPLE.splitlines()
    lines[number - 1] = text
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        pytest.param("", 1, "empty", id="empty"),
        pytest.param("rules: []", 1, "version", id="no version"),
        pytest.param(with_line(1, "version: 2"), 1, "version", id="another version"),
        pytest.param(with_line(2, "defualt: block"), 2, "defualt", id="a misspelt key"),
        pytest.param(with_line(2, "default: maybe"), 2, "default", id="an unknown default"),
        pytest.param(with_line(4, "  refund: {value: 'amount['}"), 4, "tools.refund.value", id="a bad path"),
        pytest.param(with_line(4, "  refund: {target: 'id['}"), 4, "tools.refund.target", id="a bad path alone"),
        pytest.param(with_line(4, "  5: x"), 4, "tools[5]", id="a tool whose name is a number"),
        pytest.param(with_line(7, "    tol: refund"), 7, "rules[0].tol", id="a misspelt field"),
        pytest.param(with_line(8, "    when: currency =="), 8, "JMESPath", id="a bad condition"),
        pytest.param(with_line(8, "    when: nofunc(a)"), 8, "nofunc", id="an unknown function"),
        pytest.param(with_line(8, "    when: amount > 100"), 8, "write `` `100` ``", id="a number without backticks"),
        pytest.param(with_line(8, "    when: 'a == \"EUR\"'"), 8, "is the field EUR", id="a text in double quotes"),
        pytest.param(with_line(9, "    require_approval_above: '500'"), 9, "number", id="a number as text"),
        pytest.param(with_line(9, "    require_approval_above: .nan"), 9, "finite", id="not a number"),
        pytest.param(with_line(9, "    max_per_day: -1"), 9, "greater", id="a negative limit"),
        pytest.param(with_line(9, "    max_per_day: true"), 9, "integer", id="a limit that is true"),
        pytest.param(with_line(10, "    max_value: 100"), 6, "decrease", id="bounds the wrong way round"),
        pytest.param(with_line(10, "    effect: block"), 6, "drop the bounds", id="bounds on a blocking rule"),
        pytest.param(with_line(10, "    time_zone: Mars"), 10, "time zone", id="no such zone"),
        pytest.param(with_line(10, "    expires_at: 2026-12-01 10:00:00"), 10, "timezone", id="an end without zone"),
        pytest.param(with_line(10, "    tool: refund_all"), 10, "twice", id="a key twice"),
        pytest.param(with_line(11, "  - {name: small refunds}"), 11, "two rules", id="a name twice"),
        pytest.param(with_line(12, "  - {tool: x}"), 12, "name", id="a rule without name"),
        pytest.param(with_line(12, "  - {name: [}"), 12, "not valid YAML", id="broken YAML"),
        pytest.param(with_line(12, "  - !!python/object/apply:os.getcwd []"), 12, "not valid YAML", id="a Python tag"),
        pytest.param("version: 1\nrules: []\n\x07", 1, "not valid YAML", id="a control character"),
    ],
)
def test_a_mistake_names_file_and_line(text, line, says):
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(text, "bighub_policy.yaml")
    assert f"bighub_policy.yaml:{line}" == caught.value.key
    assert says in caught.value.problem
    assert "\n" not in caught.value.problem


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere.yaml: cannot be read"):
        load_policy(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"\xff", "is not UTF-8 text"), (b"#" * (MAX_BYTES + 1), "at most")],
    ids=["no text", "too long"],
)
def test_a_file_that_is_no_policy_at_all_is_named(tmp_path, content, says):
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=says) as caught:
        load_policy(path)
    assert caught.value.key == "policy.yaml"


def test_a_valid_file_is_loaded(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(EXAMPLE)
    assert load_policy(path) == build(parse_policy(EXAMPLE, "policy.yaml"))


def test_the_version_is_that_of_the_content(tmp_path):
    first = build(parse_policy(EXAMPLE, "a.yaml")).version
    assert first == build(parse_policy(f"# a comment\n{EXAMPLE}", "b.yaml")).version
    assert first != build(parse_policy(EXAMPLE.replace("10000", "10001"), "a.yaml")).version


def test_actors_that_no_key_and_no_user_has_are_told_with_their_lines(tmp_path):
    path = tmp_path / "bighub_policy.yaml"
    path.write_text(
        "version: 1\nrules:\n  - name: old\n    actor: billing-*\n  - {name: keys, actor: 'key:*'}\n"
        "  - {name: all}\n  - {name: ours, actor: AI_*}\n"
    )
    [old, ours] = unmarked_actors(path)
    assert old.startswith("bighub_policy.yaml:4: rule `old`: ")
    assert "`key:billing-*` and `user:billing-*`" in old
    assert ours.startswith("bighub_policy.yaml:7: rule `ours`: ")
    assert unmarked_actors(path, {"AI_AGENT"}) == [old]


def test_a_mistake_in_a_pattern_of_parts_names_its_own_line():
    text = "version: 1\nrules:\n- name: r\n  command:\n    allow:\n    - ls\n    - ls; rm\n"
    with pytest.raises(ConfigurationError, match=r"p.yaml:7: rules\[0\].command.allow\[1\]: "):
        parse_policy(text, "p.yaml")
    with pytest.raises(ConfigurationError, match=r"p.yaml:5: rules\[0\].command\[1\]: "):
        parse_policy("version: 1\nrules:\n- name: r\n  command: [ls,\n    a > b]\n", "p.yaml")
    with pytest.raises(ConfigurationError, match=r"p.yaml:3: tools.Bash.command: not a JMESPath"):
        parse_policy("version: 1\ntools:\n  Bash: {command: '['}\n", "p.yaml")


def test_rules_that_allow_every_command_are_told_with_their_lines(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(
        "version: 1\ntools: {Bash: {command: c}, Other: {value: v}}\nrules:\n- {name: a, tool: Bash}\n"
        "- {name: b, tool: Other}\n- {name: c, command: ls}\n- {name: d, effect: block}\n- {name: e, tool: ['B*']}\n"
    )
    assert unread_commands(path) == [
        "p.yaml:4: rule `a`: it allows every command; give it a `command`",
        "p.yaml:8: rule `e`: it allows every command; give it a `command`",
    ]


def test_a_wrong_example_is_named_with_its_line_and_can_be_looked_at(tmp_path):
    text = "version: 1\nrules:\n- name: r\n  examples:\n    allow:\n    - {tool: a}\n    block:\n    - {tool: a}\n"
    with pytest.raises(
        ConfigurationError, match=r"p.yaml:8: rules\[0\].examples.block\[0\]: it is to be blocked and is"
    ):
        parse_policy(text, "p.yaml")
    path = tmp_path / "p.yaml"
    path.write_text(text)
    assert [(line, one.problem is None) for line, one in load_examples(path)[1]] == [(8, False), (6, True)]
    right = text.replace("    block:\n    - {tool: a}\n", "").replace("  examples", "  effect: allow\n  examples")
    path.write_text("default: allow\n" + right.replace("- name: r", "- name: r\n  tool: '*'"))
    assert [one.name for one in load_policy(path).rules] == ["r"]


def test_packs_that_contradict_each_other_are_named_with_their_line(monkeypatch, tmp_path):
    for name in ("mail", "payments"):
        (tmp_path / f"{name}.yaml").write_text("version: 1\ntools: {pay: {value: amount}}\n")
    monkeypatch.setattr("litellm_bighub.policy.pack.FOLDER", tmp_path)
    with pytest.raises(ConfigurationError, match=r"p.yaml:2: include: `payments` and a pack before it"):
        parse_policy("version: 1\ninclude: [mail, payments]\n", "p.yaml")


CLAIMS = [
    "{name: r, end_user: ann}",
    "{name: r, end_user: [ann, bob], require_approval_above: 5}",
    "{name: r, command: {allow: ls}, end_user: ann}",
    "{name: r, when: \"amount > `1` || caller('end_user') == 'ann'\"}",
]


@pytest.mark.parametrize("rule", CLAIMS)
def test_no_rule_allows_for_what_the_request_says_of_its_user(rule):
    """Unless the operator says that whoever asks is trusted. Blocking and asking is always possible."""
    text = f"version: 1\nrules:\n  - {{name: other}}\n  - {rule}\n"
    with pytest.raises(
        ConfigurationError, match=r"^p.yaml:4: rules\[1\].(end_user|when): the end user is the caller's"
    ):
        parse_policy(text, "p.yaml")
    trusted = build(parse_policy(f"trusted_end_user: true\n{text}", "p.yaml"))
    assert trusted.rules[1].effect == "allow"
    for effect in ("block", "require_approval"):
        parse_policy(f"version: 1\nrules: [{{name: r, end_user: ann, effect: {effect}}}]", "p.yaml")


def test_a_rule_that_was_added_while_end_users_were_trusted_blocks_when_they_no_longer_are():
    added = (("rule_1", RuleText(name="r", end_user="ann")),)
    assert build(parse_policy("version: 1", "p.yaml"), added).rules[0].effect == "block"


def test_where_a_value_stands_cannot_depend_on_the_caller():
    text = "version: 1\ntools: {pay: {value: \"caller('team')\"}}"
    with pytest.raises(ConfigurationError, match=r"^p.yaml:2: tools.pay.value: .*no function caller"):
        parse_policy(text, "p.yaml")


def test_rules_that_nothing_reaches_and_rules_that_allow_all_are_told_with_their_lines(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(
        "version: 1\ninclude: mail\nrules:\n- {name: a, tool: refund_*, effect: block}\n"
        "- name: b\n  tool: refund_payment\n- {name: c}\n- {name: d, command: ls}\n"
    )
    [b, c] = misplaced_rules(path)
    assert b == "p.yaml:5: rule `b`: it is never reached: `a` before it fits all that it fits"
    assert c.startswith("p.yaml:7: rule `c`: it allows every call; rules behind it: ")
    path.write_text("version: 1\ninclude: [mail]\n")
    assert misplaced_rules(path) == []


TAINTED = """\
version: 1
history: {fresh: clean}
tools: {"fetch_*": {output: [untrusted, web]}, vault: {output: secret}}
rules:
  - {name: quiet, tool: send, taint: %s, effect: %s}
"""


@pytest.mark.parametrize(
    ("taint", "effect", "says"),
    [
        ("untrustd", "block", r"^p.yaml:5: rules\[0\].taint: no tool has `output: untrustd`.*untrusted"),
        ("[secret, other]", "block", r"^p.yaml:5: rules\[0\].taint: no tool has `output: other`"),
        ("secret", "allow", r"^p.yaml:5: .*a rule with `taint` blocks or asks"),
        ("Not A Label", "block", r"^p.yaml:5: "),
    ],
)
def test_a_label_is_one_that_a_tool_has_and_allows_nothing(taint, effect, says):
    with pytest.raises(ConfigurationError, match=says):
        parse_policy(TAINTED % (taint, effect), "p.yaml")


def test_labels_are_read():
    policy = build(parse_policy(TAINTED % ("[secret, web]", "require_approval"), "p.yaml"))
    assert policy.rules[0].taint == {"secret", "web"}
    assert policy.labels.of("fetch_page") == {"untrusted", "web"}
    text = parse_policy(TAINTED % ("secret", "block"), "p.yaml")
    assert text.history.seconds == 0
    assert text.model_copy(update={"history": type(text.history)()}).history.seconds == 3600


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("total_by: [key]", "total_by and totals_of say whose sums are limited"),
        ("max_total_per_day: 5, total_by: [key, key]", "total_by names something twice"),
        ("max_total_per_day: 5, total_by: [agent]", "Input should be 'actor'"),
        ("max_total_per_day: 5, total_by: [key, currency]", "`tools` says of none of its tools where the currency"),
        ("max_total_per_day: 5, max_total_per_hour: 6", "must not decrease"),
        ("max_total_per_month: 5, max_total_per_week: 6", "must not decrease"),
        ("max_total_per_day: 5, min_value: -1", "a value below 0 would free"),
        ("max_total_per_day: 5, effect: block", "blocks every value"),
        ("max_total_per_day: -5", "greater than or equal to 0"),
        ("max_total_per_day: '5'", "valid number"),
        ("max_total_per_day: 0.1234567890123456", "write at most 15 digits"),
    ],
)
def test_sums_that_make_no_sense_are_refused_with_their_line(fields, problem):
    text = f"version: 1\ntools:\n  other: {{currency: c}}\nrules:\n  - {{name: r, tool: 'pay*', {fields}}}\n"
    with pytest.raises(ConfigurationError, match=re.escape(problem)) as raised:
        parse_policy(text, "p.yaml")
    assert "p.yaml:5" in str(raised.value)


@pytest.mark.parametrize("tool", ["pay_out", "pay*", "*", "p?y_out"])
def test_sums_by_currency_need_a_tool_that_has_one(tool):
    text = f"version: 1\ntools:\n  {tool!r}: {{currency: c}}\nrules:\n"
    parse_policy(text + "  - {name: r, tool: 'pay*', max_total_per_day: 5, total_by: currency}\n", "p.yaml")


def test_a_slip_inside_an_earlier_call_is_told_with_its_line():
    with pytest.raises(ConfigurationError, match=r"policy.yaml:4: rules\[0\].after.withn_seconds: .*within_seconds"):
        parse_policy("version: 1\nrules:\n  - name: r\n    after: {tool: a, withn_seconds: 5}\n", "policy.yaml")
