"""A decision is a value. A failure to get one is an exception (`litellm_bighub.errors.DecisionError`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from typing_extensions import assert_never

from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.payload import JsonMapping, JsonObject

Verdict: TypeAlias = Literal["allowed", "blocked", "requires_approval"]

BlockCause: TypeAlias = Literal[
    "policy", "unreachable", "unreadable", "denied", "unapproved", "undecidable", "unrecorded"
]
"""Whether the policy says no, nobody could be asked, the answer could not be read, or a person said no; or no approval
could be used, the call itself could not be read, or the decision could not be recorded."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision rests on; for people and the audit, never for the model.

    Attributes:
        decision_id: the decider's id (BIGHUB: `request_id` or `validation_id`).
        blocked_by: the rule or mechanism that decided, as in `max_value` or `kill_switch`.
        rule: the id or name of the rule that decided.
        policy_version: the version of the policy that it was made under.
        caller_rules: the digest of the rules of the caller's key and team that were judged by; empty if it has none, or
            if the decider knows nothing of such rules.
        risk: the decider's estimate from 0 to 1, `None` if it gave none.
        gate_version: what a BIGHUB over HTTP calls itself. Nothing is decided by it.
        answer: what a BIGHUB answered, whole, where its caller wants to see it. Nothing is decided by it.
    """

    decision_id: str = ""
    blocked_by: str = ""
    rule: str = ""
    policy_version: str = ""
    caller_rules: str = ""
    risk: float | None = None
    gate_version: str = field(default="", compare=False)
    answer: JsonMapping = field(default_factory=JsonObject, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Allow:
    """The call may run.

    Attributes:
        reason: why, for people.
        degraded: true when no decision could be had and `fail_mode: open` let the call pass.
        edited: arguments that a person put in place of the model's, or `None`.
        shadowed: what was decided and is not enforced, in shadow mode; else `None`.
        remembered: whether the ledger of decided calls holds the call already, as released with the model's arguments.
        told: what the person who approved the call tells the agent.
    """

    reason: str = ""
    degraded: bool = False
    edited: Arguments | None = None
    shadowed: Block | RequireApproval | None = None
    remembered: bool = False
    basis: Basis = field(default_factory=Basis)
    told: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """The call must not run.

    Attributes:
        reason: why, for people.
        cause: what stands behind it, which anyone may be told: it says nothing of the policy.
        told: what the person who denied the call tells the agent.
    """

    reason: str
    basis: Basis = field(default_factory=Basis)
    cause: BlockCause = "policy"
    told: str = ""


@dataclass(frozen=True, slots=True)
class RequireApproval:
    """The call may run only after a person approved exactly this call.

    Attributes:
        reason: why a person is asked.
        approval_id: names the pending approval; empty when the decider gave none, and then nobody can approve it.
        expires_at: POSIX seconds after which the approval is void, `None` if the decider did not say.
    """

    reason: str
    approval_id: str
    expires_at: float | None = None
    basis: Basis = field(default_factory=Basis)


Decision: TypeAlias = Allow | Block | RequireApproval


def verdict(decision: Decision) -> Verdict:
    """The decision in BIGHUB's word for it."""
    match decision:
        case Allow():
            return "allowed"
        case Block():
            return "blocked"
        case RequireApproval():
            return "requires_approval"
        case _:
            assert_never(decision)
