"""Driving a stream through its gate: text flows on while calls are being decided."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.wire.gating import Ask, AskedCall, CallKey, Hold, Outcome, Release
from litellm_bighub.wire.responses.gate import Gate

logger = logging.getLogger(__name__)

Decide = Callable[[Sequence[ToolCall]], Awaitable[Sequence[Outcome]]]


async def governed(events: AsyncIterator[object], gate: Gate, decide: Decide) -> AsyncGenerator[object, None]:
    """Pass events on as the gate releases them.

    The upstream is read while decisions are under way, so that the calls of one response are decided at the same time.
    When the consumer goes away, or the upstream or a decision fails, what is undecided is never sent.

    Args:
        events: the upstream's.
        gate: a new one.
        decide: answers with one outcome for each call, in order.

    Raises:
        Exception: whatever the upstream or `decide` raises.
    """
    deciding: dict[asyncio.Task[Mapping[CallKey, Outcome]], None] = {}
    coming: asyncio.Task[object] | None = None
    try:
        while True:
            if not deciding:
                event = await (_next(events) if coming is None else coming)
                coming = None
            else:
                coming = coming or asyncio.ensure_future(_next(events))
                await asyncio.wait({coming, *deciding}, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in deciding if task.done()]:
                    del deciding[task]
                    for event in _released(gate.answer(task.result())):
                        yield event
                if not coming.done():
                    continue
                event, coming = coming.result(), None
            if event is _END:
                break
            match gate.feed(event):
                case Release() as release:
                    for event in _released(release):
                        yield event
                case Ask(calls=calls):
                    deciding[asyncio.ensure_future(_outcomes(decide, calls))] = None
                case Hold():
                    pass
        while deciding:
            await asyncio.wait(deciding, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in deciding if task.done()]:
                del deciding[task]
                for event in _released(gate.answer(task.result())):
                    yield event
        for event in _released(gate.finish()):
            yield event
    finally:
        running = [task for task in (coming, *deciding) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


_END = object()


async def _next(events: AsyncIterator[object]) -> object:
    return await anext(events, _END)


async def _outcomes(decide: Decide, calls: Sequence[AskedCall]) -> Mapping[CallKey, Outcome]:
    outcomes = await decide([asked.call for asked in calls])
    return {asked.key: outcome for asked, outcome in zip(calls, outcomes, strict=True)}


def _released(release: Release) -> Sequence[object]:
    for event_type in release.dropped:
        logger.warning("a %s event was dropped: nobody could decide on what it belongs to", event_type)
    return release.events
