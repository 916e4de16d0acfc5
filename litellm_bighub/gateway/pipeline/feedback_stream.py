"""`on_block: continue` in streams: the model is told of its blocked calls when all of its answer is known.

What is decided on a blocked call is kept back until the upstream has ended, because a call that is allowed, or waits
for a person, is the caller's to answer: then there is nothing to go on with, and the notices stand there at once. What
stands before the first blocked call flows meanwhile, and the stream says that it lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeAlias

from litellm_bighub.formats.stream.gate_protocol import Outcome, Withhold
from litellm_bighub.formats.stream.joined_stream import JoinedStream
from litellm_bighub.gateway.pipeline.enforcement import EnforcedCall
from litellm_bighub.gateway.pipeline.gated_stream import close_stream

NextAnswer: TypeAlias = "Callable[[object, Sequence[EnforcedCall]], Awaitable[object]]"
"""Answers what the model says next to its answer and what became of its calls; `None` if it cannot be had."""


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
        judged = await deciding
        self._undecided -= 1
        if not all(each.is_blocked for each in judged):
            self._settle()
        if not self._settled.is_set():
            await self._wait(judged)
        return [self._outcome(each) for each in judged]

    def _outcome(self, judged: EnforcedCall) -> Outcome:
        if self._continued and isinstance(judged.outcome, Withhold):
            return self._join.in_place(judged.outcome)
        return judged.outcome

    async def joined(self, released: AsyncGenerator[object, None]) -> AsyncGenerator[object, None]:
        """The events that the gate has released, and behind them the next answer."""
        async with aclosing(released):
            async for event in released:
                for sent in self._join.passed(event):
                    yield sent

    async def _wait(self, judged: Sequence[EnforcedCall]) -> None:
        first = not self._blocked
        self._blocked += judged
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
