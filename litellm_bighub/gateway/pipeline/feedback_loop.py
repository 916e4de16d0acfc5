"""The rounds of `on_block: continue`: as long as all calls of an answer are blocked, the model is told and asked again.

Each answer's calls are decided on once. When the rounds are used up, or the model cannot be asked again, notices take
the places of the calls.

In a stream, the outcome of a blocked call is held back until the upstream has ended. If a later call is allowed or
waits for a person, the caller has to answer it: then the model is not asked again, and the notices are sent at once.
Text before the first blocked call flows meanwhile, and keep-alive events are sent.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import format_of_answer
from litellm_bighub.formats.stream.gate_protocol import Outcome, Withhold
from litellm_bighub.formats.stream.joined_stream import JoinedStream
from litellm_bighub.gateway.conversation.request_history import RequestHistory
from litellm_bighub.gateway.pipeline.enforcement import EnforcedCall, Enforcement, PlacedCall, enforce
from litellm_bighub.gateway.pipeline.gated_stream import close_stream
from litellm_bighub.gateway.pipeline.governed_request import GovernedRequest
from litellm_bighub.gateway.pipeline.server_side_calls import may_run

NextAnswer: TypeAlias = "Callable[[object, Sequence[EnforcedCall]], Awaitable[object]]"
"""Asks the model again, given its answer and the outcomes of its calls. `None` if the model cannot be asked."""

_OF_THE_FIRST_CALL = frozenset(
    {"litellm_logging_obj", "litellm_call_id", "deployment", "guardrail_to_apply", "stream", "stream_options"}
    | {"response", "responses", "responses_so_far"}  # answers that LiteLLM's handlers of guardrails leave there
)
_METADATA = ("metadata", "litellm_metadata")


class FeedbackStream:
    """The feedback of one stream.

    Args:
        join: assembles the first answer from the stream, and appends the next one.
        next_answer: asks the model for the next answer.
    """

    def __init__(self, join: JoinedStream, next_answer: NextAnswer) -> None:
        self._join = join
        self._next_answer = next_answer
        self._blocked: list[EnforcedCall] = []
        self._undecided = 0
        self._ended = False
        self._continued = False
        self._known = asyncio.Event()
        """Set when no more calls can come, or the outcome is settled."""
        self._settled = asyncio.Event()

    async def within(self, events: AsyncIterator[object]) -> AsyncGenerator[object, None]:
        """The upstream's events, passed on while the first answer is assembled from them."""
        try:
            async for event in events:
                self._join.hear(event)
                yield event
            self._ended = True
            self._look()
        finally:
            await close_stream(events)

    async def settled(self, deciding: Awaitable[Sequence[EnforcedCall]]) -> list[Outcome]:
        """The outcomes of calls, as soon as it is known whether the model is asked again.

        Args:
            deciding: decides on the calls. Call this method before waiting for the upstream's next event, so that no
                call is missed when the stream ends.
        """
        self._undecided += 1
        enforced = await deciding
        self._undecided -= 1
        if not all(each.is_blocked for each in enforced):
            self._settle()
        if not self._settled.is_set():
            await self._wait(enforced)
        return [self._outcome(each) for each in enforced]

    def _outcome(self, enforced: EnforcedCall) -> Outcome:
        if self._continued and isinstance(enforced.outcome, Withhold):
            return self._join.in_place(enforced.outcome)
        return enforced.outcome

    async def joined(self, released: AsyncGenerator[object, None]) -> AsyncGenerator[object, None]:
        """The events that the gate has released, followed by the next answer."""
        async with aclosing(released):
            async for event in released:
                for sent in self._join.passed(event):
                    yield sent

    async def _wait(self, enforced: Sequence[EnforcedCall]) -> None:
        first = not self._blocked
        self._blocked += enforced
        self._look()
        if not first:
            await self._settled.wait()
            return
        await self._known.wait()
        answer = None if self._settled.is_set() else self._join.heard()
        following = None if answer is None else await self._next_answer(answer, self._blocked)
        if following is not None:
            self._join.follow(following)
            self._continued = True
        self._settle()

    def _look(self) -> None:
        if self._ended and not self._undecided:
            self._known.set()

    def _settle(self) -> None:
        self._known.set()
        self._settled.set()


