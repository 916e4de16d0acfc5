"""Holding decisions to the rules of the caller's key and team, where the decider knows nothing of such rules.

The embedded control plane, and one that is asked over HTTP, judge by them and say so. Any other decider, and one that
could not be reached, is held to them here. Nobody can be asked then: a call that needs a person is blocked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Block, Decision
from litellm_bighub.domain.digest import rules_digest
from litellm_bighub.policy.evaluation import PolicyJudgement, evaluate
from litellm_bighub.policy.rule import Policy

_NOTHING_ELSE: Final = Policy(version="", default="allow", rules=(), tools={})
_NOBODY_ASKS: Final = "the decider cannot ask anybody for a rule of a key or team"


def held_to_rules(decision: Decision, call: ToolCall, context: CallContext, now: float) -> Decision:
    """The decision, or a block that the rules of the caller's key and team demand.

    Args:
        decision: of any decider, or of `fail_mode`.
        call: with its value.
        context: with its rules.
        now: POSIX seconds.
    """
    if not context.caller_rules or isinstance(decision, Block):
        return decision
    digest = rules_digest(context.caller_rules)
    if decision.basis.caller_rules == digest:
        return decision
    judgement = evaluate(_NOTHING_ELSE, call, context, now=now)
    return decision if judgement.verdict == "allowed" else _block(judgement, decision, digest)


def _block(judgement: PolicyJudgement, decision: Decision, digest: str) -> Block:
    basis = replace(
        decision.basis,
        blocked_by=judgement.blocked_by,
        rule=judgement.rule.id if judgement.rule else "",
        caller_rules=digest,
    )
    if judgement.verdict == "blocked":
        return Block(judgement.reason, basis)
    return Block(f"{judgement.reason}; {_NOBODY_ASKS}", basis)
