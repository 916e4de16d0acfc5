"""The tool-decision hook: asks a decider about every call of a response at once, and records each call's decision."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TypeVar

import anyio
from typing_extensions import assert_never

from litellm_bighub.deciders.approvals.waiting_decider import (
    Stopped,
    UntilStopped,
    caller_approval_of,
    settled,
    waiting_decider_of,
)
from litellm_bighub.deciders.caller_rules import held_to_rules
from litellm_bighub.deciders.decider import (
    Decider,
    HistoryDecider,
    LearningDecider,
    layers,
    telling_decider_of,
    undecided,
)
from litellm_bighub.deciders.event_sinks import DecisionHook, EventSink, HookSink, record
from litellm_bighub.deciders.ledger.ledger import DeadlineLedger, Ledger, MemoryLedger
from litellm_bighub.deciders.wrappers.deadline import DEADLINE_SECONDS, Deadline, within
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import MAYBE, RELEASED, of_call, with_facts
from litellm_bighub.domain.conversation.history import FreshHistory
from litellm_bighub.domain.decision import Allow, Basis, Block, Decision, RequireApproval, verdict
from litellm_bighub.domain.digest import rules_digest
from litellm_bighub.domain.event import DecisionEvent
from litellm_bighub.domain.ids import random_id
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import DecisionError, DecisionUnavailable
from litellm_bighub.policy.tool_table import ToolEntry, ToolTable
from litellm_bighub.settings import FailMode, ToolSettings
from litellm_bighub.wording import ENGLISH, WordingSource, read_wording

OURSELVES = "litellm_bighub"
"""The decider's name where the decider was not asked, or could not answer."""

UNRECORDED = Block("the decision could not be recorded", Basis(blocked_by="unrecorded"), "unrecorded")

T = TypeVar("T")


