"""Governed calls in code: `litellm.aresponses` with guardrails as objects and a tool-decision hook, streamed too."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing
from functools import partial
from typing import Any

import litellm
from anyio.from_thread import BlockingPortal, start_blocking_portal

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import ToolCall
from litellm_bighub.gateway.conversation import Conversation
from litellm_bighub.gateway.enforcement import Enforcement, Withholding
from litellm_bighub.gateway.handler import OpenAIResponsesHandler
from litellm_bighub.gateway.identity import caller, previous_response_id
from litellm_bighub.gateway.stream import Envelope, governed, native
from litellm_bighub.gateway.surface import Format
from litellm_bighub.gateway.text_stream import Check, checked
from litellm_bighub.guardrails.contract import Guardrail
from litellm_bighub.wire.gating import Outcome
from litellm_bighub.wire.responses.gate import Gate
from litellm_bighub.wire.responses.notice import wants_refusals
from litellm_bighub.wire.responses.text_gate import TextGate

_END = object()


async def aresponses(
    *,
    guardrails: Sequence[Guardrail] = (),
    tool_decisions: ToolDecisions | None = None,
    withholding: Withholding | None = None,
    handler: OpenAIResponsesHandler | None = None,
    actor: str = "AI_AGENT",
    domain: str = "custom",
    **request: Any,
) -> Any:
    """`litellm.aresponses`, governed.

    Args:
        guardrails: run over every text of the request and of the answer, one after the other, as objects.
        tool_decisions: decides on every tool call of the answer; its ledger remembers them for later requests.
        withholding: how withheld calls look; by default a notice takes their place.
        handler: finds the texts; a subclass instance, for one's own override points.
        actor: on whose behalf the calls would run.
        domain: their business domain.
        **request: the arguments of `litellm.aresponses`.

    Returns:
        The response, or with `stream=True` an asynchronous iterator of its events.

    Raises:
        Exception: what a guardrail raises to refuse, and whatever `litellm.aresponses` raises.
        ToolCallWithheld: a call is withheld, and `withholding` asks for an error.
        UnapprovedToolResult: `input` holds results of calls that nobody approved, and `withholding` refuses those.
    """
    handler = handler or OpenAIResponsesHandler()
    for guardrail in guardrails:
        request = await handler.process_input_messages(request, guardrail)
    withholding = withholding or Withholding()
    enforcement = Enforcement(tool_decisions, withholding) if tool_decisions else None
    conversation = None
    if tool_decisions is not None:
        conversation = Conversation(tool_decisions, refuse=withholding.on_unapproved_result == "refuse")
        asking = caller(None, request, None, actor=actor, domain=domain)
        previous = previous_response_id(request, encrypted=False)
        await conversation.prepare(request, Format.RESPONSES, previous, asking)
    response: Any = await litellm.aresponses(**request)
    if hasattr(response, "__aiter__"):
        checks = [partial(handler.check_texts, guardrail, request, None) for guardrail in guardrails]
        events = _streamed(response, checks, enforcement, request, actor=actor, domain=domain)
        return events if conversation is None else conversation.watched(events, request)
    if conversation is not None:
        await conversation.completed(request, response)
    for guardrail in guardrails:
        response = await handler.process_output_response(response, guardrail, request_data=request)
    if enforcement is not None:
        context = caller(None, request, response, actor=actor, domain=domain)
        await enforcement.govern(response, context, refusals=wants_refusals(request))
    return response


def responses(**request: Any) -> Any:
    """`aresponses` for synchronous code, with the same arguments; a stream comes back as an iterator."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        response = portal.call(partial(aresponses, **request))
        if not hasattr(response, "__aiter__"):
            return response
        return _iterated(response, portal, stack.pop_all())


async def _streamed(
    events: AsyncIterator[Any],
    checks: Sequence[Check],
    enforcement: Enforcement | None,
    request: dict[str, Any],
    *,
    actor: str,
    domain: str,
) -> AsyncGenerator[Any, None]:
    """A stream through its text gates and, last, through the gate of its calls: what is decided on is what leaves."""
    async with AsyncExitStack() as stack:
        for check in checks:
            events = await stack.enter_async_context(aclosing(checked(events, TextGate(), check)))
        if enforcement is not None:
            envelope = Envelope(events)
            decide = partial(_decide, enforcement, envelope, request, actor, domain, set())
            gate = Gate(new_item_id=enforcement.new_item_id, refusals=wants_refusals(request))
            events = await stack.enter_async_context(aclosing(governed(envelope, gate, decide)))
        async for event in events:
            yield native(event)


async def _decide(
    enforcement: Enforcement,
    envelope: Envelope,
    request: dict[str, Any],
    actor: str,
    domain: str,
    shown: set[str],
    calls: Sequence[ToolCall],
) -> Sequence[Outcome]:
    context = caller(None, request, envelope.response, actor=actor, domain=domain)
    return [judged.outcome for judged in await enforcement.judged(calls, context, shown=shown)]


def _iterated(events: AsyncGenerator[Any, None], portal: BlockingPortal, stack: ExitStack) -> Iterator[Any]:
    with stack:
        try:
            while (event := portal.call(anext, events, _END)) is not _END:
                yield event
        finally:
            portal.call(events.aclose)
