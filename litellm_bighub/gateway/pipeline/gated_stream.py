"""Drives a stream through its gate: text flows while calls are being decided."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import anyio
from litellm.types.llms.base import BaseLiteLLMOpenAIResponseObject

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.stream.gate_protocol import (
    STREAM_ENDED,
    Ask,
    AskedCall,
    CallKey,
    Hold,
    Outcome,
    Release,
    StreamGate,
)

logger = logging.getLogger(__name__)

Decide = Callable[[Sequence[ToolCall]], Awaitable[Sequence[Outcome]]]
_END = object()
_SILENT = object()
_REMEMBERED: Final = 5000
"""So many of the last events of a stream are kept, in case a person has to be told what the model said."""


async def gated_events(
    events: AsyncIterator[object],
    gate: StreamGate,
    decide: Decide,
    *,
    keep_alive_seconds: float = math.inf,
    ended: str = STREAM_ENDED,
) -> AsyncGenerator[object, None]:
    """Yield events as the gate releases them.

    The upstream is read while decisions are made, so that the calls of one response are decided in parallel. When the
    consumer leaves, or the upstream or a decision fails, undecided calls are never sent.

    Args:
        events: the upstream's events; closed at the end.
        gate: a new one.
        decide: returns one outcome for each call, in order.
        keep_alive_seconds: while decisions are made, a keep-alive event is sent after so many seconds of silence.
        ended: the notice for calls that are incomplete when the stream ends.

    Raises:
        Exception: any error of the upstream or of `decide`.
    """
    deciding = _Deciding(decide)
    silence = _Silence(keep_alive_seconds)
    async with aclosing(_merged(events, deciding, silence)) as merged:
        async for arrived in merged:
            step = _step(gate, arrived)
            if isinstance(step, Release):
                for event in _released(step):
                    silence.broken()
                    yield event
            elif isinstance(step, Ask):
                deciding.start(step.calls)
    for event in _released(gate.finish(ended)):
        yield event


class StreamEnvelope:
    """A stream that keeps the response object of its first events, and its last events.

    Raises:
        UnreadableAnswerError: the stream ends without any event.
    """

    def __init__(self, events: AsyncIterator[object]) -> None:
        self._events = events
        self._begun = False
        self.response: object = None
        self.heard: deque[object] = deque(maxlen=_REMEMBERED)

    def __aiter__(self) -> StreamEnvelope:
        return self

    async def __anext__(self) -> object:
        try:
            event = await anext(self._events)
        except StopAsyncIteration:
            if self._begun:
                raise
            # LiteLLM drops a whole answer that comes in place of a stream. Ending here would look like a success.
            raise UnreadableAnswerError("a stream without any event is none") from None
        self._begun = True
        self.heard.append(event)
        if self.response is None:
            self.response = fields.get(event, "response")
        return event

    async def aclose(self) -> None:
        """Close the inner stream if it can be closed."""
        await close_stream(self._events)


@dataclass(frozen=True, slots=True)
class _Decided:
    outcomes: Mapping[CallKey, Outcome]


class _Deciding:
    """The decisions that are being made."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self.tasks: set[asyncio.Task[_Decided]] = set()

    def start(self, calls: Sequence[AskedCall]) -> None:
        self.tasks.add(asyncio.ensure_future(self._outcomes(calls)))

    def finished(self) -> list[_Decided]:
        done = [task for task in self.tasks if task.done()]
        self.tasks.difference_update(done)
        return [task.result() for task in done]

    async def _outcomes(self, calls: Sequence[AskedCall]) -> _Decided:
        outcomes = await self._decide([asked.call for asked in calls])
        return _Decided({asked.key: outcome for asked, outcome in zip(calls, outcomes, strict=True)})


class _Silence:
    """Measures how long a stream has sent nothing to its client."""

    def __init__(self, bound: float) -> None:
        self._bound = bound
        self._time = asyncio.get_running_loop().time
        self._since = self._time()

    def broken(self) -> None:
        self._since = self._time()

    @property
    def left(self) -> float | None:
        """Seconds until a keep-alive event is due; `None` if it never is."""
        if math.isinf(self._bound):
            return None
        return max(0.0, self._since + self._bound - self._time())


async def _next(events: AsyncIterator[object]) -> object:
    return await anext(events, _END)


def _step(gate: StreamGate, arrived: object) -> Release | Ask | Hold:
    if arrived is _SILENT:
        return gate.keep_alive()
    return gate.answer(arrived.outcomes) if isinstance(arrived, _Decided) else gate.feed(arrived)


async def _merged(
    events: AsyncIterator[object], deciding: _Deciding, silence: _Silence
) -> AsyncGenerator[object, None]:
    """The upstream's events, the decisions and `_SILENT`, as they come; ends after both upstream and decisions."""
    coming: asyncio.Task[object] | None = None
    ended = False
    try:
        while not ended or deciding.tasks:
            if not deciding.tasks:
                event, coming = await (coming or anext(events, _END)), None
            else:
                if not ended:
                    coming = coming or asyncio.ensure_future(_next(events))
                awaited = deciding.tasks if coming is None else {coming, *deciding.tasks}
                arrived, _ = await asyncio.wait(awaited, timeout=silence.left, return_when=asyncio.FIRST_COMPLETED)
                if not arrived:
                    silence.broken()
                    yield _SILENT
                for decided in deciding.finished():
                    yield decided
                if coming is None or not coming.done():
                    continue
                event, coming = coming.result(), None
            ended = event is _END
            if not ended:
                yield event
    finally:
        running: list[asyncio.Task[Any]] = [*deciding.tasks] if coming is None else [coming, *deciding.tasks]
        for task in running:
            task.cancel()
        # The server's cancellation is raised again at every await, and would interrupt this clean-up.
        with anyio.CancelScope(shield=True):
            await asyncio.gather(*running, return_exceptions=True)
            await close_stream(events)


def _released(release: Release) -> Sequence[object]:
    for event_type in release.dropped:
        logger.warning("a %s event was dropped: nobody could decide on what it belongs to", event_type)
    return release.events


def as_litellm_event(event: object) -> object:
    """An event of the gate as a model, as LiteLLM's own events are."""
    return BaseLiteLLMOpenAIResponseObject.model_validate(event) if isinstance(event, dict) else event


async def close_stream(events: object) -> None:
    """Close a stream if it has `aclose`. Not every asynchronous iterator has."""
    closing = getattr(events, "aclose", None)
    if closing is not None:
        await closing()


class OpenGate:
    """The gate of a route that an operator has opened. Unreadable events pass; calls that it recognises are decided on.

    Args:
        gate: a new gate, whose state does not change when it refuses an event.
    """

    def __init__(self, gate: StreamGate) -> None:
        self._gate = gate

    @property
    def unanswered(self) -> frozenset[CallKey]:
        """The calls that have no outcome yet."""
        return self._gate.unanswered

    def feed(self, event: object) -> Release | Ask | Hold:
        """Take the upstream's next event."""
        try:
            return self._gate.feed(event)
        except UnreadableAnswerError:
            return Release((event,))

    def answer(self, outcomes: Mapping[CallKey, Outcome]) -> Release:
        """Take the outcomes of some calls, and release the events that were held for them."""
        return self._gate.answer(outcomes)

    def finish(self, notice: str = STREAM_ENDED) -> Release:
        """The upstream has no more events."""
        return self._gate.finish(notice)

    def keep_alive(self) -> Release:
        """A keep-alive event."""
        return self._gate.keep_alive()
