"""Why a rule is not for a call, for people who read or try a policy: what the rule has, and what the call brings."""

from __future__ import annotations

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import facts_of, is_thread
from litellm_bighub.domain.conversation.history import LABEL
from litellm_bighub.policy.evaluation import Considered, Explanation
from litellm_bighub.policy.rule_pattern import Pattern


def sides(seen: Considered, call: ToolCall, context: CallContext) -> tuple[str, str] | None:
    """What the rule wants, and what the call brings; `None` where these are no two texts."""
    rule = seen.rule
    match seen.mismatch:
        case "tool":
            return rule.tool.text, call.name
        case "type":
            return rule.type.text, call.type
        case "taint":
            labels = [name.removeprefix(LABEL) for name in context.outputs.split("\n")]
            return " or ".join(sorted(rule.taint)), ", ".join(labels)
        case "after":
            return rule.after.shown if rule.after else "", _earlier_tools(context)
        case "not_after":
            return f"not {rule.not_after.shown if rule.not_after else ''}", _earlier_tools(context)
        case "key":
            return rule.key.text, " or ".join(filter(None, (context.key_alias, context.key)))
        case None | "status" | "expires_at" | "when" | "part":
            return None
        case name:
            pattern: Pattern = getattr(rule, name)
            return pattern.text, getattr(context, name)


def _earlier_tools(context: CallContext) -> str:
    """The tools of earlier calls."""
    tools = (fact.lstrip("?^<>").partition(" ")[0] for fact in facts_of(context.history) or () if not is_thread(fact))
    return "calls of " + (", ".join(sorted(set(filter(None, tools)))) or "none")


def readings(seen: Considered, explanation: Explanation, call: ToolCall, context: CallContext) -> tuple[str, ...]:
    """The comparisons of a condition that is false, or that has no answer."""
    undecided = seen.mismatch is None and explanation.judgement.blocked_by == "when"
    condition = seen.rule.when if undecided or seen.mismatch == "when" else None
    return () if condition is None else condition.readings(call.arguments, context)
