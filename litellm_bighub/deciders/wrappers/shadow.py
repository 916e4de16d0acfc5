"""Shadow mode: decides and lets everything pass, so that a policy can be watched before it is enforced."""

from __future__ import annotations

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.undecided import undecided
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Basis, Block, Decision
from litellm_bighub.errors import DecisionError


class Shadow:
    """Allows what the decider would not, and says so in `Allow.shadowed`; the event then has `enforced: false`.

    A call whose arguments nobody can decide on, and a decision that cannot be recorded, are withheld even so.
    """

    def __init__(self, decider: Decider) -> None:
        self.inner = decider
        self.name = decider.name

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Ask the decider, and allow."""
        try:
            decision = await self.inner.decide(call, context)
        except DecisionError as error:
            failed = undecided(error)
            decision = Block(f"no decision could be had: {error}", Basis(blocked_by="undecided"), failed.cause)
        if isinstance(decision, Allow):
            return decision
        return Allow("shadow mode enforces nothing", shadowed=decision)

    async def aclose(self) -> None:
        """Close the decider."""
        await self.inner.aclose()
