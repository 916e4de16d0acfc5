"""Making LiteLLM use our translation handler for the Responses API."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from litellm.llms import load_guardrail_translation_mappings
from litellm.llms.base_llm.guardrail_translation.base_translation import BaseTranslation
from litellm.llms.openai.responses.guardrail_translation.handler import OpenAIResponsesHandler as BuiltIn
from litellm.types.utils import CallTypes

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import known_format
from litellm_bighub.gateway.hooks.translation.copied_fields import ConvertedField, chat_tools
from litellm_bighub.gateway.hooks.translation.format_handler import Copies, FormatHandler
from litellm_bighub.gateway.hooks.translation.override_points import WIRE_FORMAT
from litellm_bighub.gateway.hooks.translation.request_messages import UNREADABLE
from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler

_MESSAGES: Final = "messages"


class _EndingHandler(FormatHandler):
    """Ends refused streams as LiteLLM's own handler of the format does, and makes chat messages of conversations.

    Args:
        wire_format: the format.
        ends: LiteLLM's handler.
    """

    def __init__(self, wire_format: Format, ends: BaseTranslation) -> None:
        super().__init__(wire_format)
        self._ends = ends

    def _copies(self, data: JsonObject, skipped: Collection[str]) -> Copies | None:
        """The conversation and the tools; those of Messages as LiteLLM's handler makes chat messages of them."""
        copies = super()._copies(data, skipped)
        if copies is not None or self.wire_format.conversation != _MESSAGES:
            return copies
        unseen = {_MESSAGES, "system"} if "system" in skipped else {_MESSAGES}
        items = self._in_scope(data, skipped)
        view = {key: value for key, value in data.items() if key not in unseen}

        def messages() -> list[Payload]:
            try:
                return list(self._ends.get_structured_messages({**view, _MESSAGES: items}) or ())
            except UNREADABLE as error:
                raise PayloadError(_MESSAGES, "cannot be turned into chat messages") from error

        return Copies(
            ConvertedField("tools", lambda: chat_tools(data.get("tools"))),
            ConvertedField("structured_messages", messages),
        )

    def build_block_sse_chunks(self, *arguments: Payload, **options: Payload) -> Sequence[Payload] | None:
        """A stream with the notice of the block in place of an answer, or after its beginning."""
        return self._ends.build_block_sse_chunks(*arguments, **options)

    def build_stream_error_items(self, *arguments: Payload, **options: Payload) -> Sequence[Payload] | None:
        """The error with which a stream ends that has begun."""
        return self._ends.build_stream_error_items(*arguments, **options)


def handler_of(wire_format: Format) -> FormatHandler:
    """A new handler for the texts of a format."""
    if wire_format.name == WIRE_FORMAT:
        return OpenAIResponsesHandler()
    mappings = load_guardrail_translation_mappings()  # type: ignore[no-untyped-call] # LiteLLM left it untyped
    known = {each.value: each for each in CallTypes}
    for call_type in wire_format.call_types:
        if known.get(call_type) in mappings:
            return _EndingHandler(wire_format, mappings[known[call_type]]())
    return FormatHandler(wire_format)


def install(handler: type[OpenAIResponsesHandler] | None = None) -> None:
    """Register the translation handler for `CallTypes.responses` and `CallTypes.aresponses`, if they are governed.

    Runs by itself as soon as one of our guardrails is built. May be called any number of times.

    Args:
        handler: a subclass of our handler to use in its place; without one, a subclass registered earlier stays.
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
    wire_format = known_format(WIRE_FORMAT)
    return (
        ()
        if wire_format is None or wire_format.texts is None
        else [CallTypes(each) for each in wire_format.texts.call_types]
    )
