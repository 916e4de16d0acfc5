"""What is done with one call in code: its request, its whole answer, its stream.

LiteLLM's retries and fallbacks lie between the request and the answer, so each call is decided on once, whichever
deployment made it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from litellm_bighub.domain.actor import POSES, is_marked
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.formats.answers.error_text import harmless_in_place
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.stream.gate_protocol import Outcome
from litellm_bighub.gateway.conversation.identity import caller, previous_response_id
from litellm_bighub.gateway.conversation.request_history import RequestHistory
from litellm_bighub.gateway.pipeline.answer_format import named
from litellm_bighub.gateway.pipeline.enforcement import EnforcedCall, Enforcement
from litellm_bighub.gateway.pipeline.feedback_loop import AskModel, FeedbackLoop
from litellm_bighub.gateway.pipeline.gated_stream import StreamEnvelope, governed, native
from litellm_bighub.gateway.pipeline.hosted_tools import HostedTools
from litellm_bighub.gateway.pipeline.merged_request import see_whole
from litellm_bighub.gateway.sdk.code_calls import begin


@dataclass(frozen=True, slots=True)
class CodePipeline:
    """Governs one call in code.

    Attributes:
        spoken: its format.
        enforcement: who decides, and what becomes of withheld calls.
        conversation: puts its request right.
        actor: on whose behalf the calls would run.
        domain: their business domain.
        ask_model: asks the model anew, where it is told of its blocked calls.
    """

    spoken: Format
    enforcement: Enforcement
    conversation: RequestHistory
    actor: str
    domain: str
    ask_model: AskModel

    def __post_init__(self) -> None:
        if is_marked(self.actor):
            raise ConfigurationError("actor", POSES)

    async def request(self, request: JsonObject) -> None:
        """Decide on providers' own tools, and put right what comes back from earlier answers, in place.

        Raises:
            ToolCallWithheld: a tool may not be used, and `withholding` asks for an error.
            UnapprovedToolResult: there are results of calls that nobody approved, and `withholding` refuses those.
            PayloadError: a field that nobody could decide by where it stands; names it.
        """
        begin()
        see_whole(request, self.spoken)
        context = self._context(request)
        await HostedTools(self.enforcement).govern(request, lambda: context)
        previous = previous_response_id(request, encrypted=False)
        await self.conversation.prepare(request, self.spoken, previous, lambda: context)

    async def answer(self, response: Payload, request: JsonObject) -> Payload:
        """Decide on the calls of a whole answer, in place.

        Returns:
            the answer, or with `on_block: continue` the model's next one.

        Raises:
            ToolCallWithheld: a call is withheld, and `withholding` asks for an error.
        """
        harmless_in_place(response)
        return await self._rounds(request).enforced(response)

    async def stream(self, events: AsyncIterator[object], request: JsonObject) -> AsyncGenerator[Any, None]:
        """The events of a stream as they may be sent on.

        Raises:
            ToolCallWithheld: a call is withheld, and `withholding` asks for an error.
        """
        continuing = self._rounds(request).stream(self.spoken)
        envelope = StreamEnvelope(events if continuing is None else continuing.within(events))
        shown: set[str] = set()

        async def judge(calls: Sequence[ToolCall]) -> list[EnforcedCall]:
            context = self._context(request, envelope.response)
            return await self.enforcement.judged(calls, context, self.spoken, shown=shown)

        async def decide(calls: Sequence[ToolCall]) -> list[Outcome]:
            if continuing is not None:
                return await continuing.settled(judge(calls))
            return [judged.outcome for judged in await judge(calls)]

        gate = self.spoken.gate(request, self.enforcement.new_item_id)
        released = governed(envelope, gate, decide)
        async with aclosing(released if continuing is None else continuing.joined(released)) as joined:
            with named(self.surface):
                async for event in self.conversation.watched(joined, request):
                    yield native(event) if self.spoken.has_event_objects else event

    @property
    def surface(self) -> str:
        """The function that is called."""
        return f"litellm_bighub.{self.spoken.in_code.governed}"

    def _rounds(self, request: JsonObject) -> FeedbackLoop:
        return FeedbackLoop(
            self.enforcement,
            self.conversation,
            request,
            partial(self._context, request),
            self.ask_model,
            self.enforcement.withholding.rounds,
        )

    def _context(self, request: JsonObject, response: object = None) -> CallContext:
        return caller(None, request, response, actor=self.actor, domain=self.domain, surface=self.surface)
