"""The protocol that everything behind a decision implements: deciders, and the wrappers around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.history import FreshHistory
from litellm_bighub.domain.decision import Basis, Block, Decision, RequireApproval
from litellm_bighub.errors import DecisionError, DecisionRefused, DecisionUnavailable


class Decider(Protocol):
    """Answers whether one call may be run. `ToolDecisions` asks for all calls of a response at the same time.

    A behaviour around a decider (deadline, retry, breaker) is a small class over this same protocol.
    """

    name: str
    """As the audit names it: `embedded`, `bighub`."""

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Decide on one call whose arguments are readable.

        Raises:
            DecisionUnavailable: could not be reached.
            DecisionRefused: was reached and refused the question.
            DecisionUnreadable: answered something that is no decision.
        """
        ...

    async def aclose(self) -> None:
        """Release connections and files. Safe to call twice."""
        ...


@runtime_checkable
class DeciderWrapper(Protocol):
    """A behaviour around another decider. Deadlines, retries and breakers hold for questions, not for waiting."""

    inner: Decider


@runtime_checkable
class HistoryDecider(Protocol):
    """A decider that is told what came back in a call's conversation, if it says how that is followed."""

    @property
    def history(self) -> FreshHistory | None:
        """What holds for turns that nothing ties to earlier ones; `None` if nobody need follow anything."""
        ...


@runtime_checkable
class LearningDecider(Protocol):
    """A decider that is told elsewhere how conversations are to be followed."""

    async def learn(self) -> None:
        """Ask for that, if it is time to; `history` says afterwards what is known. Never fails."""
        ...


@runtime_checkable
class TellingDecider(Protocol):
    """A decider that tells the people whom it asks why a call was made, once it has answered."""

    async def tell_background(self, decision: RequireApproval, call: ToolCall, context: CallContext) -> None:
        """Tell them, within a moment. Whether they hear it changes nothing: it never fails.

        It is no part of `decide`: what limits or retries questions would take a slow telling for a missing decision.
        """
        ...


def layers(decider: Decider) -> Iterator[object]:
    """The decider and the deciders inside its wrappers, from the outside in."""
    layer: object = decider
    yield layer
    while isinstance(layer, DeciderWrapper):
        layer = layer.inner
        yield layer


def telling_decider_of(decider: Decider) -> TellingDecider | None:
    """The decider that tells people why calls were made, inside all wrappers; `None` if there is none."""
    return next((layer for layer in layers(decider) if isinstance(layer, TellingDecider)), None)


def undecided(error: DecisionError) -> Block:
    """The block of a call on which no decision could be had."""
    match error:
        case DecisionUnavailable():
            return Block(f"the decider could not be reached: {error}", Basis(blocked_by="unavailable"), "unreachable")
        case DecisionRefused():
            return Block(f"the decider refused to decide: {error}", Basis(blocked_by="refused"), "unreadable")
        case _:
            return Block(f"the decider's answer is no decision: {error}", Basis(blocked_by="unreadable"), "unreadable")
