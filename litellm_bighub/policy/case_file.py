"""Whole cases of a policy in a file of their own: calls in sequence, with time, counters and sums.

Counters and sums begin at zero. Nobody answers, so what asks for a person stays reserved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from litellm_bighub.domain.conversation.fact import with_facts
from litellm_bighub.domain.conversation.history import told
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.counters import MemoryCounters
from litellm_bighub.policy.evaluation import Usage
from litellm_bighub.policy.example_text import CallText
from litellm_bighub.policy.examples import VERDICTS, Answer, Judge, call_of, context_of, facts_of_call
from litellm_bighub.policy.policy_file import line_of, read_file, read_yaml, validated
from litellm_bighub.policy.policy_text import PolicyText
from litellm_bighub.policy.rule import Effect, Rule
from litellm_bighub.policy.totals import Charge

START: Final = 1767614400.0
"""2026-01-05, a Monday, 12:00 UTC: when a case begins that does not say."""


class CaseCallText(CallText):
    """One call of a case, and what is to become of it."""

    after_seconds: Annotated[float, Strict(), Field(ge=0, le=366 * 86400)] = Field(
        default=0, description="how long after the call before"
    )
    answer: Effect = Field(description="allow, block or require_approval")
    rule: str | None = Field(default=None, description="the rule whose answer that is")


class CaseText(BaseModel):
    """Calls of one conversation, in sequence. The result of a call that is allowed comes back before the next."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="for people")
    calls: Annotated[list[CaseCallText], Field(min_length=1, max_length=1000)] = Field(description="in sequence")


class CasesText(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(default=1, description="of the format")
    cases: Annotated[list[CaseText], Field(max_length=1000)] = Field(description="each begins with counters at zero")


@dataclass(frozen=True, slots=True)
class CheckedCall:
    """A call of a case and what the policy says of it.

    Attributes:
        line: in the file.
        problem: what is wrong, or `None`.
    """

    case: str
    line: int
    answer: Answer
    problem: str | None


def check_cases(text: PolicyText, path: Path) -> list[CheckedCall]:
    """Judge the cases of a file.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    root, content = read_yaml(read_file(path), path.name)
    cases = validated(CasesText, content, root, path.name)
    judging = Judge(text)

    def line(case: int, call: int) -> int:
        return line_of(root, ("cases", case, "calls", call))

    found: list[CheckedCall] = []
    for at, case in enumerate(cases.cases):
        run = _Run(judging, text)
        for number, one in enumerate(case.calls):
            try:
                answer, problem = run.step(one)
            except ValueError as error:
                raise ConfigurationError(f"{path.name}:{line(at, number)}", str(error)) from error
            found.append(CheckedCall(case.name, line(at, number), answer, problem))
    return found


class _Run:
    """A case that is under way."""

    def __init__(self, judging: Judge, text: PolicyText) -> None:
        self._judging = judging
        self._text = text
        self._counters = MemoryCounters()
        self._now = START
        self._returned: set[str] = set()
        self._facts: dict[str, float] = {}

    def step(self, one: CaseCallText) -> tuple[Answer, str | None]:
        """Judge the next call, and count it.

        Raises:
            ValueError: it is not clear which call that is.
        """
        self._now = one.at.timestamp() if one.at is not None else self._now + one.after_seconds
        call, context = call_of(one, self._text, ["*"]), context_of(one, self._text, self._now)
        outputs = told([*self._returned, *context.outputs.split("\n")])
        context = replace(context, outputs=outputs, history=with_facts(context.history, self._facts))

        def usage(rule: Rule, charge: Charge | None) -> Usage:
            return self._counters.usage(rule, charge, self._now, context)

        answer = self._judging.answer(call, context, self._now, usage)
        if answer.verdict == "allowed":
            self._returned.add(call.name)
            self._facts |= facts_of_call(self._text, call.name, call.arguments, self._now, result=True)
        if answer.judgement is not None:
            self._counters.count(answer.judgement, self._now, context)
        return answer, _problem(one, answer)


def _problem(expected: CaseCallText, answer: Answer) -> str | None:
    if answer.verdict != VERDICTS[expected.answer]:
        return f"it is to be {VERDICTS[expected.answer]} and is {answer.verdict}: {answer.reason}"
    if expected.rule is not None and expected.rule not in answer.rules:
        by = ", ".join(answer.rules) or "no rule"
        return f"it is {answer.verdict} by {by}, not by {expected.rule}"
    return None
