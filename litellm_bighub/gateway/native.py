"""A guardrail whose own hooks run, in every subclass."""

from __future__ import annotations

from typing import Any, ClassVar

from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.guardrails import GuardrailEventHooks

from litellm_bighub.gateway.provider_error import quieted
from litellm_bighub.gateway.surface import Format, format_of_route

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
    """

    use_native_lifecycle_hooks: ClassVar[bool] = True

    formats: ClassVar[frozenset[Format]] = frozenset(Format)
    """The formats in whose errors nobody may be quoted."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        for name in _LEAF_HOOKS:
            if name not in vars(cls):
                setattr(cls, name, getattr(cls, name))

    async def async_post_call_failure_hook(
        self,
        request_data: dict[str, Any],
        original_exception: Exception,
        user_api_key_dict: UserAPIKeyAuth,
        traceback_str: str | None = None,
    ) -> HTTPException | None:
        """Take out of an error what nobody decided on or checked. On `/v1/messages` LiteLLM hears of no other error."""
        del traceback_str
        if format_of_route(user_api_key_dict) not in self.formats:
            return None
        if not self.should_run_guardrail(request_data, GuardrailEventHooks.post_call):
            return None
        told = quieted(original_exception)
        return told if isinstance(told, HTTPException) and told is not original_exception else None
