"""Governed calls in code: LiteLLM's functions and routers with tool decisions and text guardrails, streamed too."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from litellm_bighub.checks.contract import Guardrail
from litellm_bighub.checks.second_look import SecondLook
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.registry import format_named
from litellm_bighub.formats.stream.gate_protocol import unchanged
from litellm_bighub.formats.stream.text_part import Window
from litellm_bighub.gateway.conversation.request_history import RequestHistory
from litellm_bighub.gateway.hooks.registration import handler_of
from litellm_bighub.gateway.hooks.text_stream import checked_by
from litellm_bighub.gateway.hooks.translation.format_handler import FormatHandler
from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler
from litellm_bighub.gateway.logs.code_logs import code_logs
from litellm_bighub.gateway.pipeline.answer_format import check_streamed_answer, check_whole_answer
from litellm_bighub.gateway.pipeline.enforcement import Enforcement
from litellm_bighub.gateway.pipeline.enforcement_modes import Withholding
from litellm_bighub.gateway.pipeline.gated_stream import as_litellm_event
from litellm_bighub.gateway.pipeline.hosted_tools import HostedTools
from litellm_bighub.gateway.pipeline.next_answer import Send, send_function
from litellm_bighub.gateway.pipeline.pipeline import Pipeline
from litellm_bighub.gateway.pipeline.provider_error import sanitized_error
from litellm_bighub.gateway.sdk.code_request import CodeRequest
from litellm_bighub.gateway.sdk.code_stream import CodeStream, Upstream, blocking
from litellm_bighub.gateway.sdk.reentrancy import governed_in_code
from litellm_bighub.gateway.setup.litellm_release import allowed_in_code, check_release
from litellm_bighub.wording import ENGLISH, Wording

if TYPE_CHECKING:
    from litellm.router import Router


check_release(allows_unsupported=allowed_in_code())


async def aresponses(
    *,
    guardrails: Sequence[Guardrail] = (),
    tool_decisions: ToolDecisions | None = None,
    withholding: Withholding | None = None,
    handler: OpenAIResponsesHandler | None = None,
    router: Router | None = None,
    join_parts: bool = True,
    ignore_invisible: bool = True,
    actor: str = "AI_AGENT",
    domain: str = "custom",
    **request: Payload,
) -> Payload:
    """`litellm.aresponses`, governed.

    Args:
        guardrails: run over every text of the request and of the answer, one after the other, as objects.
        tool_decisions: decides on every tool call of the answer; its ledger remembers them for later requests.
        withholding: how withheld calls look; by default a notice takes their place.
        handler: finds the texts; a subclass instance, for one's own override points.
        router: sends the request, with its fallbacks and retries; by default `litellm.aresponses` does.
        join_parts: whether guardrails look once more at the joined parts of a message.
        ignore_invisible: whether they look once more at texts without the invisible characters in them.
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
    second_look = SecondLook(join_parts, ignore_invisible)
    checks = Checks(_looking(handler or OpenAIResponsesHandler(), second_look), guardrails)
    pipeline = None if tool_decisions is None else _pipeline(tool_decisions, withholding)
    # Without decisions on its calls nobody reads who acts.
    actor = actor if tool_decisions is not None else ""
    asked = CodeRequest(request, format_named("responses"), router, checks.answer, actor, domain)
    return await _checked_answer(asked, checks, pipeline)


async def acompletion(
    *,
    guardrails: Sequence[Guardrail | str] = (),
    tool_decisions: ToolDecisions | None = None,
    withholding: Withholding | None = None,
    router: Router | None = None,
    join_parts: bool = True,
    ignore_invisible: bool = True,
    actor: str = "AI_AGENT",
    domain: str = "custom",
    **request: Payload,
) -> Payload:
    """`litellm.acompletion`, governed: every tool call, and every legacy `function_call`, of every choice.

    Args:
        guardrails: run over every text of the request and of the answer, one after the other, as objects.
        tool_decisions: decides on every tool call of the answer; its ledger remembers them for later requests.
        withholding: how withheld calls look; by default a notice takes their place.
        router: sends the request, with its fallbacks and retries; by default `litellm.acompletion` does.
        join_parts: whether guardrails look once more at the joined parts of a message.
        ignore_invisible: whether they look once more at texts without the invisible characters in them.
        actor: on whose behalf the calls would run.
        domain: their business domain.
        **request: the arguments of `litellm.acompletion`.

    Returns:
        The completion, or with `stream=True` an asynchronous iterator of its chunks.

    Raises:
        Exception: what a guardrail raises to refuse, and whatever `litellm.acompletion` raises.
        ToolCallWithheld: a call is withheld, and `withholding` asks for an error.
        TypeError: there are neither guardrails nor decisions.
        UnapprovedToolResult: `messages` hold results of calls that nobody approved, and `withholding` refuses those.
    """
    second_look = SecondLook(join_parts, ignore_invisible)
    return await _governed("chat", request, guardrails, second_look, tool_decisions, withholding, router, actor, domain)


