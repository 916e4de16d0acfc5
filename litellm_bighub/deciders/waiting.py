"""Waiting for a person: what a decider that can do so offers, and how its answer comes into force.

```
        approved ──▶ decide again, which uses the approval up ──▶ the decision
open ──▶ void ─────▶ decide again, which asks anew ─────────────▶ open, under another id
        denied ────▶ blocked
        out of time: the call still waits for a person
```
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from typing_extensions import assert_never

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.wrapping import layers
from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.decision import Allow, Basis, Block, Decision, RequireApproval
from litellm_bighub.errors import DecisionError

State: TypeAlias = Literal["open", "approved", "denied", "void"]


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an approval.

    Attributes:
        state: `void` if it can no longer be used: expired, used by an identical call, or unknown.
        by: who answered, as far as the decider tells.
        bound: deciding on the same call again uses the approval up. Otherwise this answer is the permission, and the
            decider gives it once.
        edited: arguments that a person put in place of the model's, where the answer is the permission.
    """

    state: State
    by: str = ""
    bound: bool = True
    edited: Arguments | None = None


@runtime_checkable
class Waiting(Protocol):
    """A decider that can tell when a person has answered."""

    async def answered(self, approval_id: str, *, seconds: float) -> Answered:
        """Wait until an approval is no longer open, at most that many seconds.

        Raises:
            DecisionError: nobody can tell.
        """
        ...


def waiting(decider: Decider) -> Waiting | None:
    """Who can wait: the decider itself, or the one that its wrappers stand around; `None` if nobody can."""
    return next((layer for layer in layers(decider) if isinstance(layer, Waiting)), None)


async def settled(
    waiter: Waiting,
    asked: RequireApproval,
    decide_again: Callable[[str], Awaitable[Decision]],
    *,
    seconds: float,
    timer: Callable[[], float] = time.monotonic,
) -> Decision:
    """Wait for the person whom a decision asks for.

    Args:
        waiter: tells when a person has answered.
        asked: the decision.
        decide_again: decides on the same call, as a question of its own that the given approval's id names.
        seconds: how long to wait.
        timer: seconds from any origin, never set back.

    Returns:
        the decision in force; `asked`, or a later question for a person, if the time was over.
    """
    end = timer() + seconds
    while asked.approval_id:
        try:
            answer = await waiter.answered(asked.approval_id, seconds=max(0.0, end - timer()))
        except DecisionError:
            return asked
        match answer.state:
            case "open":
                return asked
            case "denied":
                by = f" by {answer.by}" if answer.by else ""
                return Block(f"denied{by}", Basis(decision_id=asked.basis.decision_id, blocked_by="denied"))
            case "approved" if not answer.bound:
                by = f" by {answer.by}" if answer.by else " by a person"
                return Allow(f"approved{by}", edited=answer.edited, basis=asked.basis)
            case "approved" | "void":
                decision = await decide_again(asked.approval_id)
                if not isinstance(decision, RequireApproval) or decision.approval_id == asked.approval_id:
                    return decision
                asked = decision
            case _:
                assert_never(answer.state)
    return asked
