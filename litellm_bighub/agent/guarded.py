"""The sync agent."""

from __future__ import annotations

import concurrent.futures
import contextlib
import weakref
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Literal, cast

from typing_extensions import Self, Unpack

from litellm_bighub.agent.drivers.function_calls import BlockingCaller
from litellm_bighub.agent.drivers.performer import AskCallback
from litellm_bighub.agent.drivers.run_drivers import events
from litellm_bighub.agent.flow.agent_loop import agent_run, resumed_run
from litellm_bighub.agent.flow.effects import Event, GivenAnswer, Steps
from litellm_bighub.agent.flow.run import Run
from litellm_bighub.agent.guard import Guard
from litellm_bighub.agent.options import GuardOptions, RunArguments
from litellm_bighub.agent.record.deliveries import Deliveries
from litellm_bighub.agent.record.delivery_account import answers, one_answer
from litellm_bighub.agent.record.events import ApprovedPayload, Payload
from litellm_bighub.agent.record.model_messages import checked_fields
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.loop_thread import LoopThread

Handle = concurrent.futures.Future[None]


class GuardedOpenAI(Guard[Handle]):
    """An agent whose every tool call is decided on before it runs.

        guard = GuardedOpenAI(decider="embedded", policy="bighub_policy.yaml")
        guard.tool("refund_payment", refund_payment, value_from_args=lambda a: a["amount"])
        guard.run(messages=[{"role": "user", "content": "Refund order ord_123"}], model="gpt-4.1")

    It may be used from several threads, and inside a running event loop. See `Guard` for the arguments.
    """

    _allows_async_tools = False

    def __init__(self, **options: Unpack[GuardOptions]) -> None:
        self._loop = LoopThread("guarded-openai")
        super().__init__(BlockingCaller(self._loop), options, spawn=self._loop.start)
        # An agent that is never closed still delivers what it can before the interpreter ends.
        self._end = weakref.finalize(self, _end, self._loop, self._deliveries, self._limit)

    def run(self, **arguments: Unpack[RunArguments]) -> Payload:
        """Run to the model's final answer and give it with what the tools did.

        Raises:
            ProviderResponseError: the provider's response cannot be used, or the rounds ran out; holds the events.
        """
        run = self._begin(arguments)
        return self._last(self._events(run, agent_run(run)))

    def run_stream(self, **arguments: Unpack[RunArguments]) -> Iterator[Event]:
        """Run and give events as they come; the last one, `final_response`, holds what `run` returns."""
        run = self._begin(arguments, stream=True)
        return self._events(run, agent_run(run))

    def run_with_approval(
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
        payload = self._last(self._events(run, agent_run(run), on_approval_required))
        return cast("ApprovedPayload", payload)  # people could be asked, so it tells of them

    def run_stream_with_approval(
        self,
        *,
        on_approval_required: AskCallback | None = None,
        **arguments: Unpack[RunArguments],
    ) -> Iterator[Event]:
        """Run, ask and give events as they come; `final_response` holds what `run_with_approval` returns.

        Args:
            on_approval_required: as for `run_with_approval`; the call's `execution_event` comes before it is asked.
            arguments: as for `run`.
        """
        run = self._begin(arguments, stream=True, asks_people=True)
        return self._events(run, agent_run(run), on_approval_required)

    def resume(
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
        run, turn = self._begin_again(state, self._loop.call(self._policy.state_key))
        ask = answers(resolutions, on_approval_required)
        payload = self._last(self._events(run, resumed_run(run, turn), ask, resumed=state))
        return cast("ApprovedPayload", payload)  # people could be asked, so it tells of them

    def resume_stream(
        self,
        state: JsonMapping,
        *,
        resolutions: Mapping[str, GivenAnswer] | None = None,
        on_approval_required: AskCallback | None = None,
    ) -> Iterator[Event]:
        """Go on with a run out of `pending` and give events as they come; the arguments are those of `resume`.

        The run goes on when the first event is asked for, and with it the state is used up.
        """
        run, turn = self._begin_again(state, self._loop.call(self._policy.state_key), stream=True)
        ask = answers(resolutions, on_approval_required)
        return self._events(run, resumed_run(run, turn), ask, resumed=state)

    def resume_after_approval(
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
        payload = self.resume(state, resolutions={request_id: {"resolution": resolution, "comment": comment}})
        return one_answer(payload, request_id)

    def check_tool(self, tool_name: str, arguments: JsonMapping) -> JsonObject:
        """The decision that a call would get, and as `_resolved_action` what would become of it. Nothing runs.

        Nothing is recorded either, unless the BIGHUB client that was handed in has no `actions.dry_run`.
        """
        return checked_fields(self._loop.call(self._policy.dry_run, self._question(tool_name, arguments)))

    def close(self) -> None:
        """Deliver what can be delivered within its limit, and release everything. Safe to call twice."""
        if self._end.alive:
            _flush(self._deliveries, self._limit)
            self._loop.call(self._policy.aclose)
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _last(self, events: Iterator[Event]) -> Payload:
        last: Event = {}
        for event in events:
            last = event
        return cast("Payload", last["response"])  # the last event is `final_response`, or this line is not reached

    def _events(
        self,
        run: Run,
        steps: Steps[Payload],
        ask: AskCallback | None = None,
        *,
        resumed: JsonMapping | None = None,
    ) -> Iterator[Event]:
        if resumed is not None:
            self._waiting.claim(resumed)
        with (
            self._accounting.of(run, self._deliveries) as account,
            contextlib.closing(events(steps, self._performer, self._loop, ask)) as source,
        ):
            for event in source:
                if self._accounting.wants_report(account, event):
                    self._loop.call(self._accounting.report, account)
                yield account.shown(event)


def _end(loop: LoopThread, deliveries: Deliveries[Handle] | None, limit: float) -> None:
    _flush(deliveries, limit)
    loop.stop()


def _flush(deliveries: Deliveries[Handle] | None, limit: float) -> None:
    if deliveries is not None and deliveries.worker is not None:
        concurrent.futures.wait([deliveries.worker], timeout=limit)
        deliveries.give_up()
