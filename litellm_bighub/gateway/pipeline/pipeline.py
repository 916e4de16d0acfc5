"""`Pipeline`: governs a request, its whole answer and its stream, for the proxy and for code."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from litellm_bighub.deciders.ledger.released_calls import released_facts
from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.conversation.fact import with_facts
from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.answers.error_text import harmless_in_place
from litellm_bighub.formats.registry import DEFAULT, format_of_answer
from litellm_bighub.formats.requests.approval_answers import Effect
from litellm_bighub.formats.stream.gate_protocol import Outcome
from litellm_bighub.gateway.conversation.output_history import OutputHistory
from litellm_bighub.gateway.conversation.request_history import RequestHistory, UnapprovedToolResult
from litellm_bighub.gateway.pipeline.answer_format import worded_refusals
from litellm_bighub.gateway.pipeline.enforcement import EnforcedCall, Enforcement
from litellm_bighub.gateway.pipeline.feedback_loop import FeedbackLoop
from litellm_bighub.gateway.pipeline.gated_stream import OpenGate, StreamEnvelope, as_litellm_event, gated_events
from litellm_bighub.gateway.pipeline.governed_request import GovernedRequest
from litellm_bighub.gateway.pipeline.hosted_tools import HostedTools
from litellm_bighub.gateway.pipeline.merged_request import merge_request
from litellm_bighub.gateway.pipeline.server_side_calls import ServerSideCalls


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Governs requests and their answers.

    LiteLLM's retries and fallbacks happen between request and answer, so each call is decided on once, whichever
    deployment answered.

    Attributes:
        enforcement: decides on calls, and withholds them.
        conversation: repairs requests that bring results back.
        hosted_tools: decides on the providers' own tools.
    """

    enforcement: Enforcement
    conversation: RequestHistory
    hosted_tools: HostedTools

    @property
    def outputs(self) -> OutputHistory:
        """Follows what came back in conversations."""
        return OutputHistory(self.enforcement.tool_decisions)

    async def request(self, request: GovernedRequest) -> None:
        """Decide on providers' own tools, and repair what comes back from earlier answers, in place.

        Raises:
            ToolCallWithheld: a tool is withheld, and `on_block` or `on_approval` is `error`.
            UnapprovedToolResult: there are results that nobody approved, and `on_unapproved_result` is `refuse`.
            UnreadableAnswerError: the request asks several models for streams.
            PayloadError: names a field that cannot be checked in its place.
        """
        if request.wire_format is not None:
            merge_request(request.data, request.wire_format, is_whole=request.is_whole)
        with request.logged_request():
            with worded_refusals(request.where, self.enforcement.tool_decisions.wording):
                await request.receive()
            await self._take_approval_answers(request)
            await self.outputs.follow(request.data, request.wire_format, request.previous_response_id, request.context)
            await self.hosted_tools.govern(request.data, request.context)
            await self.outputs.list_tools(request.data, request.context, gateway_mcp=self.hosted_tools.gateway_mcp)
        if request.wire_format is None:
            return
        try:
            results = await self.conversation.prepare(
                request.data, request.wire_format, request.previous_response_id, request.context
            )
        except UnapprovedToolResult as refused:
            request.log_results(refused.results)
            raise
        request.log_results(results)

    async def answer(self, request: GovernedRequest, response: Payload) -> Payload:
        """Decide on the calls of a whole answer, in place.

        Returns:
            The answer, or with `on_block: continue` the model's next one.

        Raises:
            ToolCallWithheld: a call is withheld, and `on_block` or `on_approval` is `error`.
        """
        harmless_in_place(response, self.enforcement.tool_decisions.wording)
        if format_of_answer(response) is None:
            return response
        with request.logged_answer():
            answered = await self._feedback(request).enforced(response)
        if (format_of_answer(answered) or DEFAULT).stores_answers:
            await self.outputs.record_answer(partial(request.context, answered))
        return answered

    async def stream(self, request: GovernedRequest, events: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        """The events of a stream that may be sent to the client.

        Args:
            request: the request. If it is in none of our formats, the stream is read in the default one.
            events: the upstream's events, with sanitized errors.

        Raises:
            ToolCallWithheld: a call is withheld, and `on_block` or `on_approval` is `error`.
            UnreadableAnswerError: an event cannot be read.
        """
        wire_format = request.wire_format or DEFAULT
        runs_tools = request.data if self.hosted_tools.gateway_mcp else {}
        server_side = ServerSideCalls(self.enforcement.tool_decisions, runs_tools)
        feedback = self._feedback(request).stream(wire_format)
        envelope = StreamEnvelope(server_side.within(events) if feedback is None else feedback.within(events))
        held = request.held_stream()
        is_recorded = False
        shown: set[str] = set()
        beside: dict[str, float] = {}

        async def judge(calls: Sequence[ToolCall]) -> list[EnforcedCall]:
            context = request.context(envelope.response, tuple(envelope.heard))
            if beside:
                context = replace(context, history=with_facts(context.history, beside))
            with request.logged_answer():
                enforced = await self.enforcement.enforce(calls, context, wire_format, runs=server_side, shown=shown)
            beside.update(released_facts(self.enforcement.tool_decisions, calls, [each.outcome for each in enforced]))
            return enforced

        async def decide(calls: Sequence[ToolCall]) -> list[Outcome]:
            with held():
                if feedback is not None:
                    return await feedback.settled(judge(calls))
                return [enforced.outcome for enforced in await judge(calls)]

        gate = wire_format.gate(request.data, self.enforcement.new_item_id)
        released = gated_events(
            envelope,
            OpenGate(gate) if request.is_open else gate,
            decide,
            keep_alive_seconds=request.keep_alive_seconds,
            ended=self.enforcement.tool_decisions.wording.stream_ended,
        )
        async with aclosing(released if feedback is None else feedback.joined(released)) as joined:
            with worded_refusals(request.where, self.enforcement.tool_decisions.wording):
                async for event in self.conversation.recorded_stream(joined, request.data):
                    if wire_format.stores_answers and not is_recorded and envelope.response is not None:
                        is_recorded = True
                        await self.outputs.record_answer(partial(request.context, envelope.response))
                    yield as_litellm_event(event) if wire_format.has_event_objects else event

    async def _take_approval_answers(self, request: GovernedRequest) -> None:
        """Put messages in the places of a client's answers to requests for approval: no provider knows those.

        They take effect where the operator lets clients have a say.
        """
        approvals = None if request.wire_format is None else request.wire_format.client_approvals
        if request.wire_format is None or approvals is None:
            return
        items = request.data.get(request.wire_format.conversation)
        if not isinstance(items, list):
            return
        decisions = self.enforcement.tool_decisions
        effects: dict[str, Effect] = {}
        for answer in approvals.find(items):
            effect: Effect = "ignored"
            if request.counts_client_approvals:
                counted = await decisions.consent(answer.approval_id, request.context(), approve=answer.approve)
                effect = ("approved" if answer.approve else "denied") if counted else "void"
            effects[answer.approval_id] = effect
        request.data[request.wire_format.conversation] = approvals.readable(items, effects, decisions.wording)

    def _feedback(self, request: GovernedRequest) -> FeedbackLoop:
        return FeedbackLoop(self.enforcement, self.conversation, request)
