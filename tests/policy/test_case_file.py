"""Cases are calls in sequence, with time, counters and sums."""

from __future__ import annotations

import pytest

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.case_file import check_cases
from litellm_bighub.policy.policy_file import parse_policy

POLICY = parse_policy(
    """
version: 1
tools: {refund: {value: amount}}
rules:
  - {name: refunds, tool: refund, max_per_hour: 1, cooldown_seconds: 10, require_approval_above: 100}
  - {name: nights, tool: backup, allowed_hours_start: 0, allowed_hours_end: 6}
""",
    "p.yaml",
)


def checked(tmp_path, text):
    path = tmp_path / "cases.yaml"
    path.write_text(text)
    return [(one.case, one.line, one.problem) for one in check_cases(POLICY, path)]


def test_calls_count_within_a_case_and_begin_anew_in_the_next(tmp_path):
    text = """\
cases:
- name: once an hour
  calls:
  - {tool: refund, arguments: {amount: 1}, answer: allow, rule: refunds}
  - {tool: refund, arguments: {amount: 1}, answer: block, after_seconds: 60}
  - {tool: refund, arguments: {amount: 1}, answer: allow, after_seconds: 3600}
  - {tool: refund, arguments: {amount: 1}, answer: block, rule: refunds, after_seconds: 5}
- name: anew
  calls:
  - {tool: refund, arguments: {amount: 1}, answer: allow}
  - {tool: refund, arguments: {amount: 101}, answer: block}
- name: at night
  calls:
  - {tool: backup, answer: block}
  - {tool: backup, answer: allow, at: 2026-01-06T03:00:00Z}
  - {tool: refund, arguments: {amount: x}, answer: block}
"""
    assert [problem for _, _, problem in checked(tmp_path, text)] == [None] * 9


def test_what_is_wrong_is_said_with_its_line(tmp_path):
    text = """\
cases:
- name: wrong
  calls:
  - {tool: refund, arguments: {amount: 1}, answer: block}
  - {tool: other, answer: block, rule: refunds}
"""
    first, second = checked(tmp_path, text)
    assert first == ("wrong", 4, "it is to be blocked and is allowed: the rule allows this call (refunds)")
    assert second == ("wrong", 5, "it is blocked by no rule, not by refunds")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cases:\n- {name: a, calls: [{tool: x}]}", r"cases.yaml:2: cases\[0\].calls\[0\].answer: "),
        ("cases:\n- name: a\n  calls:\n  - {command: ls, tool: refund, answer: allow}", r"cases.yaml:4: no tool"),
        ("", "cases.yaml:1: the file is empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path, text, says):
    with pytest.raises(ConfigurationError, match=says):
        checked(tmp_path, text)


SUMS = parse_policy(
    """
version: 1
tools: {pay: {value: amount}}
rules: [{name: sums, tool: pay, max_total_per_day: 0.3, require_approval_above: 0.1}]
""",
    "p.yaml",
)


def test_sums_grow_by_what_is_allowed_and_by_what_waits_and_begin_anew(tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(
        """
cases:
- name: to the last cent
  calls:
  - {tool: pay, arguments: {amount: 0.1}, answer: allow}
  - {tool: pay, arguments: {amount: 0.2}, answer: require_approval}
  - {tool: pay, arguments: {amount: 0.01}, answer: block, rule: sums}
  - {tool: pay, arguments: {amount: 0.1}, answer: allow, after_seconds: 43200}
- name: what is blocked adds nothing
  calls:
  - {tool: pay, arguments: {amount: 0.4}, answer: block}
  - {tool: pay, arguments: {amount: 0.3}, answer: require_approval}
"""
    )
    assert [one.problem for one in check_cases(SUMS, path)] == [None] * 6


LABELS = parse_policy(
    """
version: 1
tools: {fetch: {output: untrusted}}
rules:
  - name: lure
    tool: send
    taint: untrusted
    effect: block
    examples: {block: {tool: send, taint: untrusted}, allow: [{tool: send}, {tool: send, taint: [other]}]}
  - {name: rest}
""",
    "p.yaml",
)


def test_the_result_of_a_call_comes_back_before_the_next(tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(
        """
cases:
  - name: after the page
    calls: [{tool: send, answer: allow}, {tool: fetch, answer: allow}, {tool: send, answer: block, rule: lure}]
  - {name: a new one, calls: [{tool: send, answer: allow}, {tool: send, taint: untrusted, answer: block}]}
"""
    )
    assert [one.problem for one in check_cases(LABELS, path)] == [None] * 5


SEQUENCE = parse_policy(
    """
version: 1
rules:
  - {name: verify, tool: verify}
  - name: refunds
    tool: refund
    after: {tool: verify, same: {customer: id}, within_seconds: 600}
    max_per_conversation: 2
    examples:
      allow:
        - {tool: refund, arguments: {customer: c1}, history: {tool: verify, arguments: {id: c1}, seconds_ago: 600}}
      block:
        - {tool: refund, arguments: {customer: c1}}
        - {tool: refund, arguments: {customer: c1}, history: verify}
        - {tool: refund, arguments: {customer: c1}, history: [{tool: verify, arguments: {id: c2}}]}
        - {tool: refund, arguments: {customer: c1}, history: {tool: verify, arguments: {id: c1}, seconds_ago: 601}}
        - {tool: refund, arguments: {customer: c1}, history: {tool: verify, arguments: {id: c1}, result: false}}
""",
    "p.yaml",
)


def test_calls_in_sequence_are_judged_by_those_before_them(tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(
        """
cases:
  - name: verified
    calls:
      - {tool: refund, arguments: {customer: c1}, answer: block}
      - {tool: verify, arguments: {id: c1}, answer: allow}
      - {tool: refund, arguments: {customer: c2}, answer: block}
      - {tool: refund, arguments: {customer: c1}, after_seconds: 600, answer: allow, rule: refunds}
      - {tool: refund, arguments: {customer: c1}, after_seconds: 1, answer: block}
      - {tool: verify, arguments: {id: c1}, answer: allow}
      - {tool: refund, arguments: {customer: c1}, answer: allow}
      - {tool: refund, arguments: {customer: c1}, answer: block, rule: refunds}
  - {name: another, calls: [{tool: refund, arguments: {customer: c1}, answer: block}]}
"""
    )
    assert [one.problem for one in check_cases(SEQUENCE, path)] == [None] * 9
