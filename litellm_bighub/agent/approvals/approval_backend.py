"""The policy of an agent, and the backend that settles its approvals."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Protocol, TypeAlias, runtime_checkable

from litellm_bighub.agent.flow.effects import (
    CallQuestion,
    Follow,
    NotThisCall,
    Pending,
    PersonAnswer,
    Settled,
    Shown,
    Unsettled,
)
from litellm_bighub.deciders.decider import Decider, HistoryDecider, layers
from litellm_bighub.deciders.ledger.conversation_history import UNKNOWN, ConversationHistory, FollowedConversation
from litellm_bighub.deciders.ledger.ledger import Ledger
from litellm_bighub.deciders.ledger.released_calls import record_calls
from litellm_bighub.deciders.tool_decisions import UNRECORDED, ToolDecisions
from litellm_bighub.deciders.wrappers.deadline import DEADLINE_SECONDS
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import RELEASED, RETURNED, of_call, thread
from litellm_bighub.domain.conversation.history import mark_of_caller, spans_of
from litellm_bighub.domain.decision import Allow, Block, Decision
from litellm_bighub.errors import AdapterConfigurationError, DecisionError
from litellm_bighub.formats.registry import DEFAULT
from litellm_bighub.formats.stream.gate_protocol import Pass, Withhold
from litellm_bighub.settings import FailMode, ToolSettings

DecideOne: TypeAlias = Callable[[CallQuestion], Awaitable[Decision]]
"""Decides on a call again, by the same way as the first time."""


@runtime_checkable
class ApprovalBackend(Protocol):
    """Where approvals are answered."""

    async def settle(self, pending: Pending, answer: PersonAnswer, decide: DecideOne) -> Settled | Unsettled:
        """Bring a person's answer into force. Never raises for a control plane that could not be had."""
        ...

    async def look(self, pending: Pending, decide: DecideOne) -> Settled | None:
        """What became of a pending call elsewhere; `None` while it waits."""
        ...


@runtime_checkable
class ShowsApprovals(Protocol):
    """An approval backend that knows what its approvals were asked for."""

    async def shown(self, pending: Pending) -> Shown | NotThisCall:
        """What the approval says of the call, if it is the approval of this very call."""
        ...


@runtime_checkable
class KeepsStateKey(Protocol):
    """An approval backend that keeps the key of stored runs with its approvals."""

    async def state_key(self) -> bytes:
        """The key; made when it is first asked for.

        Raises:
            DecisionUnavailable: it cannot be read.
        """
        ...


class NoApprovalBackend:
    """For a decider without approvals: nothing that waits is ever approved."""

    async def settle(self, pending: Pending, answer: PersonAnswer, decide: DecideOne) -> Settled:  # noqa: ARG002 - the port's signature
        """Refuse."""
        return Settled(Block(f"the decider cannot resolve the approval {pending.request_id}", cause="unapproved"), {})

    async def look(self, pending: Pending, decide: DecideOne) -> Settled | None:  # noqa: ARG002 - the port's signature
        """It waits."""
        return None


@runtime_checkable
class DryRun(Protocol):
    """A decider that can say what it would decide, and records nothing of it."""

    async def dry_run(self, call: ToolCall, context: CallContext) -> Decision:
        """The decision that the call would get."""
        ...


