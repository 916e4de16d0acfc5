"""Carries out the effects of a run: the one place of an agent where something happens."""

from __future__ import annotations

import copy
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeAlias

from typing_extensions import assert_never

from litellm_bighub.agent.approvals.approval_backend import AgentPolicy
from litellm_bighub.agent.drivers.function_calls import FunctionCaller, LoopCaller
from litellm_bighub.agent.flow.effects import (
    AnyEffect,
    AskPerson,
    CallModel,
    Decide,
    Emit,
    Event,
    Follow,
    GivenAnswer,
    Look,
    Notify,
    PersonAnswer,
    RunTools,
    Settle,
    Show,
    StateKey,
)
from litellm_bighub.agent.flow.person_answers import read_answer
from litellm_bighub.agent.model.client_model import ModelPort
from litellm_bighub.agent.model.resilience import Resilience
from litellm_bighub.agent.model.stream_events import StreamReader
from litellm_bighub.agent.options import Hook
from litellm_bighub.agent.record.redacted_event import redacted_event
from litellm_bighub.agent.tools.jobs import Job, run_jobs
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import ProviderResponseError

AskCallback: TypeAlias = Callable[[JsonObject], GivenAnswer | Awaitable[GivenAnswer]]

logger = logging.getLogger("litellm_bighub.agent")


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """The response that a stream ended with."""

    response: JsonMapping


@dataclass(frozen=True, slots=True)
class Performer:
    """Carries out effects with the agent's model, policy and hook."""

    model: ModelPort
    resilience: Resilience
    policy: AgentPolicy
    on_decision: Hook | None
    max_parallel_tools: int
    redactor: Redactor
    caller: FunctionCaller

    async def perform(self, effect: AnyEffect, ask: AskCallback | None) -> Any:
        """Do what the effect says and give what it promises."""
        match effect:
            case CallModel():
                return await self.resilience.run(lambda: self.model.create(effect.request))
            case Decide():
                return await self.policy.decide(effect.asks)
            case Follow():
                return await self.policy.follow(effect)
            case Notify():
                return await self._notify(effect.events)
            case RunTools():
                return await self._run(effect.jobs)
            case Emit():
                return None
            case _:
                return await self._perform_with_approvals(effect, ask)

    async def _perform_with_approvals(
        self, effect: AskPerson | Show | Settle | Look | StateKey, ask: AskCallback | None
    ) -> Any:
        match effect:
            case AskPerson():
                return None if ask is None else await self._ask(ask, effect)
            case Show():
                return await self.policy.shown(effect.pending)
            case Settle():
                return await self.policy.settle(effect.pending, effect.answer)
            case Look():
                return await self.policy.look(effect.pending)
            case StateKey():
                return await self.policy.state_key()
            case _:
                assert_never(effect)

    async def stream(self, effect: CallModel) -> AsyncGenerator[Event | WholeAnswer, None]:
        """The events of a streamed turn, then its response. Only what failed before the first event is tried again."""
        async with AsyncExitStack() as stack:
            first, events = await self.resilience.run(lambda: self._open(stack, effect))
            reading = StreamReader()
            event: JsonMapping | None = first
            while event is not None:
                if (shown := reading.read(event)) is not None:
                    yield shown
                event = await anext(events, None)
        if reading.error is not None and reading.response is None:
            code = reading.error.get("code") or "no reason given"
            raise ProviderResponseError(f"the stream failed: {code}")
        if reading.response is None:
            raise ProviderResponseError("the stream ended without a response")
        yield WholeAnswer(reading.response)

    async def _open(self, stack: AsyncExitStack, effect: CallModel) -> tuple[JsonObject, AsyncIterator[JsonObject]]:
        async with AsyncExitStack() as attempt:
            events = await attempt.enter_async_context(self.model.stream(effect.request))
            first = await anext(events, None)
            if first is None:
                raise ProviderResponseError("the stream ended without an event")
            stack.push_async_callback(attempt.pop_all().aclose)
            return first, events

    async def _run(self, jobs: Sequence[Job]) -> None:
        # Several run at the same time in threads of their own, one runs where the agent was called.
        caller = self.caller if len(jobs) == 1 else LoopCaller()
        await run_jobs(jobs, max_parallel=self.max_parallel_tools, caller=caller)

    async def _notify(self, events: Sequence[Event]) -> list[bool]:
        """Whether the hook has taken each of the events: what is not on record does not run."""
        if self.on_decision is None:
            return [True] * len(events)
        return [await self._is_recorded(self.on_decision, event) for event in events]

    async def _is_recorded(self, hook: Hook, event: Event) -> bool:
        try:
            await self.caller.call(hook, redacted_event(copy.deepcopy(event), self.redactor))
        except Exception as error:  # noqa: BLE001 - the hook is the user's; whatever it raises withholds the call
            # Neither its message nor a traceback: both may hold the arguments.
            logger.error("on_decision raised %s for event %s", type(error).__name__, event["event_id"])  # noqa: TRY400
            return False
        return True

    async def _ask(self, ask: AskCallback, effect: AskPerson) -> PersonAnswer | None:
        return read_answer(await self.caller.call(ask, question(effect)))


def question(effect: AskPerson) -> JsonObject:
    """What an approval callback is asked."""
    return {
        "request_id": effect.pending.request_id,
        "event": copy.deepcopy(effect.event),
        "response": copy.deepcopy(dict(effect.response)),
    }


def needs_loop(effect: AnyEffect) -> bool:
    """Whether the effect can only be carried out on an event loop: where several things happen at the same time."""
    match effect:
        case Follow() | Decide() | Show() | Settle() | Look() | StateKey():
            return True
        case RunTools(jobs):
            return len(jobs) > 1
        case CallModel() | Notify() | AskPerson() | Emit():
            return False
        case _:
            assert_never(effect)