class ToolDecisions:
    """Decides on tool calls. One decision a call, all asked for at the same time, each recorded before any is returned.

    Args:
        decider: answers.
        tools: what is known of single tools, by name pattern.
        fail_mode: what becomes of a call when the decider could not be reached; nothing else is ever opened by it.
        on_decision: a function, sync or async, that is given every decision. If it raises, the call is withheld.
        sinks: what else records every decision, an audit file for one; the same holds for them.
        redactor: takes secrets out of what is recorded.
        ledger: remembers decided calls for the requests that follow; in memory if not given.
        deadline_seconds: how long a decision may take, and each use of the ledger or of a sink;
            waiting for a person does not count.
        wording: sentences for models and callers, in place of the default ones: by name, or in a YAML file.
        stopped: returns when the process ends, and with it all waiting.
        clock: POSIX seconds.
        timer: seconds from any origin, for latencies.
        new_id: makes ids of events, and of traces that have none.

    Raises:
        ConfigurationError: `tools` holds an expression, or `wording` a sentence, that cannot be used.
    """

    def __init__(
        self,
        decider: Decider,
        *,
        tools: Mapping[str, ToolSettings] | ToolTable | None = None,
        fail_mode: FailMode = "closed",
        on_decision: DecisionHook | None = None,
        sinks: Sequence[EventSink] = (),
        redactor: Redactor | None = None,
        ledger: Ledger | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        stopped: Stopped | None = None,
        wording: WordingSource = ENGLISH,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._decider = decider
        self._asked = Deadline(decider, deadline_seconds)
        self._deadline_seconds = deadline_seconds
        waiter = waiting_decider_of(decider)
        self._waiting_decider = waiter if waiter is None or stopped is None else UntilStopped(waiter, stopped)
        self._caller_approval = caller_approval_of(decider)
        self._telling_decider = telling_decider_of(decider)
        # Asked once: it takes longer to ask an object for a protocol than to decide on a call.
        self._history_deciders = [layer for layer in layers(decider) if isinstance(layer, HistoryDecider)]
        self._learning_deciders = [layer for layer in layers(decider) if isinstance(layer, LearningDecider)]
        self._tools = tools if isinstance(tools, ToolTable) else ToolTable(tools or {})
        self._fail_mode: FailMode = fail_mode
        self._sinks = (*([HookSink(on_decision)] if on_decision else []), *sinks)
        self.redactor = redactor or Redactor()
        self.ledger: Ledger = DeadlineLedger(ledger or MemoryLedger(), deadline_seconds)
        self.wording = read_wording(wording)
        self.clock = clock
        self.new_id = new_id
        self._timer = timer

    @property
    def decider(self) -> Decider:
        """The decider that answers."""
        return self._decider

    @property
    def history(self) -> FreshHistory | None:
        """How conversations are followed for this decider; `None` if they need not be."""
        for layer in self._history_deciders:
            if (history := layer.history) is not None:
                return history
        return None

    async def followed(self) -> FreshHistory | None:
        """The same for a new request, learned from whoever decides if that is elsewhere."""
        for layer in self._learning_deciders:
            await layer.learn()
        return self.history

    @property
    def can_wait(self) -> bool:
        """Whether the decider can wait for approvals."""
        return self._waiting_decider is not None

    @property
    def takes_consent(self) -> bool:
        """Whether callers' answers to approvals can be recorded."""
        return self._caller_approval is not None

    async def consent(self, approval_id: str, context: CallContext, *, approve: bool) -> bool:
        """Record a caller's answer to an approval; gives whether it counts. An unrecorded answer does not."""
        try:
            if self._caller_approval is None:
                return False
            consent = self._caller_approval.consent(approval_id, context, approve=approve)
            return await within(self._deadline_seconds, consent, "record of it")
        except DecisionError:
            return False

    async def decide(
        self, calls: Sequence[ToolCall], context: CallContext, *, wait_seconds: float = 0.0
    ) -> list[Decision]:
        """Decide on the calls of one response, in their order.

        An unforeseen error of the decider ends the questions about the other calls and goes out: nothing is released.

        Args:
            calls: of one response.
            context: the caller, and the conversation.
            wait_seconds: how long to wait for a person where one is asked. The question is recorded before, and the
                decision that then is in force, too.
        """
        if not context.trace_id:
            context = replace(context, trace_id=self.new_id())
        judgements = await _together([self._judge(call, beside) for call, beside in self._beside(calls, context)])
        decisions = [judgement.decision for judgement in judgements]
        if self._sinks or self._telling_decider is not None:
            decisions = await _together([self._concluded(judgement) for judgement in judgements])
        if not wait_seconds:
            return decisions
        pairs = zip(judgements, decisions, strict=True)
        return await _together([self._settled(judgement, decision, wait_seconds) for judgement, decision in pairs])

    async def aclose(self) -> None:
        """Close the decider and the sinks, each even if another fails to. Safe to call twice."""
        async with AsyncExitStack() as closing:
            for sink in self._sinks:
                closing.push_async_callback(sink.aclose)
            closing.push_async_callback(self._decider.aclose)
            closing.push_async_callback(self.ledger.aclose)

    def _beside(self, calls: Sequence[ToolCall], context: CallContext) -> Iterator[tuple[ToolCall, CallContext]]:
        """Each call with its history, to which belongs that those before it in its answer may be released."""
        followed = self.history.calls if self.history is not None else None
        before: dict[str, float] = {}
        for call in calls:
            yield call, replace(context, history=with_facts(context.history, before)) if before else context
            if followed is not None:
                facts = of_call(call.name, call.arguments, followed)
                before |= {f"{MAYBE}{RELEASED}{fact}": self.clock() for fact in facts}

    async def _judge(self, call: ToolCall, context: CallContext) -> DecidedToolCall:
        tool = self._tools.find(call.name)
        context = context if tool.domain is None else replace(context, domain=tool.domain)
        if (context.outputs or context.history) and self.history is None:
            context = replace(context, outputs="", history="")
        started = self._timer()
        decider = OURSELVES
        measured = tool.measure(call)
        match measured:
            case Block():
                decision: Decision = measured
            case ToolCall():
                call = measured
                try:
                    decision, decider = await self._asked.decide(call, context), self._decider.name
                except DecisionError as error:
                    decision = _without_answer(error, tool.fail_mode or self._fail_mode)
                decision = held_to_rules(decision, call, context, self.clock())
            case _:
                assert_never(measured)
        return DecidedToolCall(call, context, tool, decision, decider, self._timer() - started)

    async def _settled(self, judgement: DecidedToolCall, decision: Decision, seconds: float) -> Decision:
        """The decision in force when a person has answered, or the time is over. Silence opens nothing."""
        if self._waiting_decider is None or not isinstance(decision, RequireApproval):
            return decision
        recorded: list[Decision] = [decision]

        async def again(approval_id: str) -> Decision:
            again = await self._asked_again(judgement, approval_id)
            recorded.append(await self._concluded(again))
            return recorded[-1]

        decided = await settled(self._waiting_decider, decision, again, seconds=seconds)
        if any(decided is known for known in recorded):
            return decided
        return await self._recorded(replace(judgement, decision=decided, seconds=0.0))

    async def _asked_again(self, judgement: DecidedToolCall, approval_id: str) -> DecidedToolCall:
        """The same call in a question of its own: under the first one's idempotency key the first answer would come.

        Raises:
            DecisionError: no decision could be had. `fail_mode` opens no call that a person was asked for.
        """
        call = replace(judgement.call, path=f"{judgement.call.path} after {approval_id}")
        started = self._timer()
        decision = await self._asked.decide(call, judgement.context)
        decision = held_to_rules(decision, call, judgement.context, self.clock())
        return replace(judgement, decision=decision, decider=self._decider.name, seconds=self._timer() - started)

    async def _concluded(self, judgement: DecidedToolCall) -> Decision:
        """The decision once it is recorded, and once people were told what they are asked about."""
        decision = await self._recorded(judgement) if self._sinks else judgement.decision
        if self._telling_decider is not None and isinstance(decision, RequireApproval):
            await self._telling_decider.tell_background(decision, judgement.call, judgement.context)
        return decision

    async def _recorded(self, judgement: DecidedToolCall) -> Decision:
        event_id, now = self.new_id(), self.clock()

        def withheld() -> DecisionEvent:
            unrecorded = replace(judgement, decision=UNRECORDED, decider=OURSELVES)
            return unrecorded.event(self.redactor, event_id=event_id, time=now)

        event = judgement.event(self.redactor, event_id=event_id, time=now)
        return (
            judgement.decision
            if await record(event, self._sinks, withheld, seconds=self._deadline_seconds)
            else UNRECORDED
        )


def _without_answer(error: DecisionError, fail_mode: FailMode) -> Decision:
    if isinstance(error, DecisionUnavailable) and fail_mode == "open":
        return Allow(f"the decider could not be reached, and fail_mode is open: {error}", degraded=True)
    return undecided(error)


async def _together(coroutines: Sequence[Coroutine[object, object, T]]) -> list[T]:
    """Run all at the same time. If one fails, the others are cancelled and awaited before its error goes out."""
    if len(coroutines) <= 1:
        return [await coroutine for coroutine in coroutines]
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        # `gather` would hand every one of a server's repeated cancellations on to the tasks.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        return [task.result() for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        # A server's cancellation comes again at every await, and would cut off their cleaning up.
        with anyio.CancelScope(shield=True):
            await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class DecidedToolCall:
    """One call with its decision, its decider and the seconds that it took."""

    call: ToolCall
    context: CallContext
    tool: ToolEntry
    decision: Decision
    decider: str
    seconds: float

    def event(self, redactor: Redactor, *, event_id: str, time: float) -> DecisionEvent:
        """The event, without secrets. In shadow mode it holds the decision that is not enforced."""
        call, context = self.call, self.context
        shadowed = self.decision.shadowed if isinstance(self.decision, Allow) else None
        decision = shadowed or self.decision
        arguments = call.redacted(redactor.redact)
        measures = self.tool.shown(call, arguments, redactor.redact)
        return DecisionEvent(
            event_id=event_id,
            time=time,
            trace_id=context.trace_id,
            call_id=call.id,
            tool=call.name,
            type=call.type,
            path=call.path,
            actor=context.actor,
            domain=context.domain,
            surface=context.surface,
            model=context.model,
            response_id=context.response_id,
            user=context.user,
            team=context.team,
            verdict=verdict(decision),
            reason=redactor.text(decision.reason),
            enforced=shadowed is None,
            degraded=isinstance(decision, Allow) and decision.degraded,
            decider=self.decider,
            decision_id=decision.basis.decision_id,
            approval_id=decision.approval_id if isinstance(decision, RequireApproval) else "",
            blocked_by=decision.basis.blocked_by,
            rule=decision.basis.rule,
            policy_version=decision.basis.policy_version,
            risk=decision.basis.risk,
            value=measures.value,
            target=measures.target,
            arguments=arguments,
            arguments_digest=call.digest,
            latency_ms=self.seconds * 1000,
            cause=decision.cause if isinstance(decision, Block) else "",
            key=context.key,
            caller_rules=rules_digest(context.caller_rules),
        )
