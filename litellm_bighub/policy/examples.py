"""Judging the examples of a policy by the file alone: no counters, and no rules of the API.

An example without a time is judged as if its rules had no hours and no end, so that a file that loads today loads at
night, too. The answer must be the one of the list that holds the example. Where that is an effect of the example's own
rule, this rule must be one of those that decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from litellm_bighub.domain.call import JSON, Arguments, CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import RELEASED, RETURNED, of_call, of_caller, text_of, thread
from litellm_bighub.domain.conversation.history import LABEL, mark, told
from litellm_bighub.domain.decision import Block, Verdict
from litellm_bighub.policy.evaluation import (
    UNUSED,
    PolicyJudgement,
    UsageOf,
    find,
    judge_all,
    judge_counted,
)
from litellm_bighub.policy.example_text import CallText
from litellm_bighub.policy.parts.call_parts import ToolParts, listed
from litellm_bighub.policy.policy_text import PolicyText, RuleText, build
from litellm_bighub.policy.rule import Effect, Policy, Rule
from litellm_bighub.policy.rule_pattern import AnyOf, Pattern
from litellm_bighub.policy.tool_table import ToolTable

VERDICTS: Final[Mapping[Effect, Verdict]] = {
    "block": "blocked",
    "require_approval": "requires_approval",
    "allow": "allowed",
}
_NO_TIME: Final = 1.0
_PLAIN_PATH: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
Place: TypeAlias = tuple[int | str, ...]
"""Where something stands in the file, as in `("rules", 0, "examples", "block", 2)`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a policy says of a call.

    Attributes:
        rules: the names of the rules whose answer it is; none if that is the default, or the call cannot be judged.
        reason: why, without the call's arguments.
    """

    verdict: Verdict
    rules: tuple[str, ...]
    reason: str
    judgement: PolicyJudgement | None = None

    @property
    def reached(self) -> tuple[str, ...]:
        """The names of all rules that decide on a part of the call."""
        judgement = self.judgement
        return () if judgement is None else _names(judgement.rule, *judgement.rules)


@dataclass(frozen=True, slots=True)
class CheckedExample:
    """An example and what the policy says of it.

    Attributes:
        rule: the name of the rule that holds it.
        problem: what is wrong, or `None`.
    """

    rule: str
    expected: Effect
    place: Place
    answer: Answer | None
    problem: str | None


class Judge:
    """Answers calls by one policy."""

    def __init__(self, text: PolicyText) -> None:
        self._policy = build(text)
        self._untimed = replace(
            self._policy, rules=tuple(replace(rule, hours=None, expires_at=None) for rule in self._policy.rules)
        )
        self._table = ToolTable(text.tools)

    def answer(
        self,
        call: ToolCall,
        context: CallContext,
        now: float | None,
        usage: UsageOf = lambda *_: UNUSED,
    ) -> Answer:
        """What the policy says.

        Args:
            call: its value and target are taken out of its arguments.
            context: who asks.
            now: POSIX seconds; without it hours and ends of rules do not count.
            usage: what each rule has allowed so far.
        """
        policy, now = (self._untimed, _NO_TIME) if now is None else (self._policy, now)
        measured = self._table.find(call.name).measure(call)
        if isinstance(measured, Block):
            return Answer("blocked", (), measured.reason)
        found = find(policy, measured, context, now)
        if isinstance(found, PolicyJudgement):
            return Answer("blocked", _names(found.rule), found.reason, found)
        judgement = judge_all(policy, found, measured, context, now, usage)
        named = [
            rule
            for rule in found
            if rule is not None
            and judge_counted(policy, rule, measured, context, now, usage).verdict == judgement.verdict
        ]
        return Answer(judgement.verdict, _names(*named), judgement.reason, judgement)

    @property
    def policy(self) -> Policy:
        """The policy as it is evaluated."""
        return self._policy


def _names(*rules: Rule | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.name for rule in rules if rule is not None))


def check_examples(text: PolicyText) -> Iterator[CheckedExample]:
    """Judge the examples of all rules that are in force."""
    judging: Judge | None = None
    for index, rule in enumerate(text.rules):
        if rule.examples is None or rule.status != "active":
            continue
        judging = judging or Judge(text)
        lists: tuple[tuple[Effect, list[CallText]], ...] = (
            ("block", rule.examples.block),
            ("require_approval", rule.examples.require_approval),
            ("allow", rule.examples.allow),
        )
        for expected, examples in lists:
            for number, example in enumerate(examples):
                place = ("rules", index, "examples", expected, number)
                yield _checked(judging, text, rule, expected, example, place)


def _checked(
    judging: Judge, text: PolicyText, rule: RuleText, expected: Effect, example: CallText, place: Place
) -> CheckedExample:
    try:
        call = call_of(example, text, rule.tools)
    except ValueError as error:
        return CheckedExample(rule.name, expected, place, None, str(error))
    now = None if example.at is None else example.at.timestamp()
    answer = judging.answer(call, context_of(example, text, _NO_TIME if now is None else now), now)
    problem = None
    if answer.verdict != VERDICTS[expected]:
        problem = f"it is to be {VERDICTS[expected]} and is {answer.verdict}: {answer.reason}"
    elif expected in rule.effects and rule.name not in answer.rules:
        problem = f"it is {answer.verdict}, but by another rule: {answer.reason}"
    return CheckedExample(rule.name, expected, place, answer, problem)


def context_of(example: CallText, text: PolicyText, now: float) -> CallContext:
    """Who asks, and what came back before."""
    outputs = [f"{LABEL}{name}" for name in listed(example.taint)]
    outputs += [earlier.tool for earlier in example.history if earlier.result]
    facts: dict[str, float] = {thread(mark("thread", "example")): now, **of_caller({})}
    for earlier in example.history:
        facts |= facts_of_call(text, earlier.tool, earlier.arguments, now - earlier.seconds_ago, result=earlier.result)
    return CallContext(**example.caller.model_dump(), outputs=told(outputs), history=text_of(facts))


def facts_of_call(text: PolicyText, tool: str, arguments: Arguments, time: float, *, result: bool) -> dict[str, float]:
    """What is known of an earlier call by what the policy asks for, of its conversation and of its caller."""
    followed = () if text.followed is None else text.followed.calls or ()
    signs = (RELEASED, RETURNED) if result else (RELEASED,)
    facts = {sign + fact: time for sign in signs for fact in of_call(tool, arguments, followed)}
    return facts | of_caller(facts)


def call_of(example: CallText, text: PolicyText, tools: list[str]) -> ToolCall:
    """The call of an example.

    Args:
        example: as it is written.
        text: for the tool that takes a command.
        tools: patterns of the tools that may be meant where it names none.

    Raises:
        ValueError: it is not clear which call that is.
    """
    if example.command is None:
        if example.tool is None:
            raise ValueError("a call needs `tool` and `arguments`, or a `command`")
        return ToolCall("example", example.type, example.tool, example.arguments)
    if example.arguments:
        raise ValueError("a call has either `arguments` or a `command`")
    names = [example.tool] if example.tool else [*tools, *text.tools]
    for name in names:
        tool = next((settings for pattern, settings in text.tools.items() if Pattern(pattern).matches(name)), None)
        if tool is not None and tool.command is not None and AnyOf(tools).matches(name):
            return ToolCall("example", example.type, name, _command_arguments(tool, example.command))
    if example.tool is None and AnyOf(tools).matches("shell"):
        return ToolCall("example", "shell", "shell", {"action": {"commands": [example.command]}})
    raise ValueError("no tool of the rule takes a `command`; write {tool: …, arguments: …}")


def _command_arguments(tool: ToolParts, command: str) -> Arguments:
    """Arguments in which the tool's command is this one."""
    if not _PLAIN_PATH.fullmatch(tool.command or ""):
        raise ValueError("where the tool's command stands is no plain field; write {tool: …, arguments: …}")
    *outer, name = (tool.command or "").split(".")
    arguments: dict[str, JSON] = {name: command}
    for above in reversed(outer):
        arguments = {above: arguments}
    return arguments
