"""Recorded decisions against another policy: what would have been allowed, held or blocked instead.

The record holds redacted arguments, so a condition over something that was hidden may come out differently.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import cast, get_args

from litellm_bighub.domain.call import CallContext, CallType, ToolCall, restored_context
from litellm_bighub.domain.decision import Verdict
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.domain.secret_patterns import REDACTED
from litellm_bighub.policy.counters import MemoryCounters
from litellm_bighub.policy.evaluation import PolicyJudgement, Usage, find, judge_all
from litellm_bighub.policy.rule import Policy, Rule
from litellm_bighub.policy.tool_table import ToolTable
from litellm_bighub.policy.totals import Charge


@dataclass(frozen=True, slots=True)
class Replayed:
    """One recorded decision and what the other policy says."""

    seq: int
    time: float
    decision_id: str
    tool: str
    actor: str
    before: Verdict
    before_rule: str
    after: Verdict
    after_rule: str
    reason: str

    @property
    def differs(self) -> bool:
        """Whether the verdict is another one."""
        return self.before != self.after


def replay(policy: Policy, recorded: Iterable[JsonObject]) -> list[Replayed]:
    """Judge decisions anew, in their order, with counters that begin at zero.

    Args:
        policy: the other policy.
        recorded: events of the type `decision_event.created`, oldest first, bodies read.
    """
    tools = ToolTable(policy.tools)
    counters = _Counters()
    return [_replay(policy, tools, counters, event) for event in recorded]


def summary(replayed: Iterable[Replayed]) -> dict[str, int]:
    """How often each verdict became which, as `allowed -> blocked`."""
    return dict(Counter(f"{one.before} -> {one.after}" for one in replayed))


@dataclass
class _Counters:
    """What was counted so far.

    Attributes:
        summed: the approvals whose calls are in the totals: a call comes once when it asks, and once when it may run.
    """

    memory: MemoryCounters = field(default_factory=MemoryCounters)
    summed: set[str] = field(default_factory=set)


def recorded_call(policy: Policy, event: JsonObject) -> ToolCall:
    """The call of a recorded decision, with the value and target that the policy takes out of its arguments."""
    return _call(ToolTable(policy.tools), event)


def hides_arguments(event: JsonObject) -> bool:
    """Whether something in the arguments of a recorded decision was hidden."""
    return REDACTED.removesuffix("]") in json.dumps(event["body"]["arguments"])


def _call(tools: ToolTable, event: JsonObject) -> ToolCall:
    body = event["body"]
    kinds: tuple[str, ...] = get_args(CallType)
    kind = cast("CallType", body["type"] if body["type"] in kinds else "unknown")
    call = ToolCall(body["call_id"], kind, event["tool"], body["arguments"], value=body["value"], target=body["target"])
    measured = tools.find(call.name).measure(replace(call, value=call.value))
    return measured if isinstance(measured, ToolCall) else call


def _replay(policy: Policy, tools: ToolTable, counters: _Counters, event: JsonObject) -> Replayed:
    body = event["body"]
    call = _call(tools, event)
    context = restored_context(event["actor"], event["domain"], body)
    judgement = _judge(policy, call, context, event["time"], counters, body["approval_id"])
    # An approved call had asked for a person.
    before: Verdict = "requires_approval" if body["approval_id"] else event["verdict"]
    return Replayed(
        seq=event["seq"],
        time=event["time"],
        decision_id=event["subject"],
        tool=event["tool"],
        actor=event["actor"],
        before=before,
        before_rule=event["rule_id"],
        after=judgement.verdict,
        after_rule=judgement.rule.id if judgement.rule else "",
        reason=judgement.reason,
    )


def _judge(
    policy: Policy, call: ToolCall, context: CallContext, now: float, counters: _Counters, approval_id: str
) -> PolicyJudgement:
    found = find(policy, call, context, now)
    if isinstance(found, PolicyJudgement):
        return found
    is_summed = approval_id in counters.summed

    def usage(rule: Rule, charge: Charge | None) -> Usage:
        return counters.memory.usage(rule, None if is_summed else charge, now, context)

    judgement = judge_all(policy, found, call, context, now, usage)
    counters.memory.count(judgement, now, context, sums=not is_summed)
    if judgement.verdict != "blocked" and approval_id:
        counters.summed.add(approval_id)
    return judgement
