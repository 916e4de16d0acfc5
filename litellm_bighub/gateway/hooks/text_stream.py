"""A stream behind its text gate: nothing leaves before a guardrail has seen it, and rewrites are delivered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing
from functools import partial

from litellm_bighub.checks.contract import Guardrail
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.registry import texts_of
from litellm_bighub.formats.stream.gate_protocol import Hold, Release, unchanged
from litellm_bighub.formats.stream.text_gate import Scan, StreamTextGate
from litellm_bighub.formats.stream.text_part import Mode
from litellm_bighub.gateway.hooks.translation.format_handler import FormatHandler
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


async def checked_by(
    guardrails: Iterable[Guardrail],
    events: AsyncIterator[object],
    handler: FormatHandler,
    mode: Mode,
    request: JsonObject,
) -> AsyncGenerator[object, None]:
    """Pass events on as guardrails let them, one behind the other.

    Args:
        guardrails: of either contract.
        events: the upstream's; closed at the end.
        handler: of their format.
        mode: how streamed texts are held back.
        request: what is answered.

    Raises:
        Exception: whatever the upstream or a guardrail raises. Nothing more may be sent then.
    """
    wire_format = handler.wire_format
    made = as_litellm_event if wire_format.has_event_objects else unchanged
    async with AsyncExitStack() as stack:
        for guardrail in guardrails:
            check = partial(handler.check_scan, guardrail, request, request.get("litellm_logging_obj"))
            gate = texts_of(wire_format).gate(mode)
            events = await stack.enter_async_context(aclosing(checked(events, gate, check, made=made)))
        async for event in events:
            yield event


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
