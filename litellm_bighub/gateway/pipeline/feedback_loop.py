"""The rounds of `on_block: continue`: as long as all calls of an answer are blocked, the model is told and asked anew.

Each answer's calls are decided on once. When the rounds are used up, or there is nothing to go on with, notices stand
in the places of the calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import format_of_answer
from litellm_bighub.gateway.conversation.request_history import RequestHistory
from litellm_bighub.gateway.pipeline.enforcement import EnforcedCall, Enforcement, PlacedCall, enforce
from litellm_bighub.gateway.pipeline.feedback_stream import FeedbackStream
from litellm_bighub.gateway.pipeline.governed_request import GovernedRequest
from litellm_bighub.gateway.pipeline.next_answer import continued
from litellm_bighub.gateway.pipeline.server_side_calls import may_run


@dataclass(frozen=True, slots=True)
class FeedbackLoop:
    """The rounds of one request.

    Attributes:
        enforcement: decides on each answer.
        conversation: remembers what the provider was told.
        request: the caller's.
    """

    enforcement: Enforcement
    conversation: RequestHistory
    request: GovernedRequest

    @property
    def rounds(self) -> int:
        """How often the model may be asked again."""
        rounds = self.enforcement.withholding.rounds
        return rounds if rounds and self.request.can_ask_model else 0

    async def enforced(self, response: Payload) -> Payload:
        """A whole answer with its calls decided on, in place, or the model's next one.

        Raises:
            ToolCallWithheld: a call is withheld, and `on_block` or `on_approval` is `error`.
        """
        return await self._enforced(response, self.request.data, self.rounds)

    def stream(self, spoken: Format) -> FeedbackStream | None:
        """What goes on with a stream whose calls are blocked, if anything does."""
        rounds = self.rounds
        if not rounds or may_run(self.request.data):
            return None
        join = spoken.joined_stream()

        async def next_answer(answer: object, judged: Sequence[EnforcedCall]) -> object:
            with self.request.logged_answer():
                following = await self._following(self.request.data, answer, judged)
                if following is None or not join.accepts(following[1]):
                    return None
                data, response = following
                last = await self._enforced(response, data, rounds - 1)
            first = self.request.context(answer).response_id
            return last if join.accepts(last) and await self._may_follow(first, last, spoken) else None

        return FeedbackStream(join, next_answer)

    async def _may_follow(self, first: str, last: object, spoken: Format) -> bool:
        """Whether an answer may stand behind the first one in a stream that keeps the first one's id.

        Whoever goes on from that id has to go on from the last answer, or its calls have no place for their results.
        """
        if not spoken.stores_answers:
            return True
        return await self.conversation.record_continuation(first, last) or not self.enforcement.find(last)

    async def _enforced(self, response: Payload, data: JsonObject, left: int) -> Payload:
        """The answer to `data`, or the model's next one."""
        spoken = format_of_answer(response)
        decided: Sequence[PlacedCall] = ()
        refusals = spoken is not None and spoken.wants_refusals(self.request.data)
        while found := self.enforcement.find(response, refusals=refusals):
            decided = await self.enforcement.decided(found, self.request.context(response), spoken)
            following = await self._following(data, response, [each.judged for each in decided]) if left else None
            if following is None:
                break
            data, response = following
            decided = ()
            left -= 1
        enforce(response, decided)
        return response

    async def _following(
        self, data: JsonObject, response: object, judged: Sequence[EnforcedCall]
    ) -> tuple[JsonObject, Any] | None:
        """The model's next answer with the request that told it of blocked calls, if there was something to tell."""
        told = continued(data, response, judged)
        answer = None if told is None else await self.request.ask_model(told, format_of_answer(response))
        if told is None or answer is None:
            return None
        await self.conversation.record_results(told, answer)
        return told, answer
