"""What a failure to decide is as a decision: a block that names its cause."""

from __future__ import annotations

from litellm_bighub.domain.decision import Basis, Block
from litellm_bighub.errors import DecisionError, DecisionRefused, DecisionUnavailable


def undecided(error: DecisionError) -> Block:
    """The block of a call on which no decision could be had."""
    match error:
        case DecisionUnavailable():
            return Block(f"the decider could not be reached: {error}", Basis(blocked_by="unavailable"), "unreachable")
        case DecisionRefused():
            return Block(f"the decider refused to decide: {error}", Basis(blocked_by="refused"), "unreadable")
        case _:
            return Block(f"the decider's answer is no decision: {error}", Basis(blocked_by="unreadable"), "unreadable")
