"""Runs a guardrail over all texts of a format's requests and answers, wherever the format's record finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from litellm.llms.base_llm.guardrail_translation.base_translation import BaseTranslation

from litellm_bighub.checks.contract import Contract, Guardrail, contract_of
from litellm_bighub.checks.text_check import InputType, TextAnswer, TextQuestion
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import Found
from litellm_bighub.formats.registry import texts_of
from litellm_bighub.gateway.hooks.guardrail_calls import calls_each
from litellm_bighub.gateway.hooks.guardrail_exchange import Extracted, ask, context_of, write
from litellm_bighub.gateway.hooks.scan_record import record_scan
from litellm_bighub.gateway.hooks.tool_call_chunks import NO_CALLS
from litellm_bighub.gateway.pipeline.merged_request import LITELLM_FIELDS, merge_request
from litellm_bighub.settings import TextCalls


class FormatHandler(BaseTranslation):
    """Checks texts of one format. A format whose guardrails get more than texts has a handler of its own above this.

    Args:
        wire_format: the format.
    """

    text_calls: ClassVar[TextCalls] = "auto"
    """How guardrails of today's contract are called; a guardrail's own attribute `text_calls` goes before it."""

    max_parallel_texts: ClassVar[int] = 64
    """How many checks of one payload may be under way at once."""

    def __init__(self, wire_format: Format) -> None:
        super().__init__()
        self.wire_format = wire_format

    @property
    def _texts(self) -> FormatTexts:
        return texts_of(self.wire_format)

    async def process_input_messages(
        self, data: JsonObject, guardrail_to_apply: Guardrail | None, litellm_logging_obj: Payload = None
    ) -> JsonObject:
        """Check every text of a request, and write back what the guardrail changed.

        Raises:
            PayloadError: the request cannot be read. Nothing has been written.
            GuardrailAnswerError: the answer cannot be mapped back, or broke a JSON field. Nothing has been written.
        """
        if guardrail_to_apply is not None:
            merge_request(data, self.wire_format)
            found = self._texts.in_request(data, tools="all", unsent=LITELLM_FIELDS)
            await self._check_found(found, data, guardrail_to_apply, data, "request", litellm_logging_obj)
        return data

    async def process_output_response(
        self,
        response: Payload,
        guardrail_to_apply: Guardrail | None,
        litellm_logging_obj: Payload = None,
        user_api_key_dict: Payload = None,
        request_data: JsonObject | None = None,
    ) -> Payload:
        """Check every text of an answer, and write back what the guardrail changed.

        Raises:
            PayloadError: the answer of the model cannot be read. Nothing has been written.
            GuardrailAnswerError: the guardrail's cannot be mapped back, or broke a JSON field. Nothing is written.
        """
        if guardrail_to_apply is not None:
            request_data = self._known_request(request_data, user_api_key_dict)
            request_data.setdefault("response", response)
            found = self._texts.in_answer(response)
            await self._check_found(found, response, guardrail_to_apply, request_data, "response", litellm_logging_obj)
        return response

    async def check_texts(
        self,
        guardrail: Guardrail,
        request_data: JsonObject,
        logging_obj: Payload,
        texts: Sequence[str],
        *,
        input_type: InputType = "response",
    ) -> list[str]:
        """Check texts that belong to no payload of this API or to a stream, each on its own.

        Returns:
            One text for each, in their order.

        Raises:
            GuardrailAnswerError: the answer cannot be mapped back.
        """
        question = TextQuestion(texts, {}, None, request_data, input_type, logging_obj)
        answer, _ = await self._ask(guardrail, question, Extracted())
        return answer.texts

    async def _check_found(
        self,
        found: Found,
        payload: Payload,
        guardrail: Guardrail,
        request_data: JsonObject,
        side: InputType,
        logging_obj: Payload,
    ) -> None:
        context: JsonObject = {}
        if contract_of(guardrail) is Contract.INPUTS:
            context = context_of(found, fields.get(payload, "model"), NO_CALLS)
        question = TextQuestion(found.texts, context, None, request_data, side, logging_obj)
        record_scan(guardrail, question, found.hidden)
        answer, _ = await self._ask(guardrail, question, Extracted())
        write(found.slots, answer, NO_CALLS, guardrail)

    def _known_request(self, request_data: JsonObject | None, user_api_key_dict: Payload) -> JsonObject:
        """The request, with who asks in the place where guardrails look for it."""
        known: JsonObject = {} if request_data is None else request_data
        if "litellm_metadata" not in known:
            user_metadata = self.transform_user_api_key_dict_to_metadata(user_api_key_dict)
            if user_metadata:
                known["litellm_metadata"] = user_metadata
        return known

    async def _ask(
        self, guardrail: Guardrail, question: TextQuestion, extracted: Extracted
    ) -> tuple[TextAnswer, Sequence[str]]:
        each = calls_each(guardrail, self.text_calls)
        return await ask(guardrail, question, extracted, each=each, limit=self.max_parallel_texts)
