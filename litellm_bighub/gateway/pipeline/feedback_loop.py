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
"""Answers what the model says next to its answer and what became of its calls; `None` if it cannot be had."""

_OF_THE_FIRST_CALL = frozenset(
    {"litellm_logging_obj", "litellm_call_id", "deployment", "guardrail_to_apply", "stream", "stream_options"}
)
_METADATA = ("metadata", "litellm_metadata")


class FeedbackStream:
    """One stream's.

    Args:
        join: reads the first answer out of the stream, and puts the next one behind it.
        next_answer: asks for the next one.
    """

    def __init__(self, join: JoinedStream, next_answer: NextAnswer) -> None:
        self._join = join
        self._next_answer = next_answer
        self._blocked: list[EnforcedCall] = []
        self._undecided = 0
        self._ended = False
        self._continued = False
        self._known = asyncio.Event()
        """Nothing more will come that could change anything."""
        self._settled = asyncio.Event()

    async def within(self, events: AsyncIterator[object]) -> AsyncGenerator[object, None]:
        """The upstream's events, listened to."""
        try:
            async for event in events:
                self._join.hear(event)
                yield event
            self._ended = True
            self._look()
        finally:
            await close_stream(events)

    async def settled(self, deciding: Awaitable[Sequence[EnforcedCall]]) -> list[Outcome]:
        """What becomes of calls of the stream, as soon as it is known whether the model can be told of them.

        Args:
            deciding: on the calls. To be called for all of them before the upstream's next event is waited for.
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
        """The events that the gate has released, and behind them the next answer."""
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

    def stream(self, wire_format: Format) -> FeedbackStream | None:
        """What goes on with a stream whose calls are blocked, if anything does."""
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
        """Whether an answer may stand behind the first one in a stream that keeps the first one's id.

        Whoever goes on from that id has to go on from the last answer, or its calls have no place for their results.
        """
        if not wire_format.stores_answers:
            return True
        return await self.conversation.record_continuation(first, last) or not self.enforcement.find(last)

    async def _enforced(self, response: Payload, data: JsonObject, left: int) -> Payload:
        """The answer to `data`, or the model's next one."""
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
        """The model's next answer with the request that told it of blocked calls, if there was something to tell."""
        asked = continued(data, response, enforced)
        answer = None if asked is None else await self.request.ask_model(asked, format_of_answer(response))
        if asked is None or answer is None:
            return None
        await self.conversation.record_results(asked, answer)
        return asked, answer


def continued(data: JsonMapping, response: object, enforced: Sequence[EnforcedCall]) -> JsonObject | None:
    """The request that tells the model of its blocked calls.

    Args:
        data: of the request that was answered.
        response: the answer, as the model gave it.
        enforced: what is to become of its calls.

    Returns:
        `None` if there is nobody to tell: a call is the caller's, whether it passes or waits for a person.
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
