"""A request as guardrails of today's contract want to see it: as chat messages and chat tools.

What was rewritten is put back by the functions that LiteLLM's handler calls, not by its methods: those get another
argument with every other release.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, cast

from litellm.exceptions import BadRequestError
from litellm.llms.base_llm.guardrail_translation.utils import (
    merge_guardrailed_scoped_messages,
    scoped_structured_message_indices,
)
from litellm.llms.openai.responses.guardrail_translation.handler import (
    OpenAIResponsesHandler as BuiltIn,
    _patch_or_convert_request_fields,
)
from litellm.llms.openai.responses.guardrail_translation.tool_merge import merge_guardrailed_tools
from litellm.responses.litellm_completion_transformation.transformation import LiteLLMCompletionResponsesConfig
from pydantic import BaseModel

from litellm_bighub.checks.contract import name_of
from litellm_bighub.checks.text_check import TextAnswer
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError, PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.copies import plain
from litellm_bighub.formats.payload.fields import is_plain_message
from litellm_bighub.formats.payload.nested import nested
from litellm_bighub.gateway.hooks.translation.guardrail_exchange import TWICE

_ANY = "any text"

UNREADABLE = (AttributeError, BadRequestError, IndexError, KeyError, RecursionError, TypeError, ValueError)
"""What LiteLLM's conversions raise on a payload that they were not written for."""


class RequestTools:
    """The tools of a request in chat form, grouped by the tool they came from.

    Raises:
        PayloadError: they cannot be brought into chat form.
    """

    def __init__(self, data: JsonMapping) -> None:
        tools = data.get("tools")
        given = fields.elements(tools)
        self._originals = list(given)
        self._plain = [plain(tool) if isinstance(tool, BaseModel) else tool for tool in given]
        self._groups: tuple[Any, ...] = ()
        if self._plain:
            try:
                forms = LiteLLMCompletionResponsesConfig.responses_tools_to_chat_forms(self._plain)
                self._groups = tuple(map(_chat_tools, self._plain, forms))
                self._handed_over = deepcopy([tool for group in self._groups for tool in group])
            except UNREADABLE as error:
                raise PayloadError("tools", "cannot be brought into the form of chat tools") from error

    def handed_over(self) -> list[Payload]:
        """A copy for a guardrail, which may write into it."""
        return self._handed_over if self._groups else []

    def merged(self, guardrail: object, answer: TextAnswer, rewritten: Collection[str] = ()) -> list[Payload] | None:
        """What the guardrail made of the tools, `None` if it left them alone; those it left alone are the same objects.

        Call it before texts are written: they stand in the tools that it is compared with.

        Args:
            guardrail: whose answer it is.
            answer: its own.
            rewritten: the texts of tools that it rewrote in `texts`, which must not come back.

        Raises:
            GuardrailAnswerError: the tools in the answer are no list of tools, or hold a text that it rewrote.
        """
        if answer.tools is None:
            return None
        try:
            if not isinstance(answer.tools, (list, tuple)):
                raise TypeError(type(answer.tools).__name__)
            if list(answer.tools) == [tool for group in self._groups for tool in group]:
                return None
            merged = merge_guardrailed_tools(self._plain, self._groups, answer.tools)
        except UNREADABLE as error:
            raise GuardrailAnswerError(name_of(guardrail), "answered with tools that cannot be read") from error
        originals = {id(plain): tool for plain, tool in zip(self._plain, self._originals, strict=True)}
        told = {text for tool in merged if id(tool) not in originals for text in nested(tool) if isinstance(text, str)}
        if any(text in each for text in rewritten for each in told):
            raise GuardrailAnswerError(name_of(guardrail), f"{TWICE} tools")
        return [originals.get(id(tool), tool) for tool in merged]


NO_TOOLS = RequestTools({})
"""Of a request without tools; nothing is ever written into it."""


@dataclass(frozen=True, slots=True)
class StructuredRewrite:
    """Input and instructions as a guardrail rewrote them by way of chat messages."""

    input: Sequence[Payload]
    instructions: str | None

    def write(self, data: JsonObject) -> None:
        """Put them into the request."""
        data["input"] = list(self.input)
        if self.instructions is None:
            data.pop("instructions", None)
        else:
            data["instructions"] = self.instructions