async def amessages(
    *,
    guardrails: Sequence[Guardrail | str] = (),
    tool_decisions: ToolDecisions | None = None,
    withholding: Withholding | None = None,
    router: Router | None = None,
    join_parts: bool = True,
    ignore_invisible: bool = True,
    actor: str = "AI_AGENT",
    domain: str = "custom",
    **request: Payload,
) -> Payload:
    """`litellm.anthropic_messages`, also known as `litellm.anthropic.messages.acreate`, governed.

    Args:
        guardrails: run over every text of the request and of the answer, one after the other, as objects.
        tool_decisions: decides on every tool call of the answer; its ledger remembers them for later requests.
        withholding: how withheld calls look; by default a notice takes their place.
        router: sends the request, with its fallbacks and retries; by default `litellm.anthropic_messages` does.
        join_parts: whether guardrails look once more at the joined parts of a message.
        ignore_invisible: whether they look once more at texts without the invisible characters in them.
        actor: on whose behalf the calls would run.
        domain: their business domain.
        **request: the arguments of `litellm.anthropic_messages`.

    Returns:
        The message, or with `stream=True` an asynchronous iterator of what LiteLLM's has: server-sent events as bytes.

    Raises:
        Exception: what a guardrail raises to refuse, and whatever `litellm.anthropic_messages` raises.
        ToolCallWithheld: a call is withheld, and `withholding` asks for an error.
        TypeError: there are neither guardrails nor decisions.
        UnapprovedToolResult: `messages` hold results of calls that nobody approved, and `withholding` refuses those.
    """
    second_look = SecondLook(join_parts, ignore_invisible)
    return await _governed(
        "messages", request, guardrails, second_look, tool_decisions, withholding, router, actor, domain
    )


def responses(**arguments: Payload) -> Payload:
    """`aresponses` for synchronous code, with the same arguments; a stream comes back as an iterator."""
    return blocking(aresponses, arguments)


def completion(**arguments: Payload) -> Payload:
    """`acompletion` for synchronous code, with the same arguments; a stream comes back as an iterator."""
    return blocking(acompletion, arguments)


def messages(**arguments: Payload) -> Payload:
    """`amessages` for synchronous code, with the same arguments; a stream comes back as an iterator."""
    return blocking(amessages, arguments)


def _looking(handler: FormatHandler, second_look: SecondLook) -> FormatHandler:
    """The handler, or a copy of it that looks at fewer texts twice. One that a caller made looks as it did there."""
    allowed = handler.second_look
    told = SecondLook(
        allowed.join_parts and second_look.join_parts, allowed.ignore_invisible and second_look.ignore_invisible
    )
    if told == allowed:
        return handler
    handler = copy(handler)
    handler.second_look = told
    return handler


def _pipeline(tool_decisions: ToolDecisions, withholding: Withholding | None) -> Pipeline:
    withholding = withholding or Withholding()
    refuse, continues = withholding.on_unapproved_result == "refuse", withholding.on_block == "continue"
    conversation = RequestHistory(tool_decisions, refuse=refuse, continues=continues)
    enforcement = Enforcement(tool_decisions, withholding)
    return Pipeline(enforcement, conversation, HostedTools(enforcement))


