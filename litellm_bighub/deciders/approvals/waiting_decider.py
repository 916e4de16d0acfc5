"""Deciders that can wait for approvals, and how a person's answer comes into force.

```
        approved ──▶ decide again, which uses the approval up ──▶ the decision
open ──▶ void ─────▶ decide again, which asks anew ─────────────▶ open, under another id
        denied ────▶ blocked
        out of time: the call still waits for a person
```
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

import anyio
from typing_extensions import assert_never

from litellm_bighub.deciders.decider import Decider, layers, undecided
from litellm_bighub.domain.call import Arguments, CallContext
from litellm_bighub.domain.decision import Allow, Basis, Block, Decision, RequireApproval
from litellm_bighub.errors import DecisionError, DecisionRefused

PAUSE_SECONDS: Final = 1.0
LATE_SECONDS: Final = 1.0
"""How much longer than its time a waiter may take to give up."""

State: TypeAlias = Literal["open", "approved", "denied", "void"]


@dataclass(frozen=True, slots=True)
class AnsweredApproval:
    """What became of an approval.

    Attributes:
        state: `void` if it can no longer be used: expired, used by an identical call, or unknown.
        by: the person's name, where the decider gives it.
        bound: deciding on the same call again uses the approval up. Otherwise this answer is the permission, and the
            decider gives it once.
        told: what the person tells the agent, where the answer is not only the permission to ask again.
        edited: arguments that a person put in place of the model's, where the answer is the permission.
    """

    state: State
    by: str = ""
    bound: bool = True
    edited: Arguments | None = None
    told: str = ""


@runtime_checkable
class WaitingDecider(Protocol):
    """A decider that can wait until a person has answered."""

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        """Wait until an approval is no longer open, at most that many seconds.

        Raises:
            DecisionError: the approval cannot be had.
        """
        ...


Stopped: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""Returns when the process ends, and with it all waiting."""


class UntilStopped:
    """Implements `WaitingDecider`: an approval stays open once the process ends.

    Args:
        waiter: waits until a person has answered.
        stopped: ends the waiting.
    """

    def __init__(self, waiter: WaitingDecider, stopped: Stopped) -> None:
        self._waiter = waiter
        self._stopped = stopped

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        """Wait as `WaitingDecider` has it."""
        answering = asyncio.ensure_future(self._waiter.answered(approval_id, seconds=seconds))
        stopping = asyncio.ensure_future(self._stopped())
        try:
            await asyncio.wait({answering, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return answering.result() if answering.done() else AnsweredApproval("open")
        finally:
            answering.cancel()
            stopping.cancel()
            # A server's cancellation comes again at every await, and would cut off their cleaning up.
            with anyio.CancelScope(shield=True):
                await asyncio.gather(answering, stopping, return_exceptions=True)


def waiting_decider_of(decider: Decider) -> WaitingDecider | None:
    """The decider, or the one inside its wrappers, if it can wait for approvals."""
    return next((layer for layer in layers(decider) if isinstance(layer, WaitingDecider)), None)


async def settled(
    waiter: WaitingDecider,
    asked: RequireApproval,
    decide_again: Callable[[str], Awaitable[Decision]],
    *,
    seconds: float,
    timer: Callable[[], float] = time.monotonic,
    pause_seconds: float = PAUSE_SECONDS,
) -> Decision:
    """Wait for the person that a decision asks for. After a passing failure the waiter is asked again.

    Args:
        waiter: waits until a person has answered.
        asked: the decision.
        decide_again: decides on the same call, as a question of its own that the given approval's id names.
        seconds: how long to wait.
        timer: seconds from any origin, never set back.
        pause_seconds: between two tries.

    Returns:
        the decision in force; `asked`, or a later question for a person, if the time was over. A block that names the
        cause, if a person has answered and no new decision could be had in time: the approval can still be used.
    """
    end = timer() + seconds
    while asked.approval_id:
        try:
            decision = await _in_force(waiter, asked, decide_again, seconds=max(0.0, end - timer()))
        except DecisionError as error:  # noqa: PERF203 - a look a second
            if not _may_pass(error) or timer() >= end:
                return undecided(error.failure) if isinstance(error, _NotDecidedAgainError) else asked
            await anyio.sleep(min(pause_seconds, max(0.0, end - timer())))
        else:
            if not isinstance(decision, RequireApproval) or decision.approval_id == asked.approval_id:
                return decision
            asked = decision
    return asked


class _NotDecidedAgainError(DecisionError):
    """A person has answered, and no new decision could be had."""

    def __init__(self, failure: DecisionError) -> None:
        self.failure = failure
        super().__init__(str(failure))


async def _in_force(
    waiter: WaitingDecider,
    asked: RequireApproval,
    decide_again: Callable[[str], Awaitable[Decision]],
    *,
    seconds: float,
) -> Decision:
    """The decision in force after at most that many seconds: `asked` itself without an answer."""
    answer = await _answered(waiter, asked.approval_id, seconds)
    match answer.state:
        case "open":
            return asked
        case "denied":
            by = f" by {answer.by}" if answer.by else ""
            basis = Basis(decision_id=asked.basis.decision_id, blocked_by="denied")
            return Block(f"denied{by}", basis, "denied", told=answer.told)
        case "approved" if not answer.bound:
            by = f" by {answer.by}" if answer.by else " by a person"
            return Allow(f"approved{by}", edited=answer.edited, basis=asked.basis, told=answer.told)
        case "approved" | "void":
            try:
                return await decide_again(asked.approval_id)
            except DecisionError as error:
                raise _NotDecidedAgainError(error) from error
        case _:
            assert_never(answer.state)


async def _answered(waiter: WaitingDecider, approval_id: str, seconds: float) -> AnsweredApproval:
    """What became of the approval. It stays open for a waiter that does not come back in time."""
    with anyio.move_on_after(seconds + LATE_SECONDS):
        return await waiter.answered(approval_id, seconds=seconds)
    return AnsweredApproval("open")


def _may_pass(error: DecisionError) -> bool:
    """Whether asking again later may help."""
    failure = error.failure if isinstance(error, _NotDecidedAgainError) else error
    return failure.transient or not isinstance(failure, DecisionRefused)


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
