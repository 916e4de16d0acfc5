"""What is done with one call in code: its request, its whole answer, its stream.

LiteLLM's retries and fallbacks lie between the request and the answer, so each call is decided on once, whichever
deployment made it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.gateway.conversation import Conversation
from litellm_bighub.gateway.enforcement import Enforcement
from litellm_bighub.gateway.identity import IN_CODE, caller, previous_response_id
from litellm_bighub.gateway.in_code import begin
from litellm_bighub.gateway.listed_tools import ListedTools
from litellm_bighub.gateway.stream import Envelope, governed, native
from litellm_bighub.gateway.stream_parts import gate_of
from litellm_bighub.gateway.surface import Format
from litellm_bighub.wire.gating import Outcome
from litellm_bighub.wire.responses.notice import wants_refusals

_SURFACES: Final = {
    Format.RESPONSES: IN_CODE,
    Format.CHAT: "litellm_bighub.acompletion",
    Format.MESSAGES: "litellm_bighub.amessages",
}


@dataclass(frozen=True, slots=True)
class CodeGoverning:
    """Governs one call in code.

    Attributes:
        spoken: its format.
        enforcement: who decides, and what becomes of withheld calls.
        conversation: puts its request right.
        actor: on whose behalf the calls would run.
        domain: their business domain.
    """

    spoken: Format
    enforcement: Enforcement
    conversation: Conversation
    actor: str
    domain: str

    async def request(self, request: dict[str, Any]) -> None:
        """Decide on providers' own tools, and put right what comes back from earlier answers, in place.

        Raises:
            ToolCallWithheld: a tool may not be used, and `withholding` asks for an error.
            UnapprovedToolResult: there are results of calls that nobody approved, and `withholding` refuses those.
        """
        begin()
        context = self._context(request)
        await ListedTools(self.enforcement).govern(request, lambda: context)
        previous = previous_response_id(request, encrypted=False)
        await self.conversation.prepare(request, self.spoken, previous, lambda: context)

    async def answer(self, response: object, request: dict[str, Any]) -> None:
        """Decide on the calls of a whole answer, in place.

        Raises:
            ToolCallWithheld: a call is withheld, and `withholding` asks for an error.
        """
        await self.enforcement.govern(response, self._context(request, response), refusals=wants_refusals(request))

    async def stream(self, events: AsyncIterator[object], request: dict[str, Any]) -> AsyncGenerator[Any, None]:
        """The events of a stream as they may be sent on.

        Raises:
            ToolCallWithheld: a call is withheld, and `withholding` asks for an error.
        """
        envelope = Envelope(events)
        shown: set[str] = set()

        async def decide(calls: Sequence[ToolCall]) -> Sequence[Outcome]:
            context = self._context(request, envelope.response)
            judged = await self.enforcement.judged(calls, context, self.spoken, shown=shown)
            return [each.outcome for each in judged]

        gate = gate_of(self.spoken, request, new_item_id=self.enforcement.new_item_id)
        async with aclosing(governed(envelope, gate, decide)) as released:
            async for event in self.conversation.watched(released, request):
                yield native(event) if self.spoken is Format.RESPONSES else event

    def _context(self, request: dict[str, Any], response: object = None) -> CallContext:
        surface = _SURFACES[self.spoken]
        return caller(None, request, response, actor=self.actor, domain=self.domain, surface=surface)
