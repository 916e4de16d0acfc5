"""Deciding inside the process, by the policy file."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path

from typing_extensions import assert_never

from litellm_bighub.control_plane.policy.evaluation import Judgement, evaluate
from litellm_bighub.control_plane.policy.file import load_policy
from litellm_bighub.control_plane.policy.rule import Policy
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Basis, Block, Decision, RequireApproval

DEFAULT_APPROVAL_TTL = 900


def random_id() -> str:
    """An id that nobody can guess."""
    return uuid.uuid4().hex


class EmbeddedDecider:
    """Implements `Decider` with a policy of its own."""

    name = "embedded"

    def __init__(
        self,
        policy: Policy,
        *,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._new_id = new_id

    @classmethod
    def from_policy_file(
        cls, path: Path, *, clock: Callable[[], float] = time.time, new_id: Callable[[], str] = random_id
    ) -> EmbeddedDecider:
        """Read the policy and decide by it.

        Raises:
            ConfigurationError: the file is no policy; names file and line.
        """
        return cls(load_policy(path), clock=clock, new_id=new_id)

    @property
    def policy(self) -> Policy:
        """The policy in force; its `tools` say where value and target stand."""
        return self._policy

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Decide on one call whose arguments are readable."""
        now = self._clock()
        judgement = evaluate(self._policy, call, context, now=now, usage=None)
        return decision(judgement, decision_id=f"dec_{self._new_id()}", approval_id=f"apr_{self._new_id()}", now=now)

    async def aclose(self) -> None:
        """Nothing is held open."""


def decision(judgement: Judgement, *, decision_id: str, approval_id: str, now: float) -> Decision:
    """A judgement as the decision that the gateway acts upon."""
    rule = judgement.rule
    basis = Basis(
        decision_id=decision_id,
        blocked_by=judgement.blocked_by,
        rule=rule.id if rule else "",
        policy_version=judgement.policy_version,
    )
    match judgement.verdict:
        case "allowed":
            return Allow(judgement.reason, basis=basis)
        case "blocked":
            return Block(judgement.reason, basis=basis)
        case "requires_approval":
            ttl = rule.approval_ttl_seconds if rule else DEFAULT_APPROVAL_TTL
            return RequireApproval(judgement.reason, approval_id, now + ttl, basis=basis)
        case _:
            assert_never(judgement.verdict)
