"""`TextGuardrail`: runs any LiteLLM guardrail over requests, answers and streams of the formats whose texts are found.

LiteLLM's own path delivers a stream before it is checked and drops what a guardrail rewrote in it. Here a stream is
held back, as far as a rewrite could still reach and no further, and the rewritten text is what the client gets.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final, cast

import litellm
from fastapi import HTTPException
from litellm.exceptions import ModifyResponseException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.guardrails import GuardrailEventHooks
from litellm.types.utils import CallTypes

from litellm_bighub.checks.contract import Guardrail
from litellm_bighub.checks.second_look import Parts, SecondLook
from litellm_bighub.checks.text_check import InputType
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.errors import ConfigurationError, PayloadError
from litellm_bighub.formats.answers.error_text import harmless_in_place
from litellm_bighub.formats.format import Format, TextFormat
from litellm_bighub.formats.registry import (
    DEFAULT,
    FORMATS,
    MCP_FORMATS,
    PLAIN_FORMATS,
    format_of_answer,
    format_of_texts,
    plain_format_of,
)
from litellm_bighub.formats.stream.text_part import Mode, WholeText, Window
from litellm_bighub.gateway.conversation.identity import call_context
from litellm_bighub.gateway.hooks.native_guardrail import NativeGuardrail
from litellm_bighub.gateway.hooks.registration import handler_of, install
from litellm_bighub.gateway.hooks.text_stream import checked_by
from litellm_bighub.gateway.hooks.translation.format_handler import FormatHandler
from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler
from litellm_bighub.gateway.logs.delivered_answer import keep_answer, keep_stream
from litellm_bighub.gateway.logs.logged_details import hide_body, hide_refused, hide_refused_answer
from litellm_bighub.gateway.mcp.mcp_messages import MessageCheck
from litellm_bighub.gateway.mcp.mcp_sampling import is_asked_by_server
from litellm_bighub.gateway.mcp.mcp_texts import McpTexts, check_mcp_texts
from litellm_bighub.gateway.pipeline.answer_format import worded_refusals
from litellm_bighub.gateway.pipeline.provider_error import SanitizedStream
from litellm_bighub.gateway.routes.provider_headers import drop_provider_headers
from litellm_bighub.gateway.routes.route_formats import format_of_streamed_texts, plain_format_of_route
from litellm_bighub.gateway.routes.text_routes import close_text_routes, text_route_guard
from litellm_bighub.gateway.sdk.reentrancy import is_checked_in_code
from litellm_bighub.gateway.sdk.ungoverned_calls import (
    UNCHECKED,
    RefusedCallError,
    bypass_cache,
    refuse_moderation,
    refuse_ungoverned,
    refused,
)
from litellm_bighub.gateway.setup.configuration import check_litellm, read_settings, wording_of
from litellm_bighub.gateway.setup.guardrail_mode import check_texts_mode, unchecked_texts
from litellm_bighub.gateway.setup.opt_outs import OptOuts, check_opt_outs
from litellm_bighub.gateway.setup.proxy_process import is_proxy, proxy_app
from litellm_bighub.settings import TextGuardrailSettings

logger = logging.getLogger(__name__)

_UNSEEN: Final = frozenset(known for known in CallTypes if known.value in {"ingest", "aingest", "query", "aquery"})
"""What LiteLLM's proxy does with documents without a hook before it."""


