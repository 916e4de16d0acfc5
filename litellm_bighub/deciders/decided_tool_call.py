"""A tool call with its decision, and the event that records both."""

from __future__ import annotations

from dataclasses import dataclass

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval, verdict
from litellm_bighub.domain.event import DecisionEvent
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.policy.tool_table import ToolEntry


@dataclass(frozen=True, slots=True)
class DecidedToolCall:
    """One call with its decision, its decider and the seconds that it took."""

    call: ToolCall
    context: CallContext
    tool: ToolEntry
    decision: Decision
    decider: str
    seconds: float

    def event(self, redactor: Redactor, *, event_id: str, time: float) -> DecisionEvent:
        """The event, without secrets. In shadow mode it holds the decision that is not enforced."""
        call, context = self.call, self.context
        shadowed = self.decision.shadowed if isinstance(self.decision, Allow) else None
        decision = shadowed or self.decision
        arguments = call.redacted(redactor.redact)
        measures = self.tool.shown(call, arguments, redactor.redact)
        return DecisionEvent(
            event_id=event_id,
            time=time,
            trace_id=context.trace_id,
            call_id=call.id,
            tool=call.name,
            type=call.type,
            path=call.path,
            actor=context.actor,
            domain=context.domain,
            surface=context.surface,
            model=context.model,
            response_id=context.response_id,
            user=context.user,
            team=context.team,
            verdict=verdict(decision),
            reason=redactor.text(decision.reason),
            enforced=shadowed is None,
            degraded=isinstance(decision, Allow) and decision.degraded,
            decider=self.decider,
            decision_id=decision.basis.decision_id,
            approval_id=decision.approval_id if isinstance(decision, RequireApproval) else "",
            blocked_by=decision.basis.blocked_by,
            rule=decision.basis.rule,
            policy_version=decision.basis.policy_version,
            risk=decision.basis.risk,
            value=measures.value,
            target=measures.target,
            arguments=arguments,
            arguments_digest=call.digest,
            latency_ms=self.seconds * 1000,
            cause=decision.cause if isinstance(decision, Block) else "",
            key=context.key,
        )
