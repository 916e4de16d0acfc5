"""What a tool-call guardrail does with requests, whole answers and streams, whichever hook hands them over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.answers.error_text import harmless_in_place
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import DEFAULT, format_of_answer
from litellm_bighub.formats.stream.gate_protocol import Outcome
from litellm_bighub.gateway.conversation.approval_answers import take_answers
from litellm_bighub.gateway.conversation.identity import caller, previous_response_id
from litellm_bighub.gateway.conversation.request_history import RequestHistory, UnapprovedToolResult
from litellm_bighub.gateway.conversation.stored_responses import is_stored
from litellm_bighub.gateway.pipeline.answer_format import check_whole, named, refuse_streamed_batch
from litellm_bighub.gateway.pipeline.enforcement import EnforcedCall, Enforcement
from litellm_bighub.gateway.pipeline.feedback_loop import FeedbackLoop
from litellm_bighub.gateway.pipeline.gated_stream import StreamEnvelope, governed, native
from litellm_bighub.gateway.pipeline.hosted_tools import HostedTools
from litellm_bighub.gateway.pipeline.merged_request import see_whole
from litellm_bighub.gateway.pipeline.next_answer import next_answer
from litellm_bighub.gateway.pipeline.provider_error import Harmless
from litellm_bighub.gateway.pipeline.request_log import log_results, logged
from litellm_bighub.gateway.pipeline.server_side_calls import ServerSideCalls
from litellm_bighub.gateway.routes.open_gate import OpenGate
from litellm_bighub.gateway.routes.route_formats import governed_format
from litellm_bighub.settings import GuardrailSettings
from litellm_bighub.telemetry.spans import DecisionSpans
from litellm_bighub.telemetry.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Governs what passes one guardrail.

    Attributes:
        guardrail: in whose name LiteLLM's logging is told.
        settings: the guardrail's.
        enforcement: who decides, and what becomes of withheld calls.
        conversation: puts requests right.
        listed_tools: decides on what runs before its answer is seen.
        telemetry: counts the streams that wait.
    """

    guardrail: CustomGuardrail
    settings: GuardrailSettings
    enforcement: Enforcement
    conversation: RequestHistory
    listed_tools: HostedTools
    telemetry: Telemetry

    def context(self, key: UserAPIKeyAuth | None, request_data: JsonMapping, response: object = None) -> CallContext:
        """Who asks."""
        return caller(key, request_data, response, actor=self.settings.actor, domain=self.settings.domain)

    async def request(self, data: JsonObject, key: UserAPIKeyAuth | None, spoken: Format | None) -> None:
        """Decide on what runs before its answer is seen, and put right what comes back from earlier answers, in place.

        The first are providers' own tools, the second answers to requests for approval and results of calls.

        Raises:
            ToolCallWithheld: a tool may not be used, and the operator wants the request to fail.
            UnapprovedToolResult: there are results of calls that nobody approved, and those are refused.
            UnreadableAnswerError: several models are asked for a stream each.
            PayloadError: a field that nobody could decide by where it stands; names it.
        """
        if spoken is not None:
            see_whole(data, spoken, is_whole=key is not None)
        if spoken is not None and spoken.batches and key is not None:
            refuse_streamed_batch(data, key.request_route or "")

        def asks() -> CallContext:  # most requests bring nothing about which one would have to know
            return self.context(key, data)

        with logged(self.guardrail, data):
            if spoken is not None and key is not None:
                await take_answers(
                    data, spoken, asks, self.enforcement.tool_decisions, counts=self.settings.client_approvals
                )
            await self.listed_tools.govern(data, asks)
        if spoken is None:
            return
        previous = previous_response_id(data, encrypted=key is not None)
        try:
            results = await self.conversation.prepare(data, spoken, previous, asks)
        except UnapprovedToolResult as refused:
            log_results(self.guardrail, data, refused.results)
            raise
        log_results(self.guardrail, data, results)

    async def answer(
        self,
        response: Payload,
        request_data: JsonObject,
        key: UserAPIKeyAuth | None,
        formats: Collection[Format] = (),
        where: str = "",
    ) -> Payload:
        """Decide on the calls of a whole answer, in place.

        Args:
            response: the answer.
            request_data: the request.
            key: who asks.
            formats: those that are spoken here; without one, any shape passes.
            where: the route or function, for errors.

        Returns:
            the answer, or with `on_block: continue` the model's next one.

        Raises:
            ToolCallWithheld: a call is withheld, and `on_block` or `on_approval` is `error`.
            UnreadableAnswerError: it is in none of the formats.
        """
        check_whole(response, formats, request_data, where)
        harmless_in_place(response)
        if format_of_answer(response) is None:
            return response
        with logged(self.guardrail, request_data, spans=self._spans):
            return await self._rounds(request_data, key).enforced(response)

    async def stream(
        self,
        events: AsyncIterator[Any],
        request_data: JsonObject,
        key: UserAPIKeyAuth | None,
        spoken: Format = DEFAULT,
    ) -> AsyncGenerator[Any, None]:
        """The events of a stream as they may be sent on.

        Raises:
            ToolCallWithheld: a call is withheld, and `on_block` or `on_approval` is `error`.
            UnreadableAnswerError: an event cannot be read.
        """
        route = (key.request_route or "") if key is not None else ""
        runs = ServerSideCalls(self.enforcement.tool_decisions, request_data if self.listed_tools.gateway_mcp else {})
        events = Harmless(events)
        continuing = self._rounds(request_data, key).stream(spoken)
        envelope = StreamEnvelope(runs.within(events) if continuing is None else continuing.within(events))
        held = self.telemetry.stream()
        shown: set[str] = set()

        async def judge(calls: Sequence[ToolCall]) -> list[EnforcedCall]:
            context = self.context(key, request_data, envelope.response)
            with logged(self.guardrail, request_data, spans=self._spans):
                return await self.enforcement.judged(calls, context, spoken, runs=runs, shown=shown)

        async def decide(calls: Sequence[ToolCall]) -> list[Outcome]:
            with held.waiting():
                if continuing is not None:
                    return await continuing.settled(judge(calls))
                return [judged.outcome for judged in await judge(calls)]

        gate = spoken.gate(request_data, self.enforcement.new_item_id)
        if route and spoken is DEFAULT and governed_format(route) is None:
            gate = OpenGate(gate)
        alive = self.settings.keep_alive_seconds
        released = governed(envelope, gate, decide, keep_alive_seconds=alive)
        async with aclosing(released if continuing is None else continuing.joined(released)) as joined:
            with named(route):
                async for event in self.conversation.watched(joined, request_data):
                    yield native(event) if spoken.has_event_objects else event

    def _rounds(self, request_data: JsonObject, key: UserAPIKeyAuth | None) -> FeedbackLoop:
        """What answers blocked calls of the request, if anything does: LiteLLM's callbacks have nobody to ask."""
        context = partial(self.context, key, request_data)
        rounds = self.enforcement.withholding.rounds
        asks = rounds and key is not None and not is_stored(context().surface)

        async def ask(data: JsonObject, spoken: Format | None) -> object:
            return None if key is None else await next_answer(self.guardrail, key, data, spoken)

        return FeedbackLoop(
            self.enforcement,
            self.conversation,
            request_data,
            context,
            ask,
            rounds if asks else 0,
            partial(logged, self.guardrail, request_data, spans=self._spans),
        )

    @property
    def _spans(self) -> DecisionSpans | None:
        return self.telemetry.spans if self.settings.guardrail_spans else None
