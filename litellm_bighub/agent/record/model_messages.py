"""A decision in BIGHUB's words, and in the words that the model may hear."""

from __future__ import annotations

from litellm_bighub.domain.decision import Block, Decision, RequireApproval, verdict
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.wording import ENGLISH, Wording


def decision_fields(decision: Decision) -> JsonObject:
    """The decision as a dictionary with the keys of BIGHUB's own answer."""
    basis = decision.basis
    waits = isinstance(decision, RequireApproval)
    return {
        "allowed": verdict(decision) == "allowed",
        "result": verdict(decision),
        "reason": decision.reason,
        "request_id": request_id(decision),
        "requires_approval": waits,
        "expires_at": decision.expires_at if isinstance(decision, RequireApproval) else None,
        "blocked_by": basis.blocked_by or None,
        "risk_score": basis.risk,
        "rule": basis.rule or None,
        "policy_version": basis.policy_version or None,
    }


def request_id(decision: Decision) -> str | None:
    """The id by which the control plane knows the decision, or the approval that it asks for."""
    if isinstance(decision, RequireApproval):
        return decision.approval_id or None
    return decision.basis.decision_id or None


def refusal(decision: Decision, tool: str, *, reveal: bool, wording: Wording = ENGLISH) -> str:
    """What the model hears of a call that does not run."""
    match decision:
        case RequireApproval():
            said = wording.agent_waiting.format(tool=tool)
        case Block(cause=cause) if cause != "policy":
            said = wording.blocked(cause, tool)
        case _:
            said = wording.agent_withheld.format(tool=tool)
    return said + wording.because(decision.reason) if reveal else said
