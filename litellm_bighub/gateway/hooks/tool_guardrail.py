"""`BighubGuardrail`: decides on every tool call that passes the gateway.

LiteLLM starts a proxy without a guardrail whose constructor raises `ValueError`, so configuration errors are
`RuntimeError`s.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import litellm
from litellm.caching.dual_cache import DualCache
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.guardrails import GuardrailEventHooks
from litellm.types.utils import CallTypes, CallTypesLiteral

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.event_sinks import DecisionHook
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.registry import format_of_answer, format_of_call
from litellm_bighub.formats.stream.stream_failure import StreamFailure
from litellm_bighub.gateway.conversation.decision_cache import DecisionCache
from litellm_bighub.gateway.conversation.stored_responses import as_answer, is_deletion, is_stored
from litellm_bighub.gateway.hooks.answer_headers import decision_headers
from litellm_bighub.gateway.hooks.native_guardrail import NativeGuardrail
from litellm_bighub.gateway.hooks.proxy_request import ProxyRequest
from litellm_bighub.gateway.hooks.registration import install
from litellm_bighub.gateway.logs.delivered_answer import keep_answer, keep_stream
from litellm_bighub.gateway.logs.logged_details import hide_refused, hiding_refused_answer
from litellm_bighub.gateway.mcp.mcp_calls import CALLING, LISTING, govern_mcp_call
from litellm_bighub.gateway.mcp.mcp_results import McpResults, tell_approval, tell_approval_late
from litellm_bighub.gateway.mcp.mcp_sampling import check_sampled, check_sampling, is_asked_by_server
from litellm_bighub.gateway.pipeline.answer_format import check_streamed_answer, check_whole_answer
from litellm_bighub.gateway.pipeline.enforcement import Enforcement
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding
from litellm_bighub.gateway.pipeline.gated_stream import as_litellm_event
from litellm_bighub.gateway.pipeline.hosted_tools import HostedTools
from litellm_bighub.gateway.pipeline.pipeline import Pipeline
from litellm_bighub.gateway.pipeline.provider_error import SanitizedStream
from litellm_bighub.gateway.pipeline.request_log import RequestLog
from litellm_bighub.gateway.routes.client_connection import keep_connections
from litellm_bighub.gateway.routes.route_formats import format_of_route, whole_formats
from litellm_bighub.gateway.routes.route_guard import (
    RouteGuard,
    check_single_guard,
    close_ungoverned_routes,
    route_guard_of,
)
from litellm_bighub.gateway.sdk.reentrancy import begin_call, is_governed_in_code
from litellm_bighub.gateway.sdk.ungoverned_calls import (
    GOVERNED,
    UNGOVERNED,
    RefusedCallError,
    bypass_cache,
    refuse_ungoverned,
    refused,
    why_ungoverned,
)
from litellm_bighub.gateway.setup.configuration import (
    build_conversation,
    build_opt_outs,
    build_outcomes,
    build_tool_decisions,
    check_consent,
    check_continuing,
    check_database,
    check_litellm,
    import_hook,
    process_telemetry,
    read_settings,
    wording_of,
)
from litellm_bighub.gateway.setup.guardrail_mode import check_calls_mode
from litellm_bighub.gateway.setup.opt_outs import check_opt_outs
from litellm_bighub.gateway.setup.proxy_process import is_proxy, process_stop, proxy_app
from litellm_bighub.settings import GuardrailSettings


class BighubGuardrail(NativeGuardrail):
    """Decides on the tool calls of Responses, chat and Messages answers, whole and streamed.

    Enabled in a proxy config as `guardrail: litellm_bighub.BighubGuardrail` with `mode: [pre_call, post_call]`; its
    settings (`litellm_bighub.settings.GuardrailSettings`) stand beside them. In code: `BighubGuardrail(policy=…)`.

    Args:
        guardrail_name: how configs, logs and errors call it.
        event_hook: LiteLLM's `mode`.
        default_on: whether it runs without being asked for.
        decider_instance: decides in place of the decider that the settings name.
        on_decision: a function, or `module.function`, that is given every decision before anything is released.
        **settings: settings, and LiteLLM's own parameters for guardrails.

    Raises:
        ConfigurationError: a key or value that cannot be used.
    """

    def __init__(
        self,
        *,
        guardrail_name: str | None = None,
        event_hook: Payload = None,
        default_on: bool | None = False,
        decider_instance: Decider | None = None,
        on_decision: DecisionHook | str | None = None,
        **settings: Payload,
    ) -> None:
        name = guardrail_name or type(self).__name__
        self.settings, litellms = read_settings(GuardrailSettings, name, settings)
        check_litellm(allows_unsupported=self.settings.allow_unsupported_litellm)
        check_calls_mode(name, event_hook)
        check_opt_outs(name, event_hook, self.settings.may_opt_out)
        check_continuing(name, self.settings)
        self.route_guard = route_guard_of(name, event_hook, self.settings.open_routes, wording_of(self.settings))
        if default_on:
            check_single_guard(self.route_guard, _on_by_default(litellm.callbacks))
        self.tool_decisions = build_tool_decisions(
            self.settings,
            decider=decider_instance,
            on_decision=import_hook(f"{name}.on_decision", on_decision),
            sinks=[RequestLog()],
            telemetry=process_telemetry(),
        )
        if is_proxy():
            check_database(self.settings, self.tool_decisions.decider)
        opt_outs = build_opt_outs(name, self.settings, self.tool_decisions)
        super().__init__(
            guardrail_name=name, event_hook=event_hook, default_on=default_on, opt_outs=opt_outs, **litellms
        )
        withholding = Withholding(
            self.settings.on_block,
            self.settings.on_approval,
            self.settings.reveal,
            self.settings.on_unapproved_result,
            self.settings.approval_wait_seconds,
            self.settings.continue_rounds,
        )
        self.enforcement = Enforcement(
            self.tool_decisions, withholding, name=name, cache=DecisionCache(self.tool_decisions)
        )
        self.mcp_results = McpResults(build_outcomes(self.settings, self.tool_decisions))
        self.pipeline = Pipeline(
            self.enforcement,
            build_conversation(self.settings, self.tool_decisions),
            HostedTools(self.enforcement, gateway_mcp=self.route_guard.mcp),
        )
        check_consent(name, self.settings, takes_consent=self.tool_decisions.takes_consent)
        if default_on:
            close_ungoverned_routes(proxy_app(), self.route_guard, self.settings.ungoverned_routes)
        if withholding.waits:
            keep_connections()
            if is_proxy():
                process_stop().listen()
        install()

    def request(
        self, data: JsonObject, key: UserAPIKeyAuth | None = None, wire_format: Format | None = None
    ) -> ProxyRequest:
        """A request as its hooks are given it, for the pipeline.

        Args:
            data: the request.
            key: who asks, as authenticated; `None` in code.
            wire_format: its format.
        """
        return ProxyRequest(self, self.settings, process_telemetry(), data, key, wire_format)

    async def async_pre_call_hook(
        self,
        user_api_key_dict: UserAPIKeyAuth,
        cache: DualCache,  # noqa: ARG002 - LiteLLM passes it by name
        data: JsonObject,
        call_type: CallTypesLiteral,
    ) -> JsonObject:
        """Decide on what runs before its answer is seen, and put right what comes back from earlier answers.

        The first are providers' own tools and MCP tools of the gateway, the second answers to requests for approval and
        results of calls.
        """
        if call_type == LISTING:
            return data
        request = self.request(data, user_api_key_dict, format_of_call(call_type))
        if call_type == CALLING:
            sees_results = self.should_run_guardrail(data, GuardrailEventHooks.post_mcp_call)
            results = self.mcp_results if sees_results else None
            with request.logged_request():
                await govern_mcp_call(self.enforcement, data, request.context(), results=results)
            return data
        if not await self.opted_out(data, user_api_key_dict, request.context):
            if is_asked_by_server(data):
                check_sampling(data, self.opt_outs.wording)
            await self.pipeline.request(request)
            if request.wire_format is not None:
                self.log_governed(data, request.wire_format)
        return data

    async def async_post_call_success_hook(
        self, data: JsonObject, user_api_key_dict: UserAPIKeyAuth, response: Payload
    ) -> Payload:
        """Decide on the calls of a whole answer."""
        with hiding_refused_answer(data):
            return await self._governed_answer(data, user_api_key_dict, response)

    async def _governed_answer(self, data: JsonObject, user_api_key_dict: UserAPIKeyAuth, response: Payload) -> Payload:
        await self.pipeline.conversation.record_results(data, response)
        request = self.request(data, user_api_key_dict)
        if is_stored(request.where) and is_deletion(response):
            return response
        answer = as_answer(response, data)
        check_whole_answer(answer, whole_formats(user_api_key_dict), data, request.where, self.opt_outs.wording)
        governed_answer = await self.pipeline.answer(request, answer)
        delivered = governed_answer if answer is response else response
        keep_answer(data, delivered, format_of_answer(delivered))
        return delivered

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: UserAPIKeyAuth, response: Payload, request_data: JsonObject
    ) -> AsyncGenerator[Any, None]:
        """Let a stream's text flow, and hold each call until it is decided."""
        wanted = self.should_run_guardrail(request_data, GuardrailEventHooks.post_call)
        wire_format = format_of_route(user_api_key_dict) if wanted else None
        if wire_format is None:
            async for event in response:
                yield event
            return
        request = self.request(request_data, user_api_key_dict, wire_format)
        last: object = None
        begun: object = None
        sent = keep_stream(request_data, wire_format)
        try:
            if whole_formats(user_api_key_dict):
                check_streamed_answer(response, request_data, request.where, self.opt_outs.wording)
            governed = self.pipeline.stream(request, SanitizedStream(response, self.opt_outs.wording))
            async with aclosing(governed) as governed_events:
                async for event in governed_events:
                    last = event
                    begun = get(event, "response") or begun
                    sent.append(event)
                    yield event
        except (ToolCallWithheld, UnreadableAnswerError) as refused_:
            # LiteLLM would raise this again, which cuts the connection, or would send it in OpenAI's form only.
            for end in wire_format.failed_stream(_failure(refused_, last, begun)):
                sent.append(end)
                yield as_litellm_event(end) if wire_format.has_event_objects else end

    async def async_pre_call_deployment_hook(
        self, kwargs: JsonObject, call_type: CallTypes | None
    ) -> JsonObject | None:
        """Refuse calls in code whose answers no hook of LiteLLM could govern.

        Raises:
            UngovernedCallError: a streamed, retried or synchronous call; names the function that is governed.
        """
        if is_proxy() or is_governed_in_code():
            return kwargs
        refusal = why_ungoverned(call_type, kwargs)
        if refusal:
            return refused(RefusedCallError(refusal), call_type)
        if call_type is not None and call_type in GOVERNED:
            begin_call()
            bypass_cache(kwargs)
            await self.pipeline.request(self.request(kwargs, wire_format=format_of_call(call_type.value)))
        return kwargs

    def log_pre_api_call(self, model: str, messages: object, kwargs: JsonMapping) -> None:
        """Refuse calls in code for which LiteLLM runs neither of the deployment hooks. Nothing has been sent yet.

        What is refused in the proxy is hidden from loggers.

        Raises:
            UngovernedCallExit: a call whose answer no hook is given; says what to do instead.
        """
        del model, messages
        hide_refused(kwargs, request=False)
        refuse_ungoverned(self, kwargs, UNGOVERNED)

    async def async_post_call_success_deployment_hook(
        self, request_data: JsonObject, response: Payload, call_type: CallTypes | None
    ) -> Payload:
        """Decide on the calls of an answer in code; the proxy has its own hook, but for answers to an MCP server."""
        if is_asked_by_server(request_data) and self.should_run_guardrail(request_data, GuardrailEventHooks.post_call):
            sampled = None if call_type is None else format_of_call(call_type.value)
            check_sampled(response, sampled, self.opt_outs.wording)
            return response
        if call_type is not None and call_type in GOVERNED and not is_proxy() and not is_governed_in_code():
            await self.pipeline.conversation.record_results(request_data, response)
            wire_format = format_of_call(call_type.value)
            formats = () if wire_format is None else (wire_format,)
            where = f"litellm.{call_type.value}"
            check_whole_answer(response, formats, request_data, where, self.opt_outs.wording)
            return await self.pipeline.answer(self.request(request_data, wire_format=wire_format), response)
        return response

    async def async_post_call_response_headers_hook(
        self,
        data: JsonObject,
        user_api_key_dict: UserAPIKeyAuth,
        response: object,
        request_headers: dict[str, str] | None = None,
        litellm_call_info: dict[str, object] | None = None,
    ) -> dict[str, str] | None:
        """Send the client what was decided, and the ids that find it in the audit."""
        del user_api_key_dict, response, request_headers, litellm_call_info
        wanted = self.should_run_guardrail(data, GuardrailEventHooks.post_call)
        return decision_headers(data) if wanted else None

    async def async_post_mcp_tool_call_hook(
        self, kwargs: JsonObject, response_obj: Payload, start_time: datetime, end_time: datetime
    ) -> Payload:
        """Report the result of an MCP call, and tell its caller what a person has changed or says.

        LiteLLM calls this with its own record of the call.
        """
        self.mcp_results.tell(kwargs, start_time, end_time)
        return response_obj if tell_approval(kwargs, response_obj) else None

    async def async_log_success_event(
        self, kwargs: JsonObject, response_obj: Payload, start_time: datetime, end_time: datetime
    ) -> None:
        """Tell the caller of an MCP call what a person has changed or says, where the hook after the call could not."""
        del response_obj, start_time, end_time
        tell_approval_late(kwargs)

    async def async_log_failure_event(
        self, kwargs: JsonObject, response_obj: Payload, start_time: datetime, end_time: datetime
    ) -> None:
        """Report an MCP call that was made and has no result, or an error as its result."""
        del response_obj
        tell_approval_late(kwargs)
        self.mcp_results.tell(kwargs, start_time, end_time, failed=True)


def _on_by_default(callbacks: Iterable[object]) -> Iterator[RouteGuard]:
    for callback in callbacks:
        if isinstance(callback, BighubGuardrail) and callback.default_on:
            yield callback.route_guard


def _failure(error: ToolCallWithheld | UnreadableAnswerError, last: object, begun: object) -> StreamFailure:
    if isinstance(error, ToolCallWithheld):
        return StreamFailure(error.kind, error.notice, error.status_code, last, begun)
    return StreamFailure(error.type, str(error), error.status_code, last, begun)
