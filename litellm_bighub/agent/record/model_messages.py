"""A decision in BIGHUB's words, and in the words that the model may hear."""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.domain.decision import Block, Decision, RequireApproval, Verdict, verdict
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.wording import ENGLISH, Wording

_ACTIONS: Mapping[Verdict, str] = {
    "allowed": "execute",
    "blocked": "blocked",
    "requires_approval": "approval_required",
}


def decision_fields(decision: Decision) -> JsonObject:
    """The decision as a dictionary with the keys of BIGHUB's own answer, and whatever else BIGHUB said.

    Where the two differ, it says what holds here: an `allowed` that another field of the answer contradicts is false.
    """
    basis = decision.basis
    waits = isinstance(decision, RequireApproval)
    holds: JsonObject = {
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
    if basis.answer.get("result") == holds["result"] and basis.answer.get("reason"):
        holds["reason"] = basis.answer["reason"]  # in BIGHUB's own words, where it is of the same mind
    return {**holds, **basis.answer, **{key: each for key, each in holds.items() if each is not None}}


def checked_fields(decision: Decision) -> JsonObject:
    """The decision as `check_tool` gives it, with what an agent would do."""
    return {**decision_fields(decision), "_resolved_action": _ACTIONS[verdict(decision)]}


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
        case Block(cause=cause, told=told) if cause != "policy":
            said = wording.blocked(cause, tool) + wording.person_says(told)
        case _:
            said = wording.agent_withheld.format(tool=tool)
    return said + wording.because(decision.reason) if reveal else said
