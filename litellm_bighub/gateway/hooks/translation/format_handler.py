"""Runs a guardrail over all texts of a format's requests and answers, wherever the format's record finds them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final, NamedTuple, cast

import litellm
from litellm.llms.base_llm.guardrail_translation.base_translation import BaseTranslation

from litellm_bighub.checks.contract import Contract, Guardrail, Inputs, contract_of, name_of
from litellm_bighub.checks.second_look import Parts, SecondLook
from litellm_bighub.checks.text_check import InputType, TextAnswer, TextQuestion, lone_answer
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.format import TextFormat
from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.message_parts import parts_of
from litellm_bighub.formats.payload.slots import Found, LoneText, Slot, rewrite, slot_of
from litellm_bighub.formats.registry import texts_of
from litellm_bighub.formats.stream.text_gate import Scan
from litellm_bighub.gateway.hooks.translation.copied_fields import ConvertedField, CopiedField
from litellm_bighub.gateway.hooks.translation.guardrail_calls import (
    NO_CALLS,
    ToolCallChunks,
    calls_each,
    knows_answers_alone,
)
from litellm_bighub.gateway.hooks.translation.guardrail_exchange import (
    TWICE,
    AskMode,
    Extracted,
    as_answer_error,
    ask,
    check_twice,
    context_of,
    media_rewrites,
    texts_and_calls,
    write_found,
)
from litellm_bighub.gateway.hooks.translation.scan_record import record_lone_text, record_scan
from litellm_bighub.gateway.pipeline.merged_request import LITELLM_FIELDS, merge_request, merged_fields
from litellm_bighub.settings import TextCalls

_INPUTS: Final = Contract.INPUTS
_ONE_LOOK: Final = SecondLook(join_parts=False, ignore_invisible=False)
_SKIP_SYSTEM: Final = "skip_system_message_in_guardrail"
_SKIP_RESULTS: Final = "skip_tool_message_in_guardrail"


class Copies(NamedTuple):
    """What a guardrail gets of a request besides its texts."""

    tools: CopiedField | ConvertedField
    messages: CopiedField | ConvertedField


class LazyCopies:
    """The copies of a request, made as soon as somebody asks for them: most guardrails never do.

    Args:
        make: makes them; `None` if the format has no such form.
        request: the request.
        skipped: roles whose messages are out of the guardrail's scope.
    """

    __slots__ = ("_made", "_make", "_request", "_skipped")

    def __init__(
        self,
        make: Callable[[JsonObject, Collection[str]], Copies | None],
        request: JsonObject,
        skipped: Collection[str] = (),
    ) -> None:
        self._make: Callable[[JsonObject, Collection[str]], Copies | None] | None = make
        self._request = request
        self._skipped = skipped

    @property
    def made(self) -> Copies | None:
        """The copies."""
        if self._make is not None:
            self._made, self._make = self._make(self._request, self._skipped), None
        return self._made

    def messages(self) -> list[Payload] | None:
        """The conversation, for a guardrail that may write into it."""
        return None if self.made is None else self.made.messages.handed_over()

    def tools(self, request: JsonObject) -> list[Payload]:
        """The tools of a request, in the same way."""
        return self.made.tools.handed_over() if request.get("tools") and self.made is not None else []


class FormatHandler(BaseTranslation):
    """Checks texts of one format. A format whose guardrails get more than texts has a subclass of this.

    Args:
        wire_format: the format.
    """

    text_calls: ClassVar[TextCalls] = "auto"
    """How guardrails of today's contract are called; a guardrail's own attribute `text_calls` goes before it."""

    max_parallel_texts: ClassVar[int] = 64
    """How many checks of one payload may be under way at once."""

    second_look: SecondLook = SecondLook()
    """Which texts a guardrail is asked about once more, joined or without what is invisible in them."""

    def __init__(self, wire_format: TextFormat) -> None:
        super().__init__()
        self.wire_format = wire_format
        self._merged = merged_fields(wire_format.conversation)

    @cached_property
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
        if guardrail_to_apply is None:
            return data
        if not self._merged.isdisjoint(data):
            merge_request(data, self.wire_format)
        skipped = _skipped_roles(guardrail_to_apply)
        takes_inputs = contract_of(guardrail_to_apply) is _INPUTS
        copies = LazyCopies(self._copies, data, skipped) if takes_inputs else None
        if copies is not None and not skipped:
            lone = self._texts.lone_in_request(data, unsent=LITELLM_FIELDS)
            if lone is not None and not self.second_look.needed(lone[0]):
                inputs = Inputs(_lone_inputs(lone, data.get("model")))
                inputs.make = copies.messages
                record_lone_text(guardrail_to_apply, data, "request")
                answered = await guardrail_to_apply.apply_guardrail(
                    inputs=inputs, request_data=data, input_type="request", logging_obj=litellm_logging_obj
                )
                self._write_lone(lone, answered, guardrail_to_apply, data, copies)
                return data
        found = self._texts.in_request(data, skip_roles=skipped, unsent=LITELLM_FIELDS)
        calls = NO_CALLS
        if not found.is_said:
            items = self._in_scope(data, skipped)
            calls = ToolCallChunks(self._texts.calls(items, self.wire_format.conversation))
        await self._check_found(found, calls, data, guardrail_to_apply, data, "request", litellm_logging_obj, copies)
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
        if guardrail_to_apply is None:
            return response
        request_data = self._known_request(request_data, user_api_key_dict)
        request_data.setdefault("response", response)
        settle = self._texts.settle
        lone = self._texts.lone_in_answer(response) if settle is None else None
        if lone is not None and not self.second_look.needed(lone[0]) and contract_of(guardrail_to_apply) is _INPUTS:
            record_lone_text(guardrail_to_apply, request_data, "response")
            answered = await guardrail_to_apply.apply_guardrail(
                inputs=_lone_inputs(lone, fields.get(response, "model")),
                request_data=request_data,
                input_type="response",
                logging_obj=litellm_logging_obj,
            )
            self._write_lone(lone, answered, guardrail_to_apply, request_data)
            return response
        found = self._texts.in_answer(response)
        texts = () if settle is None else found.texts
        answers = cast("list[Payload]", response) if isinstance(response, list) else [response]
        root = self._texts.answer_items
        calls = NO_CALLS
        if not found.is_said:
            in_all = [call for each in answers for call in self._texts.calls(fields.get(each, root), root)]
            calls = ToolCallChunks(in_all)
        await self._check_found(
            found, calls, answers[0], guardrail_to_apply, request_data, "response", litellm_logging_obj
        )
        if settle is not None and found.texts != texts:
            with as_answer_error(guardrail_to_apply):
                settle(response, found)
        return response

    async def check_texts(
        self,
        guardrail: Guardrail,
        request_data: JsonObject,
        logging_obj: Payload,
        texts: Sequence[str],
        *,
        input_type: InputType = "response",
        parts: Sequence[Parts] = (),
    ) -> list[str]:
        """Check texts that belong to no payload of this API or to a stream, each on its own.

        Args:
            guardrail: of either contract.
            request_data: the request that they are of.
            logging_obj: LiteLLM's.
            texts: the texts.
            input_type: whether they are of a request or of an answer.
            parts: which of them are looked at once more together.

        Returns:
            One text for each, in their order.

        Raises:
            GuardrailAnswerError: the answer cannot be mapped back.
        """
        question = TextQuestion(texts, {}, None, request_data, input_type, logging_obj)
        answer, _ = await self._ask(guardrail, question, Extracted(), parts)
        return answer.texts

    async def check_message(
        self, message: JsonObject, guardrail: Guardrail, request_data: JsonObject, side: InputType
    ) -> None:
        """Check every text of a message that is no request or answer of LiteLLM's, and write back what changed.

        Raises:
            PayloadError: the message cannot be read. Nothing has been written.
            GuardrailAnswerError: the guardrail's answer cannot be mapped back. Nothing has been written.
        """
        found = self._texts.in_answer(message)
        await self._check_found(found, NO_CALLS, message, guardrail, request_data, side, None)

    async def check_scan(
        self, guardrail: Guardrail, request_data: JsonObject, logging_obj: Payload, scan: Scan
    ) -> list[str]:
        """Check what the gate of a stream asks about: texts, each on its own, tool calls that are complete now, media.

        Returns:
            One text for each, in their order, and behind them the images and the files.

        Raises:
            GuardrailAnswerError: the answer cannot be mapped back.
        """
        calls = ToolCallChunks(self._texts.calls(scan.calls, self._texts.answer_items))
        context: JsonObject = {}
        if contract_of(guardrail) is _INPUTS:
            context = context_of(Found(images=[*scan.images], files=[*scan.files]), None, calls)
        question = TextQuestion(scan.texts, context, None, request_data, "response", logging_obj)
        joined = [Parts(parts.indices, parts.before) for parts in scan.joined]
        answer, _ = await self._ask(guardrail, question, Extracted(), joined)
        texts = texts_and_calls(scan.texts, answer, calls, guardrail)
        return [*texts, *(answer.images or scan.images), *(answer.files or scan.files)]

    async def _check_found(
        self,
        found: Found,
        calls: ToolCallChunks,
        payload: Payload,
        guardrail: Guardrail,
        request_data: JsonObject,
        side: InputType,
        logging_obj: Payload,
        copies: LazyCopies | None = None,
    ) -> None:
        context: JsonObject = {}
        if contract_of(guardrail) is _INPUTS:
            tools = () if copies is None else copies.tools(request_data)
            context = context_of(found, fields.get(payload, "model"), calls, tools)
        structured = None if copies is None else copies.messages
        question = TextQuestion(found.texts, context, structured, request_data, side, logging_obj)
        record_scan(guardrail, question, found.hidden)
        if question.is_empty:
            return
        mode = AskMode(calls_each(guardrail, self.text_calls), self.max_parallel_texts, self.second_look)
        answer = await check_twice(guardrail, question, self._parts(found), mode)
        if not answer.is_texts_alone:
            self._write_answer(found, calls, guardrail, request_data, answer, copies)
        elif answer.texts != question.texts:
            with as_answer_error(guardrail):
                found.rewrite(answer.texts)

    def _write_lone(
        self,
        lone: LoneText,
        answered: object,
        guardrail: Guardrail,
        request_data: JsonObject,
        copies: LazyCopies | None = None,
    ) -> None:
        """Write back what a guardrail of today's contract made of a text that is alone in its payload.

        It does what `_check_found` does with its answer. Property tests compare both ways.
        """
        text, told = lone
        answer = lone_answer(guardrail, answered, text)
        if not isinstance(answer, str):
            self._write_answer(Found([slot_of(text, told)]), NO_CALLS, guardrail, request_data, answer, copies)
        elif answer != text:
            owner, key, *_ = told
            plain: dict[Any, Any] | None = fields.held(owner, key)
            if plain is None:
                with as_answer_error(guardrail):
                    rewrite([slot_of(text, told)], [answer])
            else:
                plain[key] = answer

    def _write_answer(
        self,
        found: Found,
        calls: ToolCallChunks,
        guardrail: Guardrail,
        request_data: JsonObject,
        answer: TextAnswer,
        given: LazyCopies | None,
    ) -> None:
        """Write back what a guardrail changed, or raise and have written nothing."""
        more: list[tuple[Slot, str]] = media_rewrites(found, answer, guardrail)
        replaced: list[Payload] | None = None
        asks_more = answer.tools is not None or answer.structured_messages is not None
        copies = given.made if given is not None and asks_more else None
        if copies is not None:
            slots = found.everything
            more += copies.tools.rewrites(answer.tools, slots, answer.exact_texts, name_of(guardrail))
            messages = _messages_of(answer.structured_messages)
            replaced = copies.messages.replaced(messages) if answer.exact_texts == found.texts else None
            if replaced is not None and answer.texts != found.texts:
                raise GuardrailAnswerError(name_of(guardrail), f"{TWICE} {self.wire_format.conversation}")
            if replaced is None and messages is not None:
                seen = [slot for slot, _ in more]
                elsewhere = copies.messages.rewrites(messages, slots, answer.exact_texts, name_of(guardrail))
                more += ((slot, text) for slot, text in elsewhere if not any(slot is each for each in seen))
        write_found(found, answer, calls, guardrail, more)
        if replaced is not None:
            request_data[self.wire_format.conversation] = replaced

    def _in_scope(self, data: JsonObject, skipped: Collection[str]) -> list[Payload]:
        """The items of the conversation that the guardrail is to look at."""
        items = _items(data, self.wire_format.conversation)
        return [item for item in items if self._texts.in_scope(item, skipped)] if skipped else [*items]

    def _copies(self, data: JsonObject, skipped: Collection[str]) -> Copies | None:
        """What a guardrail gets besides the texts; `None` if the format has no such form."""
        if not self._texts.has_chat_items:
            return None
        indices: list[int] | None = None
        if skipped:
            items = enumerate(_items(data, self.wire_format.conversation))
            indices = [index for index, item in items if self._texts.in_scope(item, skipped)]
        return Copies(CopiedField(data, "tools"), CopiedField(data, self.wire_format.conversation, indices))

    def _known_request(self, request_data: JsonObject | None, user_api_key_dict: Payload) -> JsonObject:
        """The request, with who asks in the place where guardrails look for it."""
        known: JsonObject = {} if request_data is None else request_data
        if "litellm_metadata" not in known:
            user_metadata = self.transform_user_api_key_dict_to_metadata(user_api_key_dict)
            if user_metadata:
                known["litellm_metadata"] = user_metadata
        return known

    def _parts(self, found: Found) -> Sequence[Parts]:
        """The texts that are looked at once more together."""
        parts = parts_of(found) if self.second_look.join_parts else ()
        return [Parts(indices) for indices in parts] if parts else ()

    async def _ask(
        self, guardrail: Guardrail, question: TextQuestion, extracted: Extracted, parts: Sequence[Parts] = ()
    ) -> tuple[TextAnswer, Sequence[str]]:
        second_look = _ONE_LOOK if knows_answers_alone(guardrail) else self.second_look
        mode = AskMode(calls_each(guardrail, self.text_calls), self.max_parallel_texts, second_look)
        return await ask(guardrail, question, extracted, parts, mode)


def _lone_inputs(lone: LoneText, model: object) -> JsonObject:
    return {"texts": [lone[0]], "model": model} if model else {"texts": [lone[0]]}


def _skipped_roles(guardrail: Guardrail) -> Collection[str]:
    """The roles whose messages LiteLLM's settings keep out of a guardrail's scope."""
    if getattr(guardrail, "scan_only_tool_results", None) is True:
        return ("system", "developer", "user", "assistant")
    system = ("system",) if _skips(guardrail, _SKIP_SYSTEM) else ()
    return (*system, "tool") if _skips(guardrail, _SKIP_RESULTS) else system


def _skips(guardrail: Guardrail, setting: str) -> bool:
    """What the guardrail says itself goes before what LiteLLM is set to."""
    own = getattr(guardrail, setting, None)
    return bool(getattr(litellm, setting, False) if own is None else own)


def _items(data: JsonObject, key: str) -> Sequence[Payload]:
    items = data.get(key)
    return cast("list[Payload]", items) if isinstance(items, list) else ()


def _messages_of(answered: object) -> object:
    """The messages in a guardrail's answer. HiddenLayer answers with an object that holds them."""
    return fields.get(answered, "messages") if isinstance(answered, dict) else answered
