"""A stream behind its text gate: nothing leaves before a guardrail has seen it, and rewrites are delivered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence

from litellm_bighub.formats.stream.gate_protocol import Hold, Release
from litellm_bighub.formats.stream.text_gate import Scan, StreamTextGate
from litellm_bighub.gateway.pipeline.gated_stream import as_litellm_event, close_stream

Check = Callable[[Scan], Awaitable[Sequence[str]]]


async def checked(
    events: AsyncIterator[object],
    gate: StreamTextGate,
    check: Check,
    *,
    made: Callable[[object], object] = as_litellm_event,
) -> AsyncGenerator[object, None]:
    """Pass events on as the gate releases them.

    Args:
        events: the upstream's; closed at the end.
        gate: a new one.
        made: what LiteLLM wants an event to be; `as_litellm_event` where its own events are objects.
        check: answers with one text for each, in order, or raises, and then nothing more is sent.

    Raises:
        Exception: whatever the upstream or `check` raises.
    """
    try:
        async for event in events:
            for released in await _settled(gate, gate.feed(event), check):
                yield made(released)
        for released in await _settled(gate, gate.finish(), check):
            yield made(released)
    finally:
        await close_stream(events)


async def rewritten(events: list[object], gate: StreamTextGate, check: Check) -> None:
    """Check a whole stream of which nothing was sent, and put what may be sent in its place, in the same list.

    Args:
        events: all of the stream's.
        gate: a new one.
        check: as above.

    Raises:
        Exception: whatever `check` raises. Nothing has been written.
    """
    released = [*await _settled(gate, gate.feed(*events), check), *await _settled(gate, gate.finish(), check)]
    events[:] = [as_litellm_event(event) for event in released]


async def _settled(gate: StreamTextGate, step: Release | Scan | Hold, check: Check) -> Sequence[object]:
    while isinstance(step, Scan):
        step = gate.answer(await check(step))
    return step.events if isinstance(step, Release) else ()
