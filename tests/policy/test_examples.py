"""Examples are judged by the file alone, and a wrong one says why."""

from __future__ import annotations

import pytest

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.examples import Judge, call_of, check_examples
from litellm_bighub.policy.policy_file import load_examples, parse_policy
from litellm_bighub.policy.policy_text import PolicyText, build, canonical_text

POLICY = """\
version: 1
workspace: /repo
tools:
  Bash: {command: input.command}
  odd: {command: "args[0]"}
  refund: {value: amount}
rules:
  - name: shell
    tool: Bash
    command: {block: ["rm *"], allow: ["ls *"]}
    examples:
      block: [rm -rf x, ls; rm x]
      allow: [ls, {command: ls src}]
  - name: refunds
    tool: refund
    key: k
    max_value: 100
    max_per_day: 0
    require_approval_above: 50
    examples:
      block:
      - {tool: refund, arguments: {amount: 1}, caller: {key: k}}
      - {tool: refund, arguments: {amount: "1"}}
      - {tool: refund, arguments: {amount: 1}}
"""


def policy(*rules, **keys):
    return PolicyText.model_validate({"version": 1, "rules": list(rules), **keys})


def problems(*rules, **keys):
    return [one.problem for one in check_examples(policy(*rules, **keys))]


def test_right_examples_are_no_problem():
    text = parse_policy(POLICY, "p.yaml")
    checked = list(check_examples(text))
    assert [one.problem for one in checked] == [None] * 7
    assert checked[0].answer is not None
    assert checked[0].answer.reached == ("shell",)
    assert checked[5].answer is not None
    assert checked[5].answer.reached == ()
    assert Judge(text).policy == build(text)


@pytest.mark.parametrize(
    ("line", "text", "says"),
    [
        (12, "      block: [ls, rm x]", "12: rules[0].examples.block[0]: it is to be blocked and is allowed"),
        (13, "      allow: [ls,\n        make]", "14: rules[0].examples.allow[1]: it is to be allowed and is blocked"),
        (13, "      allow: [{}]", "13: rules[0].examples.allow[0]: a call needs `tool`"),
    ],
)
def test_a_wrong_example_stops_the_load_with_its_line(tmp_path, line, text, says):
    lines = POLICY.splitlines()
    lines[line - 1] = text
    path = tmp_path / "p.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(path.read_text(), "p.yaml")
    assert str(caught.value).startswith("p.yaml:" + says)
    _, checked = load_examples(path)
    assert [number for number, one in checked if one.problem] == [int(says.split(":")[0])]


def test_the_rule_itself_must_decide_where_the_answer_is_its_own():
    first = {"name": "first", "tool": "a", "effect": "block"}
    second = {"name": "second", "tool": "*", "effect": "block", "examples": {"block": [{"tool": "a"}]}}
    assert problems(first, second) == ["it is blocked, but by another rule: the rule blocks this call (first)"]
    other = {"name": "third", "tool": "b", "examples": {"block": [{"tool": "a"}], "allow": [{"tool": "b"}]}}
    assert problems(first, other) == [None, None]


def test_an_example_without_a_time_loads_at_any_hour():
    timed = {"name": "r", "allowed_hours_start": 8, "allowed_hours_end": 9, "expires_at": "2020-01-01T08:30:00Z"}
    assert problems({**timed, "examples": {"allow": [{"tool": "a"}]}}) == [None]
    at = {"tool": "a", "at": "2019-12-31T08:10:00Z"}
    assert problems({**timed, "examples": {"allow": [at]}}) == [None]
    late = {"tool": "a", "at": "2020-01-02T08:10:00Z"}
    assert problems({**timed, "examples": {"block": [late]}}) == [None]


def test_examples_of_a_paused_rule_are_not_looked_at():
    assert problems({"name": "r", "status": "paused", "examples": {"block": [{"tool": "a"}]}}) == []


def test_a_condition_that_cannot_be_decided_is_an_answer_of_its_rule():
    rule = {"name": "r", "when": "a > `1`", "effect": "block", "examples": {"block": [{"tool": "t"}]}}
    assert problems(rule) == [None]


@pytest.mark.parametrize(
    ("example", "tools", "expected"),
    [
        ({"command": "ls"}, ["Bash"], ("function", "Bash", {"input": {"command": "ls"}})),
        ({"command": "ls"}, ["*"], ("function", "Bash", {"input": {"command": "ls"}})),
        ({"command": "ls", "tool": "Bash"}, ["B*"], ("function", "Bash", {"input": {"command": "ls"}})),
        ({"command": "ls"}, ["shell"], ("shell", "shell", {"action": {"commands": ["ls"]}})),
        ({"tool": "x", "type": "custom", "arguments": {"a": 1}}, [], ("custom", "x", {"a": 1})),
    ],
)
def test_the_call_of_an_example(example, tools, expected):
    text = parse_policy(POLICY, "p.yaml")
    [rule] = policy({"name": "r", "examples": {"allow": [example]}}).rules
    assert rule.examples is not None
    call = call_of(rule.examples.allow[0], text, tools)
    assert (call.type, call.name, call.arguments) == expected


@pytest.mark.parametrize(
    ("example", "tools", "says"),
    [
        ({}, ["*"], "needs `tool`"),
        ({"command": "ls", "arguments": {"a": 1}}, ["*"], "either"),
        ({"command": "ls"}, ["refund"], "no tool of the rule"),
        ({"command": "ls", "tool": "refund"}, ["*"], "no tool of the rule"),
        ({"command": "ls"}, ["odd"], "no plain field"),
    ],
)
def test_an_example_that_is_no_clear_call_says_so(example, tools, says):
    text = parse_policy(POLICY, "p.yaml")
    [rule] = policy({"name": "r", "examples": {"allow": [example]}}).rules
    assert rule.examples is not None
    with pytest.raises(ValueError, match=says):
        call_of(rule.examples.allow[0], text, tools)


def test_examples_are_no_part_of_the_version():
    plain, with_examples = policy({"name": "r"}), policy({"name": "r", "examples": {"allow": [{"tool": "a"}]}})
    assert canonical_text(plain) == canonical_text(with_examples)
    added = (("rule_1", with_examples.rules[0]),)
    assert canonical_text(plain, added) == canonical_text(plain, (("rule_1", plain.rules[0]),))


def test_an_example_has_a_history():
    text = parse_policy(
        "version: 1\nrules:\n"
        "  - {name: r, tool: pay, after: {tool: verify, same: {to: id}, of: caller, within_seconds: 9},"
        " not_after: vault, examples: {allow: {tool: pay, arguments: {to: a},"
        " history: [{tool: verify, arguments: {id: a}}]}, block: ["
        "{tool: pay, arguments: {to: a}, history: [{tool: verify, arguments: {id: a}}, {tool: vault, result: false}]},"
        "{tool: pay, arguments: {to: b}, history: [{tool: verify, arguments: {id: a}}]}]}}\n",
        "p.yaml",
    )
    assert [one.problem for one in check_examples(text)] == [None] * 3