async def _governed(
    format_name: str,
    request: JsonObject,
    guardrails: Sequence[Guardrail | str],
    second_look: SecondLook,
    tool_decisions: ToolDecisions | None,
    withholding: Withholding | None,
    router: Router | None,
    actor: str,
    domain: str,
) -> Payload:
    """The governed answer of chat completions or Messages. Names of guardrails are LiteLLM's own business."""
    wire_format = format_named(format_name)
    if tool_decisions is None and not guardrails:
        ours, theirs = wire_format.in_code.governed, wire_format.in_code.function
        raise TypeError(f"{ours} needs guardrails or tool_decisions; litellm.{theirs} is the one without")
    named = [guardrail for guardrail in guardrails if isinstance(guardrail, str)]
    if named:
        request["guardrails"] = named
    handler = _looking(handler_of(wire_format), second_look)
    checks = Checks(handler, [each for each in guardrails if not isinstance(each, str)])
    pipeline = None if tool_decisions is None else _pipeline(tool_decisions, withholding)
    actor = actor if tool_decisions is not None else ""
    asked = CodeRequest(request, wire_format, router, checks.answer, actor, domain)
    return await _checked_answer(asked, checks, pipeline)


async def _checked_answer(request: CodeRequest, checks: Checks, pipeline: Pipeline | None) -> Payload:
    """The governed answer to a request, with all of their texts checked."""
    await checks.request(request.data)
    record = code_logs().open(request.data, request.wire_format)
    response: Payload = None
    try:
        response = await send_request(request, pipeline, checked=bool(checks.guardrails))
        if isinstance(response, Upstream):
            checked = checks.stream(response, request.data)
            events = checked if pipeline is None else pipeline.stream(request, checked)
            return CodeStream(events if record is None else record.deliver(events), response)
        response = await checks.answer(response)
        answer = response if pipeline is None else await pipeline.answer(request, response)
        if record is not None:
            record.keep(answer)
        return answer
    finally:
        if record is not None and not isinstance(response, Upstream):
            record.end()


async def send_request(request: CodeRequest, pipeline: Pipeline | None, *, checked: bool = False) -> Payload:
    """LiteLLM's answer to a request that was put right.

    Args:
        request: changed in place.
        pipeline: puts it right; nothing does where no calls are to be decided on.
        checked: whether the caller checks the texts.

    Returns:
        the whole answer, or `Upstream` if it is a stream.
    """
    wording = ENGLISH if pipeline is None else pipeline.enforcement.tool_decisions.wording
    if pipeline is not None:
        await pipeline.request(request)
    within = partial(governed_in_code, calls=pipeline is not None, texts=checked)
    with within():
        response = await _sent(send_function(request.wire_format, request.router), request.data, wording)
    if hasattr(response, "__aiter__"):
        if pipeline is not None:
            check_streamed_answer(response, request.data, request.where, wording)
        return Upstream(response, within, wording)
    if pipeline is not None:
        check_whole_answer(response, (request.wire_format,), request.data, request.where, wording)
        await pipeline.conversation.record_results(request.data, response)
    return response


async def _sent(send: Send, request: JsonObject, wording: Wording) -> Payload:
    """LiteLLM's answer. An error of a provider is raised without its words, and without those that it was made of."""
    try:
        return await send(**request)
    except Exception as error:  # noqa: BLE001 - whichever it is, it may quote the answer
        failed = sanitized_error(error, alone=True, wording=wording)
    raise failed


@dataclass(slots=True)
class Checks:
    """The guardrails of a call, which run one after the other.

    Attributes:
        handler: finds the texts.
        guardrails: of either contract.
    """

    handler: FormatHandler
    guardrails: Sequence[Guardrail]
    _request: JsonObject = field(default_factory=dict)

    async def request(self, data: JsonObject) -> None:
        """Check the texts of the request, in place."""
        self._request = data
        for guardrail in self.guardrails:
            await self.handler.process_input_messages(data, guardrail)

    async def answer(self, response: Payload) -> Payload:
        """Check the texts of a whole answer, in place."""
        for guardrail in self.guardrails:
            response = await self.handler.process_output_response(response, guardrail, request_data=self._request)
        return response

    async def stream(self, events: AsyncIterator[Any], request: JsonObject) -> AsyncGenerator[Any, None]:
        """The events of an answer as they may leave, rewritten where a guardrail rewrote them.

        The gate of its calls stands behind: what is decided on is what leaves.
        """
        made = as_litellm_event if self.handler.wire_format.has_event_objects else unchanged
        async with aclosing(checked_by(self.guardrails, events, self.handler, Window(), request)) as released:
            async for event in released:
                yield made(event)
