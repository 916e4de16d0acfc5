"""A guardrail whose own hooks run, in every subclass."""

from __future__ import annotations

from typing import ClassVar

from litellm.integrations.custom_guardrail import CustomGuardrail

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

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        for name in _LEAF_HOOKS:
            if name not in vars(cls):
                setattr(cls, name, getattr(cls, name))
