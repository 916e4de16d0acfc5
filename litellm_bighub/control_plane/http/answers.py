"""A decision in the fields of both generations of BIGHUB's clients, consistent with each other."""

from __future__ import annotations

from litellm_bighub.control_plane.decisions.recorded_decision import RecordedDecision, validation_hash
from litellm_bighub.control_plane.http.json_values import iso
from litellm_bighub.deciders.hosted.background_message import GATE_VERSION
from litellm_bighub.domain.decision import Verdict
from litellm_bighub.domain.payload import JsonObject

_RECOMMENDATIONS: dict[Verdict, str] = {
    "allowed": "proceed",
    "requires_approval": "review_recommended",
    "blocked": "do_not_proceed",
}
_MODES: dict[Verdict, str] = {"allowed": "autonomous", "requires_approval": "review", "blocked": "blocked"}


def answer(outcome: RecordedDecision, *, dry_run: bool) -> JsonObject:
    """The body of an evaluate response."""
    judgement = outcome.judgement
    verdict: Verdict = judgement.verdict if outcome.enforced else "allowed"
    rule = judgement.rule
    return {
        "allowed": verdict == "allowed",
        "result": verdict,
        "reason": judgement.reason,
        "request_id": outcome.approval.id
        if verdict == "requires_approval" and outcome.approval
        else outcome.decision_id,
        "validation_id": outcome.decision_id,
        "blocked_by": judgement.blocked_by or None,
        "risk_score": None,
        "validation_hash": validation_hash(outcome),
        "requires_approval": verdict == "requires_approval",
        "human_review": verdict == "requires_approval",
        "recommendation": _RECOMMENDATIONS[verdict],
        "recommendation_confidence": "high",
        "enforcement_mode": "enforced" if outcome.enforced else "advisory",
        "enforced_verdict": verdict,
        "execution_mode": "dry_run" if dry_run else _MODES[verdict],
        "can_run": verdict == "allowed" and not dry_run,
        "needs_review": verdict == "requires_approval",
        "needs_more_context": False,
        "should_not_run": verdict == "blocked",
        "decision_intelligence": {"rationale": judgement.reason, "rule_basis": rule.name if rule else "default"},
        "warnings": [] if outcome.enforced else [f"shadow mode: enforced, this would be {judgement.verdict}"],
        "dry_run": dry_run,
        "gate_version": GATE_VERSION,
        "rule_id": rule.id if rule else None,
        "policy_version": judgement.policy_version,
        "caller_rules": outcome.caller_rules or None,
        "expires_at": iso(outcome.approval.expires_at) if outcome.approval else None,
        "edited_arguments": outcome.edited,
        "told_agent": outcome.told or None,
    }