@dataclass(frozen=True, slots=True)
class FeedbackLoop:
    """The feedback loop of one request.

    Attributes:
        enforcement: decides on the calls of each answer.
        conversation: records the results that the provider has stored.
        request: the caller's request.
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
        """Decide on the calls of a whole answer in place; return it, or the model's next answer.

        Raises:
            ToolCallWithheld: a call is withheld, and `on_block` or `on_approval` is `error`.
        """
        return await self._enforced(response, self.request.data, self.rounds)

    def stream(self, wire_format: Format) -> FeedbackStream | None:
        """The feedback of a stream; `None` if the model cannot be asked again."""
        rounds = self.rounds
        if not rounds or may_run(self.request.data):
            return None
        join = wire_format.joined_stream()

        async def next_answer(answer: object, enforced: Sequence[EnforcedCall]) -> object:
            with self.request.logged_answer():
                following = await self._following(self.request.data, answer, enforced)
                if following is None or not join.accepts(following[1]):
                    return None
                data, response = following
                last = await self._enforced(response, data, rounds - 1)
            first = self.request.context(answer).response_id
            return last if join.accepts(last) and await self._may_follow(first, last, wire_format) else None

        return FeedbackStream(join, next_answer)

    async def _may_follow(self, first: str, last: object, wire_format: Format) -> bool:
        """Whether the last answer may be appended to a stream that keeps the id of the first.

        A client that continues from the first id must be led to the last answer, which holds the calls. So the ledger
        has to record the continuation, or the last answer must hold no calls.
        """
        if not wire_format.stores_answers:
            return True
        return await self.conversation.record_continuation(first, last) or not self.enforcement.find(last)

    async def _enforced(self, response: Payload, data: JsonObject, left: int) -> Payload:
        """The answer to `data` with its calls decided on, or the model's next answer."""
        wire_format = format_of_answer(response)
        decided: Sequence[PlacedCall] = ()
        refusals = wire_format is not None and wire_format.wants_refusals(self.request.data)
        while found := self.enforcement.find(response, refusals=refusals):
            decided = await self.enforcement.decided(found, self.request.context(response), wire_format)
            following = await self._following(data, response, [each.enforced for each in decided]) if left else None
            if following is None:
                break
            data, response = following
            decided = ()
            left -= 1
        enforce(response, decided)
        return response

    async def _following(
        self, data: JsonObject, response: object, enforced: Sequence[EnforcedCall]
    ) -> tuple[JsonObject, Any] | None:
        """The request that tells the model of its blocked calls, and the answer; `None` if there is none."""
        asked = feedback_request(data, response, enforced)
        answer = None if asked is None else await self.request.ask_model(asked, format_of_answer(response))
        if asked is None or answer is None:
            return None
        await self.conversation.record_results(asked, answer)
        return asked, answer


def feedback_request(data: JsonMapping, response: object, enforced: Sequence[EnforcedCall]) -> JsonObject | None:
    """Builds the request that tells the model of its blocked calls.

    Args:
        data: the request that was answered.
        response: the model's answer, unchanged.
        enforced: the outcomes of its calls.

    Returns:
        `None` if not all calls are blocked: the caller has to answer the others.
    """
    notices: dict[str, str] = {}
    for each in enforced:
        if not (each.is_blocked and isinstance(each.outcome, Withhold)) or each.call.id in notices:
            return None
        notices[each.call.id] = each.outcome.notice
    wire_format = format_of_answer(response)
    changed = wire_format.next_request(data, response, notices) if notices and wire_format is not None else None
    if changed is None:
        return None
    kept = {key: value for key, value in data.items() if key not in _OF_THE_FIRST_CALL}
    metadata = {key: dict(kept[key]) for key in _METADATA if isinstance(kept.get(key), dict)}
    return {**kept, **metadata, **changed, "litellm_call_id": str(uuid.uuid4())}