class AgentPolicy:
    """The policy's side of a run.

    Args:
        decider: decides on the calls.
        fail_mode: what becomes of a call when the decider could not be reached.
        approvals: where approvals are answered.
        tools: what the policy itself says of single tools.
        dry: answers dry runs in place of the decider.
        state_key: signs the states of runs that wait; by default the approvals', or one of this process.
        deadline_seconds: how long a decision may take.
        ledger: remembers conversations for later runs; in memory if not given.
    """

    def __init__(
        self,
        decider: Decider,
        *,
        fail_mode: FailMode,
        approvals: ApprovalBackend,
        tools: Mapping[str, ToolSettings] | None = None,
        dry: object = None,
        state_key: bytes | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        ledger: Ledger | None = None,
    ) -> None:
        self._name = decider.name
        self._dry = decider if dry is None else dry
        self._decisions = ToolDecisions(
            decider, tools=tools, fail_mode=fail_mode, ledger=ledger, deadline_seconds=deadline_seconds
        )
        self._conversations = ConversationHistory(self._decisions)
        self._approvals = approvals
        self._state_key = state_key

    async def decide(self, asks: Sequence[CallQuestion]) -> list[Decision]:
        """Decide on all calls of a turn at the same time. A policy that could not be had is a decision too."""
        groups: dict[CallContext, list[int]] = {}
        for place, ask in enumerate(asks):
            groups.setdefault(ask.context, []).append(place)
        answers = await asyncio.gather(
            *(self._decided([asks[at] for at in places], on) for on, places in groups.items())
        )
        decided = {
            place: decision
            for places, decisions in zip(groups.values(), answers, strict=True)
            for place, decision in zip(places, decisions, strict=True)
        }
        return [decided[place] for place in range(len(asks))]

    @property
    def follows(self) -> bool:
        """Whether the decider wants to know, now or later, what came back in a conversation."""
        return any(isinstance(layer, HistoryDecider) for layer in layers(self._decisions.decider))

    async def follow(self, effect: Follow) -> FollowedConversation:
        """Follow a conversation to a response, and tie the response to it. Of what cannot be followed, all may be."""
        context = effect.callers[0]
        try:
            known = await self._followed(effect, context)
        except DecisionError:
            known = UNKNOWN
        await self._conversations.record_answer(known.of(context))
        return known

    async def _followed(self, effect: Follow, context: CallContext) -> FollowedConversation:
        if effect.known is None:
            results = DEFAULT.brought(effect.request).results
            previous = str(effect.request.get("previous_response_id") or "")
            known = await self._conversations.follow(results, previous, context.conversation, context)
            began = [span for span in spans_of(known.of(context)) if span.mark == mark_of_caller(context)]
            windows = {
                thread(mark_of_caller(caller), span.since, span.until): span.until
                for caller in effect.callers[1:]
                for span in began
            }
            return known.with_facts(windows) if windows else known
        now, fresh = self._decisions.clock(), await self._decisions.followed()
        if fresh is None or effect.known == UNKNOWN:
            return effect.known
        new = dict.fromkeys((call.name for call in effect.ran), now)
        for call in effect.ran:
            facts = of_call(call.name, call.arguments, fresh.calls or ())
            new |= {sign + fact: now for fact in facts for sign in (RELEASED, RETURNED) if fresh.calls is not None}
        return await self._conversations.add(effect.known, new, context.conversation, context)

    async def _decided(self, asks: Sequence[CallQuestion], context: CallContext) -> list[Decision]:
        """Decide on calls of the same caller, and remember them for what follows."""
        calls = [_call(ask) for ask in asks]
        decisions = await self._decisions.decide(calls, context)
        if self._decisions.history is None:
            return decisions
        outcomes = [
            Pass(decision.edited) if isinstance(decision, Allow) else Withhold(decision.reason)
            for decision in decisions
        ]
        if await record_calls(self._decisions, calls, decisions, outcomes, context):
            return decisions
        return [UNRECORDED if isinstance(decision, Allow) else decision for decision in decisions]

    async def dry_run(self, ask: CallQuestion) -> Decision:
        """The decision that a call would get; nothing of it is recorded.

        Raises:
            AdapterConfigurationError: the decider has no dry run.
            DecisionError: it could not be had.
        """
        if not isinstance(self._dry, DryRun):
            raise AdapterConfigurationError("check_tool", f"the decider {self._name} has no dry run")
        return await self._dry.dry_run(_call(ask), ask.context)

    async def shown(self, pending: Pending) -> Shown | NotThisCall:
        """What the approval says of a pending call, if its backend knows."""
        return await self._approvals.shown(pending) if isinstance(self._approvals, ShowsApprovals) else Shown()

    async def settle(self, pending: Pending, answer: PersonAnswer) -> Settled | Unsettled:
        """Bring a person's answer into force."""
        settled = await self._approvals.settle(pending, answer, self._one)
        if isinstance(settled, Settled) and _is_unavailable(settled.decision):
            return Unsettled("the call was answered, and could not be decided on again")
        return settled

    async def look(self, pending: Pending) -> Settled | None:
        """What became of a pending call elsewhere; `None` while it waits."""
        settled = await self._approvals.look(pending, self._one)
        return None if settled is None or _is_unavailable(settled.decision) else settled

    async def state_key(self) -> bytes:
        """The key that signs the states of runs that wait.

        Raises:
            DecisionUnavailable: it is kept with the approvals, and cannot be read.
        """
        if self._state_key is None:
            approvals = self._approvals
            self._state_key = await approvals.state_key() if isinstance(approvals, KeepsStateKey) else process_key()
        return self._state_key

    async def _one(self, ask: CallQuestion) -> Decision:
        (decision,) = await self.decide([ask])
        return decision

    async def aclose(self) -> None:
        """Release what is held."""
        await self._decisions.aclose()


@cache
def process_key() -> bytes:
    """A key of this process alone, where nothing that lasts holds one."""
    return secrets.token_bytes(32)


def _is_unavailable(decision: Decision) -> bool:
    return isinstance(decision, Block) and decision.cause == "unreachable"


def _call(ask: CallQuestion) -> ToolCall:
    return ask.call if ask.action == ask.call.name else replace(ask.call, action=ask.action)
