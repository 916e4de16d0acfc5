"""Approvals that the caller itself answers, as its consent."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from litellm_bighub.deciders.decider import Decider, layers
from litellm_bighub.domain.call import CallContext


@runtime_checkable
class CallerApproval(Protocol):
    """A decider whose approvals callers can answer, where the operator lets them."""

    async def consent(self, approval_id: str, context: CallContext, *, approve: bool) -> bool:
        """Record the caller's answer as the caller's.

        Returns:
            whether it counts. It does not for an approval that is unknown, answered, expired, another actor's, or
            needs two people.

        Raises:
            DecisionError: the approvals cannot be had.
        """
        ...


def caller_approval_of(decider: Decider) -> CallerApproval | None:
    """The decider, or the one inside its wrappers, if callers can answer its approvals."""
    return next((layer for layer in layers(decider) if isinstance(layer, CallerApproval)), None)


def signature(context: CallContext) -> str:
    """How a caller is named in records; no person has such a name."""
    return f"caller:{context.actor}" + (f"/{context.user}" if context.user else "")