class TextGuardrail(NativeGuardrail):
    """Runs other guardrails of the same config over every text that they do not see, and delivers rewrites in streams.

    Enabled as `guardrail: litellm_bighub.TextGuardrail` with `apply: [names of other guardrails]`; those keep
    `default_on: false`, so that they do not run a second time on their own.

    Args:
        guardrail_name: how configs, logs and errors call it.
        event_hook: LiteLLM's `mode`.
        default_on: whether it runs without being asked for.
        guardrails: guardrails as objects, checked before those that `apply` names.
        handler: finds the texts; a subclass instance, for one's own override points.
        **settings: `litellm_bighub.settings.TextGuardrailSettings`, and LiteLLM's own parameters for guardrails.

    Raises:
        ConfigurationError: a key or value that cannot be used, or nothing to apply.
    """

    formats: ClassVar[frozenset[Format]] = frozenset(known for known in FORMATS if known.texts is not None)
    checks_texts: ClassVar[bool] = True

    def __init__(
        self,
        *,
        guardrail_name: str | None = None,
        event_hook: Payload = None,
        default_on: bool | None = False,
        guardrails: Sequence[Guardrail] = (),
        handler: OpenAIResponsesHandler | None = None,
        **settings: Payload,
    ) -> None:
        name = guardrail_name or type(self).__name__
        self.settings, litellms = read_settings(TextGuardrailSettings, name, settings)
        check_litellm(allows_unsupported=self.settings.allow_unsupported_litellm)
        check_texts_mode(name, event_hook)
        if not self.settings.apply and not guardrails:
            raise ConfigurationError(f"{name}.apply", "names no guardrail, so that nothing would be checked")
        routes = text_route_guard(name, self.settings.open_routes)
        for says in unchecked_texts(event_hook).values():
            logger.warning("guardrail %s: %s", name, says)
        check_opt_outs(name, event_hook, self.settings.may_opt_out)
        opt_outs = OptOuts(name, frozenset(self.settings.may_opt_out), wording=wording_of(self.settings))
        ours = {"guardrail_name": name, "event_hook": event_hook}
        super().__init__(**ours, default_on=default_on, opt_outs=opt_outs, **litellms)
        self._guardrails = tuple(guardrails)
        self._handler = handler or handler_of(DEFAULT)
        self._handlers: dict[TextFormat, FormatHandler] = {
            known: self._handler if known is self._handler.wire_format else handler_of(known) for known in self.formats
        }
        self._handlers.update({known: FormatHandler(known) for known in (*PLAIN_FORMATS, *MCP_FORMATS)})
        for each in self._handlers.values():
            each.second_look = SecondLook(self.settings.join_parts, self.settings.ignore_invisible)
        of_mcp = {**litellms, **ours, "default_on": bool(default_on)}
        check_mcp_texts(self, self._check_mcp, self._check_message, of_mcp)
        if self._is_on(GuardrailEventHooks.post_call):
            drop_provider_headers()
        requests, messages = self._is_on(GuardrailEventHooks.pre_call), self._message_check()
        if requests or messages is not None:
            closes = requests and self.settings.unchecked_routes == "refuse"
            counts = self._check_counted if requests else None
            close_text_routes(proxy_app(), replace(routes, closes=closes, count_check=counts, message_check=messages))
            if closes and routes.open_routes.rows:
                logger.warning("%s: open_routes opens %s; no text is checked there", name, routes.open_routes)
        refuse_moderation()
        install()

    @property
    def mode(self) -> Mode:
        """How streamed texts are held back."""
        settings = self.settings
        if settings.hold == "whole":
            return WholeText()
        return Window(settings.window_size, settings.window_overlap, sentences=settings.hold == "sentence")

    def applied(self) -> list[Payload]:
        """The guardrails that check, in their order.

        Raises:
            ConfigurationError: `apply` names one that the config does not have.
        """
        known = {
            callback.guardrail_name: callback
            for callback in litellm.callbacks
            if isinstance(callback, CustomGuardrail) and not isinstance(callback, McpTexts)
        }
        missing = next((name for name in self.settings.apply if known.get(name) in {None, self}), None)
        if missing is not None:
            raise ConfigurationError(f"{self.guardrail_name}.apply", f"{missing} is no other guardrail of this config")
        return [*self._guardrails, *(known[name] for name in self.settings.apply)]

    async def async_pre_call_deployment_hook(
        self, kwargs: JsonObject, call_type: CallTypes | None
    ) -> JsonObject | None:
        """Refuse calls in code whose texts it checks: LiteLLM has no hook there that a stream's texts went through.

        Raises:
            UngovernedCallError: names the function that checks them.
        """
        if call_type in _UNSEEN and is_proxy() and self.should_run_guardrail(kwargs, GuardrailEventHooks.pre_call):
            raise HTTPException(status_code=400, detail={"error": self.opt_outs.wording.documents_refused})
        if call_type is None or is_proxy() or is_checked_in_code():
            return kwargs
        wire_format = format_of_texts(call_type.value)
        if wire_format is None and plain_format_of(call_type.value) is None:
            return kwargs
        events = (GuardrailEventHooks.pre_call, GuardrailEventHooks.post_call)
        if not any(self.should_run_guardrail(kwargs, event) for event in events):
            return kwargs
        if wire_format is None:
            problem = f"{self.guardrail_name} checks no texts of litellm.{call_type.value} outside of the proxy"
            return refused(RefusedCallError(f"{problem}; send it through the proxy"), call_type)
        in_code = wire_format.in_code
        is_async = call_type.value == in_code.function
        instead = in_code.governed if is_async else in_code.governed.removeprefix("a")
        problem = f"{self.guardrail_name} checks no texts of litellm.{call_type.value} outside of the proxy"
        return refused(RefusedCallError(f"{problem}; call litellm_bighub.{instead}(guardrails=[…])"), call_type)

    def log_pre_api_call(self, model: str, messages: object, kwargs: JsonMapping) -> None:
        """Refuse other calls in code whose texts nobody checks, and hide what is refused in the proxy from loggers.

        Raises:
            UngovernedCallExit: says what to do instead.
        """
        del model, messages
        if self.default_on:
            hide_refused(kwargs, request=True)
            refuse_ungoverned(self, kwargs, UNCHECKED, "guardrails=[…]")

    async def async_pre_call_hook(
        self, user_api_key_dict: UserAPIKeyAuth, cache: Payload, data: JsonObject, call_type: Payload
    ) -> JsonObject:
        """Check the texts of a request."""
        del cache
        asks = partial(call_context, user_api_key_dict, data, None, actor="", domain="")
        wire_format = format_of_texts(call_type) or plain_format_of(call_type)
        if wire_format is not None and not await self.opted_out(data, user_api_key_dict, asks):
            handler = self._handlers[wire_format]
            if not wire_format.has_answer_hook or is_asked_by_server(data):
                bypass_cache(data)
            with _refusing(wire_format, data):
                for guardrail in self.applied():
                    data = await handler.process_input_messages(data, guardrail, data.get("litellm_logging_obj"))
            self.log_governed(data, wire_format)
        return data

    async def async_post_call_success_hook(
        self, data: JsonObject, user_api_key_dict: UserAPIKeyAuth, response: Payload
    ) -> Payload:
        """Check the texts of a whole answer."""
        wire_format = plain_format_of_route(user_api_key_dict) or format_of_answer(response)
        if wire_format in self._handlers:
            await self._check_answer(wire_format, response, data, user_api_key_dict)
            keep_answer(data, response, wire_format)
        return response

    async def async_post_call_success_deployment_hook(
        self, request_data: JsonObject, response: Payload, call_type: CallTypes | None
    ) -> Payload:
        """Check the texts of an answer that LiteLLM's proxy hands to no other hook, as a transcript."""
        wire_format = None if call_type is None else plain_format_of(call_type.value)
        if call_type is not None and is_asked_by_server(request_data):
            wire_format = format_of_texts(call_type.value)
        elif wire_format is None or wire_format.has_answer_hook:
            wire_format = None
        if wire_format is None:
            return await super().async_post_call_success_deployment_hook(request_data, response, call_type)
        if self.should_run_guardrail(request_data, GuardrailEventHooks.post_call):
            await self._check_answer(wire_format, response, {**request_data})
            keep_answer(request_data, response, wire_format)
        return response

    async def _check_answer(
        self, wire_format: TextFormat, response: Payload, data: JsonObject, key: UserAPIKeyAuth | None = None
    ) -> None:
        harmless_in_place(response, self.opt_outs.wording)
        handler = self._handlers[wire_format]
        with _refusing(wire_format, data):
            for guardrail in self.applied():
                await handler.process_output_response(response, guardrail, data.get("litellm_logging_obj"), key, data)

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: UserAPIKeyAuth, response: Payload, request_data: JsonObject
    ) -> AsyncGenerator[Any, None]:
        """Check the texts of a stream before they leave."""
        wanted = self.should_run_guardrail(request_data, GuardrailEventHooks.post_call)
        wire_format = format_of_streamed_texts(user_api_key_dict)
        if wanted and plain_format_of_route(user_api_key_dict) is not None:
            raise PayloadError("answer", "is a stream, of which no guardrail could check a text")
        if not wanted or wire_format is None or wire_format not in self._handlers:
            async for event in response:
                yield event
            return
        sent = keep_stream(request_data, wire_format)
        try:
            async with aclosing(self.checked(response, request_data, wire_format)) as events:
                async for event in events:
                    sent.append(event)
                    yield event
        except (HTTPException, ModifyResponseException) as refusal:
            for event in self._ending(refusal, sent, self._handlers[wire_format]):
                sent.append(event)
                yield event

    async def checked(
        self, events: AsyncIterator[Any], request_data: JsonObject, wire_format: Format = DEFAULT
    ) -> AsyncGenerator[Any, None]:
        """The events of a stream as they may be sent on, rewritten where a guardrail rewrote them.

        Raises:
            Exception: what a guardrail raises to refuse. Nothing more may be sent then.
        """
        handler = self._handlers[wire_format]
        sanitized = SanitizedStream(events, self.opt_outs.wording)
        within = checked_by(self.applied(), sanitized, handler, self.mode, request_data)
        async with aclosing(within) as released:
            with worded_refusals("", self.opt_outs.wording):
                async for event in released:
                    yield event

    def sanitizes(self, user_api_key_dict: UserAPIKeyAuth) -> bool:
        """Every error: a provider may quote a text on any route."""
        del user_api_key_dict
        return True

    async def _check_counted(self, data: JsonObject, key: UserAPIKeyAuth, call_type: str) -> JsonObject:
        """Check the texts of a request that counts tokens. It has no answer with a text, and no log."""
        return await self.async_pre_call_hook(key, None, data, call_type)

    def _message_check(self) -> MessageCheck | None:
        """How MCP messages are checked, if the `mode` names events of MCP."""
        events = {"request": GuardrailEventHooks.pre_mcp_call, "response": GuardrailEventHooks.post_mcp_call}
        sides = frozenset(side for side, event in events.items() if self._events and self._is_on(event))
        return MessageCheck(self._check_message, cast("frozenset[InputType]", sides)) if sides else None

    async def _check_message(self, message: JsonObject, spoken: TextFormat, side: InputType) -> None:
        """Check the texts of an MCP message, of which no hook is told."""
        for guardrail in self.applied():
            await self._handlers[spoken].check_message(message, guardrail, {"metadata": {}}, side)

    async def check_note(self, data: JsonObject, told: str) -> str:
        """What a person writes to the agent of a request, if the texts of that request or of its answer are checked.

        Raises:
            Exception: what a guardrail raises to refuse it.
        """
        events = (GuardrailEventHooks.pre_call, GuardrailEventHooks.post_call)
        if any(self.should_run_guardrail(data, event) for event in events):
            for guardrail in self.applied():
                logging_obj = data.get("litellm_logging_obj")
                [told] = await self._handler.check_texts(guardrail, data, logging_obj, [told], input_type="request")
        return told

    async def _check_mcp(
        self,
        request_data: JsonObject,
        logging_obj: object,
        texts: Sequence[str],
        input_type: InputType,
        parts: Sequence[Parts],
    ) -> Sequence[str]:
        check = self._handler.check_texts
        for guardrail in self.applied():
            texts = await check(guardrail, request_data, logging_obj, texts, input_type=input_type, parts=parts)
        return texts

    def _ending(
        self, refusal: HTTPException | ModifyResponseException, sent: list[Payload], handler: FormatHandler
    ) -> Sequence[Payload]:
        """The events that end a refused stream in a valid way, or the refusal itself if no status is sent yet."""
        ending: Sequence[Payload] | None
        if isinstance(refusal, ModifyResponseException):
            ending = handler.build_block_sse_chunks(refusal, stream_started=bool(sent), responses_so_far=sent)
        else:
            ending = handler.build_stream_error_items(refusal, sent) if sent else None
        if ending is None:
            raise refusal
        return ending


@contextmanager
def _refusing(wire_format: TextFormat, data: JsonObject) -> Generator[None]:
    """Where no answer can be put in a model's mouth, a guardrail that wants to do so refuses. Hides it from logs."""
    try:
        yield
    except ModifyResponseException as refusal:
        hide_refused_answer(data)
        hide_body(data)
        if isinstance(wire_format, Format):
            raise
        raise HTTPException(status_code=400, detail={"error": refusal.message}) from refusal
    except Exception:
        hide_refused_answer(data)
        hide_body(data)
        raise


class ResponsesTextGuardrail(TextGuardrail):
    """`TextGuardrail` by the name that it had when it knew the Responses API alone."""

    def __init__(self, **settings: Payload) -> None:
        super().__init__(**settings)
        logger.warning("guardrail %s: ResponsesTextGuardrail is now called TextGuardrail", self.guardrail_name)
