"""The sync agent."""

from __future__ import annotations

import concurrent.futures
import weakref
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, cast

from typing_extensions import Self, Unpack

from litellm_bighub.agent.calling import Blocking
from litellm_bighub.agent.drivers import events
from litellm_bighub.agent.effects import Event, Steps
from litellm_bighub.agent.flow import agent_run, resumed_run
from litellm_bighub.agent.guard import Guard, answers, approved_payload, attach_events
from litellm_bighub.agent.loop_thread import LoopThread
from litellm_bighub.agent.memory import Deliveries, batch_of
from litellm_bighub.agent.options import GuardOptions, RunArguments
from litellm_bighub.agent.performer import AskCallback
from litellm_bighub.agent.records import ApprovedPayload, Payload
from litellm_bighub.agent.run import Run
from litellm_bighub.agent.state import restored
from litellm_bighub.agent.told import decision_fields

Handle = concurrent.futures.Future[None]


class GuardedOpenAI(Guard):
    """An agent whose every tool call is decided on before it runs.

        guard = GuardedOpenAI(decider="embedded", policy="bighub_policy.yaml")
        guard.tool("refund_payment", refund_payment, value_from_args=lambda a: a["amount"])
        guard.run(messages=[{"role": "user", "content": "Refund order ord_123"}], model="gpt-4.1")

    It may be used from several threads, and inside a running event loop. See `Guard` for the arguments.
    """

    _allows_async_tools = False

    def __init__(self, **options: Unpack[GuardOptions]) -> None:
        self._loop = LoopThread("guarded-openai")
        super().__init__(Blocking(self._loop), options)
        self._deliveries: Deliveries[Handle] | None = None
        limit = self._settings.memory_ingest_timeout_ms / 1000
        if self._deliver is not None:
            self._deliveries = Deliveries(self._deliver, spawn=self._loop.start, limit_seconds=limit)
        # Runs that nobody closed still deliver what they can before the interpreter ends.
        self._end = weakref.finalize(self, _end, self._loop, self._deliveries, limit)

    def run(self, **arguments: Unpack[RunArguments]) -> Payload:
        """Run to the model's final answer and give it with what the tools did.

        Raises:
            ProviderResponseError: the provider's response cannot be used, or the rounds ran out; holds the events.
        """
        run = self._begin(arguments)
        return self._payload(run, agent_run(run), None)

    def run_stream(self, **arguments: Unpack[RunArguments]) -> Iterator[Event]:
        """Run and give events as they come; the last one, `final_response`, holds what `run` returns."""
        run = self._begin(arguments, stream=True)
        return self._events(run, agent_run(run), None)

    def run_with_approval(
        self,
        *,
        on_approval_required: AskCallback | None = None,
        **arguments: Unpack[RunArguments],
    ) -> ApprovedPayload:
        """Run, and ask for every call that needs a person before the model goes on.

        Args:
            on_approval_required: gets `request_id`, `event` and `response`, and answers with `resolution`
                (`approved`, `denied`), perhaps `comment`, and perhaps `arguments` to run in place of the model's.
                No answer leaves the call waiting; an unclear one is a refusal.
            arguments: as for `run`.
        """
        run = self._begin(arguments, asks_people=True)
        return approved_payload(self._payload(run, agent_run(run), on_approval_required), run)

    def resume(
        self,
        state: Mapping[str, Any],
        *,
        resolutions: Mapping[str, Mapping[str, Any]] | None = None,
        on_approval_required: AskCallback | None = None,
    ) -> ApprovedPayload:
        """Go on with a run out of `pending`, in this or another process.

        Args:
            state: as it was stored.
            resolutions: answers by request id, each as `on_approval_required` gives them.
            on_approval_required: asked for the rest. What nobody answers is looked up in the control plane.

        Raises:
            AdapterConfigurationError: the state was changed, was resumed already, or does not fit this agent.
        """
        run, turn = restored(self._setup, state)
        run.pending = self._pending
        self._claim(state)
        ask = answers(resolutions, on_approval_required)
        return approved_payload(self._payload(run, resumed_run(run, turn), ask), run)

    def resume_after_approval(
        self,
        *,
        tool_name: str,
        arguments: Mapping[str, Any],
        request_id: str,
        resolution: str = "approved",
        comment: str | None = None,
    ) -> dict[str, Any]:
        """Answer one waiting call of this agent, run it if it is approved, and let its run go on to the end.

        Raises:
            AdapterConfigurationError: no such call waits, or it has another tool or other arguments.
        """
        state = self._waiting(tool_name, arguments, request_id)
        payload = self.resume(state, resolutions={request_id: {"resolution": resolution, "comment": comment}})
        told = next(each for each in payload["approval_loop"]["approvals"] if each.get("request_id") == request_id)
        return {**told, "response": payload}

    def check_tool(self, tool_name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The decision that a call would get. Nothing runs, and nothing is recorded."""
        return decision_fields(self._loop.call(self._deciding.dry_run, self._question(tool_name, arguments)))

    def close(self) -> None:
        """Deliver what can be delivered within its limit, and release everything. Safe to call twice."""
        if self._end.alive:
            _flush(self._deliveries, self._settings.memory_ingest_timeout_ms / 1000)
            self._loop.call(self._deciding.aclose)
        self._end()

    @property
    def dropped_events(self) -> int:
        """Events that BIGHUB was not told of, because it was too slow or could not be reached."""
        return 0 if self._deliveries is None else self._deliveries.dropped

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _payload(self, run: Run, steps: Steps[Payload], ask: AskCallback | None) -> Payload:
        last: Event = {}
        for event in self._events(run, steps, ask):
            last = event
        return cast("Payload", last["response"])  # the last event is `final_response`, or this line is not reached

    def _events(self, run: Run, steps: Steps[Payload], ask: AskCallback | None) -> Iterator[Event]:
        before = len(run.events)
        try:
            yield from events(steps, self._performer, self._loop, ask)
        except Exception as error:
            attach_events(error, run)
            raise
        finally:
            if self._deliveries is not None and len(run.events) > before:
                self._deliveries.put(batch_of(run.events[before:], trace_id=run.trace_id, model=run.model))


def _end(loop: LoopThread, deliveries: Deliveries[Handle] | None, limit: float) -> None:
    _flush(deliveries, limit)
    loop.stop()


def _flush(deliveries: Deliveries[Handle] | None, limit: float) -> None:
    if deliveries is not None and deliveries.worker is not None:
        concurrent.futures.wait([deliveries.worker], timeout=limit)
        deliveries.give_up()
