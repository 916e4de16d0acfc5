"""A guardrail whose own hooks run in every subclass, and that only the operator can switch off."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ClassVar, Final

from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.guardrails import GuardrailEventHooks

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.format import Format, TextFormat
from litellm_bighub.formats.registry import FORMATS
from litellm_bighub.gateway.logs.delivered_answer import found_record, log_request, open_record
from litellm_bighub.gateway.logs.logged_details import logged_details
from litellm_bighub.gateway.pipeline.provider_error import sanitized_error
from litellm_bighub.gateway.pipeline.request_log import PROVIDER
from litellm_bighub.gateway.routes.route_formats import format_of_route
from litellm_bighub.gateway.setup.guardrail_mode import events_of
from litellm_bighub.gateway.setup.litellm_parameters import check_stream_scope
from litellm_bighub.gateway.setup.opt_outs import OptOuts, authenticated, opt_out_question
from litellm_bighub.gateway.setup.proxy_process import is_proxy

logger = logging.getLogger(__name__)

NOT_BY_DEFAULT: Final = "it runs only where a request, key or team names it, so a caller may leave it out"
_LEAF_HOOKS = (
    "async_pre_call_hook",
    "async_post_call_success_hook",
    "async_post_call_streaming_iterator_hook",
    "async_post_call_response_headers_hook",
)


class NativeGuardrail(CustomGuardrail):
    """A `CustomGuardrail` whose own hooks LiteLLM calls on every event, in place of its unified path.

    LiteLLM looks for some hooks in the leaf class alone, so that a subclass without them would silently lose them: they
    are re-exported to each.

    Args:
        guardrail_name: how configs, logs and errors call it.
        event_hook: LiteLLM's `mode`.
        default_on: whether it runs without being asked for.
        opt_outs: who may opt out of it.
        **litellms: LiteLLM's own parameters for guardrails.
    """

    use_native_lifecycle_hooks: ClassVar[bool] = True

    formats: ClassVar[frozenset[Format]] = frozenset(FORMATS)
    """The formats whose errors may quote no words of the provider."""

    checks_texts: ClassVar[bool] = False
    """Whether it is there for texts."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        for name in _LEAF_HOOKS:
            if name not in vars(cls):
                setattr(cls, name, getattr(cls, name))

    def __init__(
        self,
        *,
        guardrail_name: str,
        event_hook: Payload,
        default_on: bool | None,
        opt_outs: OptOuts,
        **litellms: Payload,
    ) -> None:
        super().__init__(guardrail_name=guardrail_name, event_hook=event_hook, default_on=bool(default_on), **litellms)
        self.opt_outs = opt_outs
        self._events = events_of(event_hook)
        if not default_on and is_proxy():  # LiteLLM makes false of what a config does not say
            logger.warning("guardrail %s: default_on is not true: %s", guardrail_name, NOT_BY_DEFAULT)

    def should_run_guardrail(self, data: JsonObject, event_type: GuardrailEventHooks) -> bool:
        """Whether LiteLLM is to call its hooks on this event.

        LiteLLM's no to what the config has on is one of the key, the team or the request. It does not count, but for
        answers to keys that may opt out; the hook before the call runs even then, and records it.
        """
        if event_type is GuardrailEventHooks.logging_only:
            return found_record(data) is not None
        if not self._is_on(event_type):
            return super().should_run_guardrail(data, event_type) is True
        key = authenticated(data) if event_type is GuardrailEventHooks.post_call and self.opt_outs.teams else None
        if key is None or not self.opt_outs.may(key):
            return True
        return super().should_run_guardrail(data, event_type) is True or not self._opts_out(key, event_type)

    async def opted_out(self, data: JsonObject, key: UserAPIKeyAuth, asks: Callable[[], CallContext]) -> bool:
        """Whether a request is left alone since its key has opted out and may do so. That is recorded.

        Args:
            data: the request.
            key: whose it is.
            asks: finds out who asks.

        Raises:
            UnrecordedOptOutError: it could not be recorded.
        """
        event_type = GuardrailEventHooks.pre_call
        if not self._is_on(event_type) or not self._opts_out(key, event_type):
            return False
        if not self.opt_outs.may(key):
            self.opt_outs.ignored(key)
            return False
        event = await self.opt_outs.record(asks())
        self.add_standard_logging_guardrail_information_to_request_data(
            guardrail_json_response=event.as_dict(),
            request_data=data,
            guardrail_status="not_run",
            guardrail_provider=PROVIDER,
            event_type=event_type,
        )
        return True

    def apply_stream_scope(self, stream_scope: object) -> None:
        """Take `stream_scope`, which LiteLLM hands over after it has built a guardrail.

        Raises:
            ConfigurationError: it is not `both`.
        """
        check_stream_scope(self.guardrail_name or type(self).__name__, stream_scope)
        super().apply_stream_scope(stream_scope)

    def _is_on(self, event_type: GuardrailEventHooks) -> bool:
        """Whether the config has it on for this event, without being asked for."""
        return self.default_on and (not self._events or event_type.value in self._events)

    def _opts_out(self, key: UserAPIKeyAuth, event_type: GuardrailEventHooks) -> bool:
        return super().should_run_guardrail(opt_out_question(key), event_type) is not True

    def log_governed(self, data: JsonObject, wire_format: TextFormat) -> None:
        """Have LiteLLM log a request as it is now, and of its answer what the caller will have got.

        Args:
            data: the request, put right.
            wire_format: its format.
        """
        log_request(data, wire_format.conversation)
        if self.should_run_guardrail(data, GuardrailEventHooks.post_call):
            open_record(data, wire_format)

    async def async_logging_hook(
        self, kwargs: JsonObject, result: Payload, call_type: str
    ) -> tuple[JsonObject, Payload]:
        """Have loggers get what the caller got."""
        del call_type
        return logged_details(kwargs, result)

    def logging_hook(self, kwargs: JsonObject, result: Payload, call_type: str) -> tuple[JsonObject, Payload]:
        """As above, for loggers that LiteLLM runs in a thread."""
        del call_type
        return logged_details(kwargs, result)

    def sanitizes(self, user_api_key_dict: UserAPIKeyAuth) -> bool:
        """Whether errors on this route may quote no words of the provider."""
        return format_of_route(user_api_key_dict) in self.formats

    async def async_post_call_failure_hook(
        self,
        request_data: JsonObject,
        original_exception: Exception,
        user_api_key_dict: UserAPIKeyAuth,
        traceback_str: str | None = None,
    ) -> HTTPException | None:
        """Take undecided calls and unchecked texts out of an error. On `/v1/messages` no other hook can."""
        del traceback_str
        if not self.sanitizes(user_api_key_dict):
            return None
        if not self.should_run_guardrail(request_data, GuardrailEventHooks.post_call):
            return None
        harmless = sanitized_error(original_exception, wording=self.opt_outs.wording)
        return harmless if isinstance(harmless, HTTPException) and harmless is not original_exception else None
