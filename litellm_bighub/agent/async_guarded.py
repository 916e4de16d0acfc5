"""The async agent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Literal, cast

from typing_extensions import Self, Unpack

from litellm_bighub.agent.drivers.function_calls import LoopCaller
from litellm_bighub.agent.drivers.performer import AskCallback
from litellm_bighub.agent.drivers.run_drivers import aevents
from litellm_bighub.agent.flow.agent_loop import agent_run, resumed_run
from litellm_bighub.agent.flow.effects import Event, GivenAnswer, Steps
from litellm_bighub.agent.flow.run import Run
from litellm_bighub.agent.guard import Guard
from litellm_bighub.agent.options import GuardOptions, RunArguments
from litellm_bighub.agent.record.delivery_account import answers, one_answer
from litellm_bighub.agent.record.events import ApprovedPayload, Payload
from litellm_bighub.agent.record.model_messages import checked_fields
from litellm_bighub.domain.payload import JsonMapping, JsonObject


class AsyncGuardedOpenAI(Guard["asyncio.Task[None]"]):
    """An agent whose every tool call is decided on before it runs, for code that awaits.

        guard = AsyncGuardedOpenAI(decider="embedded", policy="bighub_policy.yaml")
        guard.tool("refund_payment", refund_payment, value_from_args=lambda a: a["amount"])
        await guard.run(messages=[{"role": "user", "content": "Refund order ord_123"}], model="gpt-4.1")

    Cancelling a run cancels its tools. See `Guard` for the arguments.
    """

    def __init__(self, **options: Unpack[GuardOptions]) -> None:
        super().__init__(LoopCaller(), options, spawn=_spawn)

    async def run(self, **arguments: Unpack[RunArguments]) -> Payload:
        """Run to the model's final answer and give it with what the tools did.

        Raises:
            ProviderResponseError: the provider's response cannot be used, or the rounds ran out; holds the events.
        """
        run = self._begin(arguments)
        return await self._last(self._events(run, agent_run(run)))

    def run_stream(self, **arguments: Unpack[RunArguments]) -> AsyncIterator[Event]:
        """Run and give events as they come; the last one, `final_response`, holds what `run` returns."""
        run = self._begin(arguments, stream=True)
        return self._events(run, agent_run(run))

    async def run_with_approval(
        self,
        *,
        on_approval_required: AskCallback | None = None,
        **arguments: Unpack[RunArguments],
    ) -> ApprovedPayload:
        """Run, and ask for every call that needs a person before the model goes on.

        Args:
            on_approval_required: gets `request_id`, `event` and `response`, and answers with `True`, `False`, a
                `PersonAnswer` or a mapping with `resolution` (`approved`, `denied`), perhaps `comment`, and perhaps
                `arguments` to run in place of the model's. `None` leaves the call waiting.
            arguments: as for `run`.

        Raises:
            AdapterConfigurationError: the callback answered something else; the call waits on in `pending`.
        """
        run = self._begin(arguments, asks_people=True)
        payload = await self._last(self._events(run, agent_run(run), on_approval_required))
        return cast("ApprovedPayload", payload)  # people could be asked, so it tells of them

    def run_stream_with_approval(
        self,
        *,
        on_approval_required: AskCallback | None = None,
        **arguments: Unpack[RunArguments],
    ) -> AsyncIterator[Event]:
        """Run, ask and give events as they come; `final_response` holds what `run_with_approval` returns.

        Args:
            on_approval_required: as for `run_with_approval`; the call's `execution_event` comes before it is asked.
            arguments: as for `run`.
        """
        run = self._begin(arguments, stream=True, asks_people=True)
        return self._events(run, agent_run(run), on_approval_required)

    async def resume(
        self,
        state: JsonMapping,
        *,
        resolutions: Mapping[str, GivenAnswer] | None = None,
        on_approval_required: AskCallback | None = None,
    ) -> ApprovedPayload:
        """Go on with a run out of `pending`, in this or another process.

        Args:
            state: as it was stored.
            resolutions: answers by request id, each as `on_approval_required` gives them.
            on_approval_required: asked for the rest. Calls without an answer are looked up in the control plane.

        Raises:
            AdapterConfigurationError: the state was changed, was resumed already, or does not fit this agent.
        """
        run, turn = self._begin_again(state, await self._policy.state_key())
        ask = answers(resolutions, on_approval_required)
        payload = await self._last(self._events(run, resumed_run(run, turn), ask, resumed=state))
        return cast("ApprovedPayload", payload)  # people could be asked, so it tells of them

    def resume_stream(
        self,
        state: JsonMapping,
        *,
        resolutions: Mapping[str, GivenAnswer] | None = None,
        on_approval_required: AskCallback | None = None,
    ) -> AsyncIterator[Event]:
        """Go on with a run out of `pending` and give events as they come; the arguments are those of `resume`.

        The run goes on when the first event is asked for, and with it the state is used up.
        """
        return self._resumed_events(state, answers(resolutions, on_approval_required))

    async def resume_after_approval(
        self,
        *,
        tool_name: str,
        arguments: JsonMapping,
        request_id: str,
        resolution: Literal["approved", "denied", "rejected"] = "approved",
        comment: str | None = None,
    ) -> JsonObject:
        """Answer one waiting call of this agent, run it if it is approved, and let its run go on to the end.

        Raises:
            AdapterConfigurationError: no such call waits, or it has another tool or other arguments.
        """
        state = self._waiting.find(self._tools, tool_name, arguments, request_id)
        payload = await self.resume(state, resolutions={request_id: {"resolution": resolution, "comment": comment}})
        return one_answer(payload, request_id)

    async def check_tool(self, tool_name: str, arguments: JsonMapping) -> JsonObject:
        """The decision that a call would get, and as `_resolved_action` what would become of it. Nothing runs.

        Nothing is recorded either, unless the BIGHUB client that was handed in has no `actions.dry_run`.
        """
        return checked_fields(await self._policy.dry_run(self._question(tool_name, arguments)))

    async def close(self) -> None:
        """Deliver what can be delivered within its limit, and release everything. Safe to call twice."""
        if self._deliveries is not None and self._deliveries.worker is not None:
            await asyncio.wait([self._deliveries.worker], timeout=self._limit)
            self._deliveries.give_up()
            self._deliveries.worker.cancel()
            await asyncio.wait([self._deliveries.worker], timeout=self._limit)  # it counts what it was delivering
        await self._policy.aclose()

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _last(self, events: AsyncIterator[Event]) -> Payload:
        last: Event = {}
        async for event in events:
            last = event
        return cast("Payload", last["response"])  # the last event is `final_response`, or this line is not reached

    async def _resumed_events(self, state: JsonMapping, ask: AskCallback) -> AsyncIterator[Event]:
        run, turn = self._begin_again(state, await self._policy.state_key(), stream=True)
        async with contextlib.aclosing(self._events(run, resumed_run(run, turn), ask, resumed=state)) as events:
            async for event in events:
                yield event

    async def _events(
        self,
        run: Run,
        steps: Steps[Payload],
        ask: AskCallback | None = None,
        *,
        resumed: JsonMapping | None = None,
    ) -> AsyncGenerator[Event, None]:
        if resumed is not None:
            self._waiting.claim(resumed)
        with self._accounting.of(run, self._deliveries) as account:
            async with contextlib.aclosing(aevents(steps, self._performer, ask)) as source:
                async for event in source:
                    if self._accounting.wants_report(account, event):
                        await self._accounting.report(account)
                    yield account.shown(event)


def _spawn(work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    return asyncio.ensure_future(_awaited(work))


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()