class RequestMessages:
    """The request as chat messages, made once and only when a guardrail asks."""

    _originals: Mapping[int, Any] = MappingProxyType({})
    _all: Sequence[Payload] = ()
    _indices: Sequence[int] = ()
    _scoped: list[Payload] | None = None

    def __init__(self, handler: BuiltIn, data: JsonObject, *, skip_system: bool = False) -> None:
        self._handler = handler
        self._data = data
        self._view = data
        self._skip_system = skip_system

    def scoped(self) -> list[Payload] | None:
        """A copy of the messages that are in the guardrail's scope, `None` where the request has none.

        Raises:
            PayloadError: the request cannot be turned into chat messages.
        """
        items = self._data.get("input")
        plain_already = isinstance(items, list) and all(map(is_plain_message, cast("list[Payload]", items)))
        if not plain_already:
            self._view = {**self._data, "input": self._input()}
        try:
            self._all = list(self._converted(all_plain=plain_already) or ())
        except UNREADABLE as error:
            raise PayloadError("input", "cannot be turned into chat messages") from error
        self._indices = range(len(self._all))
        if self._skip_system:
            self._indices = scoped_structured_message_indices(
                self._all, scan_only_tool_results=False, skip_system=True, skip_tool=False
            )
        self._scoped = [self._all[index] for index in self._indices]
        return [_copied(message) for message in self._scoped] or None

    def _converted(self, *, all_plain: bool) -> Payload:
        """LiteLLM's conversion, or, for plain messages, what it is known to make of them."""
        as_built = type(self._handler).get_structured_messages is BuiltIn.get_structured_messages
        if not all_plain or not as_built or self._data.get("instructions"):
            return self._handler.get_structured_messages(self._view)
        made: list[Payload] = []
        for item in self._data["input"]:
            role = item.get("role")
            like = _chat_form(role, "type" in item) if isinstance(role, str) else None
            if like is None:
                return self._handler.get_structured_messages(self._view)
            made.append({**like, "content": item["content"]})
        return made

    def _input(self) -> Payload:
        """The input in the one shape that LiteLLM can convert: a string or a list of dicts."""
        value = self._data.get("input")
        if value is None or isinstance(value, str):
            return value
        items = cast("list[Payload]", value) if isinstance(value, list) else [value]
        converted = [_as_dict(item) for item in items]
        self._originals = {id(made): item for made, item in zip(converted, items, strict=True)}
        return converted

    def rewritten(self, guardrail: Payload, answer: TextAnswer, texts: Sequence[str]) -> StructuredRewrite | None:
        """What the guardrail made of the messages, unless it said the same in `texts`, which are exact.

        Raises:
            GuardrailAnswerError: its messages are no messages, or a second look has found something else in them.
        """
        messages = answer.structured_messages
        if messages is None or self._scoped is None or messages == self._scoped:
            return None
        if not isinstance(messages, (list, tuple)):
            raise GuardrailAnswerError(name_of(guardrail), "answered with messages that are no list")
        if answer.exact_texts != texts and len(cast("Sequence[Payload]", messages)) == len(self._scoped):
            return None
        if answer.texts != answer.exact_texts:
            raise GuardrailAnswerError(name_of(guardrail), f"{TWICE} input")
        try:
            merged = self._merged(guardrail, list(cast("Sequence[Payload]", messages)))
            written = _patch_or_convert_request_fields(
                self._view.get("input"), self._view.get("instructions"), self._all, merged
            )
        except UNREADABLE as error:
            raise GuardrailAnswerError(name_of(guardrail), "answered with messages that cannot be read") from error
        if written is None:
            return None
        return StructuredRewrite([self._originals.get(id(item), item) for item in written.input], written.instructions)

    def _merged(self, guardrail: Payload, messages: list[Payload]) -> list[Payload]:
        """All messages of the request, of which the guardrail may have seen, and answered, only some."""
        if len(self._indices) == len(self._all):
            return messages
        if guardrail.structured_messages_cover_full_request() and len(messages) == len(self._all):
            return messages
        return merge_guardrailed_scoped_messages(
            full_messages=self._all, scoped_indices=self._indices, guardrailed_scoped=messages
        )


@lru_cache(maxsize=64)
def _chat_form(role: str, typed: bool) -> Mapping[str, str] | None:  # noqa: FBT001 - part of a cache's key
    """What LiteLLM makes of a plain message in which a person of that role says anything; `None` if nothing simple."""
    item = {"role": role, "content": _ANY, **({"type": "message"} if typed else {})}
    converted = cast("Sequence[JsonMapping]", BuiltIn().get_structured_messages({"input": [item]}) or ())
    simple = len(converted) == 1 and converted[0].get("content") == _ANY
    return converted[0] if simple and all(isinstance(value, str) for value in converted[0].values()) else None


def _chat_tools(tool: Payload, form: Payload) -> Sequence[Payload]:
    """A tool's chat form. A tool search has none that it survives: newer releases would write it back as a function."""
    return () if fields.get(tool, "type") == "tool_search" else cast("Sequence[Payload]", form.chat_tools)


def _copied(message: Payload) -> Payload:
    """A copy that a guardrail may write into."""
    if isinstance(message, dict) and isinstance(message.get("content"), str) and "tool_calls" not in message:
        return {**message}
    return deepcopy(message)


def _as_dict(item: Payload) -> Payload:
    """An item as the dict that LiteLLM's conversion expects; the same object where it is one already."""
    if is_plain_message(item):
        return item
    if isinstance(item, str):
        return {"type": "message", "role": "user", "content": item}
    if not isinstance(item, dict) or any(_holds_models(fields.get(item, key)) for key in ("content", "output")):
        return plain(item)
    return cast("JsonObject", item)


def _holds_models(parts: object) -> bool:
    return isinstance(parts, list) and any(isinstance(part, BaseModel) for part in cast("list[Payload]", parts))
