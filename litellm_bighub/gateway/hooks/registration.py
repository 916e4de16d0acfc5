"""Making LiteLLM use our translation handler for the Responses API."""

from __future__ import annotations

from litellm.llms import load_guardrail_translation_mappings
from litellm.llms.openai.responses.guardrail_translation.handler import OpenAIResponsesHandler as BuiltIn
from litellm.types.utils import CallTypes

from litellm_bighub.gateway.hooks.responses_handler import OpenAIResponsesHandler

_CALL_TYPES = (CallTypes.responses, CallTypes.aresponses)


def install(handler: type[OpenAIResponsesHandler] | None = None) -> None:
    """Register the translation handler for `CallTypes.responses` and `CallTypes.aresponses`.

    Runs on its own as soon as a guardrail of ours is built. May be called any number of times.

    Args:
        handler: a subclass of ours to be used in its place; without one, a subclass registered earlier stays.
    """
    mappings = load_guardrail_translation_mappings()  # type: ignore[no-untyped-call] # LiteLLM left it untyped
    for call_type in _CALL_TYPES:
        registered = mappings.get(call_type)
        if handler is not None:
            mappings[call_type] = handler
        elif registered is None or not issubclass(registered, OpenAIResponsesHandler):
            mappings[call_type] = OpenAIResponsesHandler


def uninstall() -> None:
    """Give the call types back to LiteLLM's own handler."""
    mappings = load_guardrail_translation_mappings()  # type: ignore[no-untyped-call] # LiteLLM left it untyped
    for call_type in _CALL_TYPES:
        mappings[call_type] = BuiltIn
