"""Making LiteLLM use our translation handler for the Responses API."""

from __future__ import annotations

from collections.abc import Sequence

from litellm.llms import load_guardrail_translation_mappings
from litellm.llms.openai.responses.guardrail_translation.handler import OpenAIResponsesHandler as BuiltIn
from litellm.types.utils import CallTypes

from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import known_format
from litellm_bighub.gateway.hooks.format_handler import FormatHandler
from litellm_bighub.gateway.hooks.responses_handler import OpenAIResponsesHandler


def handler_of(wire_format: Format) -> FormatHandler:
    """A new handler for the texts of a format."""
    return OpenAIResponsesHandler() if wire_format.name == "responses" else FormatHandler(wire_format)


def install(handler: type[OpenAIResponsesHandler] | None = None) -> None:
    """Register the translation handler for `CallTypes.responses` and `CallTypes.aresponses`, if they are governed.

    Runs on its own as soon as a guardrail of ours is built. May be called any number of times.

    Args:
        handler: a subclass of ours to be used in its place; without one, a subclass registered earlier stays.
    """
    mappings = load_guardrail_translation_mappings()  # type: ignore[no-untyped-call] # LiteLLM left it untyped
    for call_type in _call_types():
        registered = mappings.get(call_type)
        if handler is not None:
            mappings[call_type] = handler
        elif registered is None or not issubclass(registered, OpenAIResponsesHandler):
            mappings[call_type] = OpenAIResponsesHandler


def uninstall() -> None:
    """Give the call types back to LiteLLM's own handler."""
    mappings = load_guardrail_translation_mappings()  # type: ignore[no-untyped-call] # LiteLLM left it untyped
    for call_type in _call_types():
        mappings[call_type] = BuiltIn


def _call_types() -> Sequence[CallTypes]:
    """The requests that LiteLLM hands to the handler."""
    wire_format = known_format("responses")
    return (
        ()
        if wire_format is None or wire_format.texts is None
        else [CallTypes(each) for each in wire_format.texts.call_types]
    )
