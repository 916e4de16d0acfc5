"""A request as guardrails of today's contract want to see it: as chat messages and chat tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from litellm.llms.base_llm.guardrail_translation.utils import scoped_structured_message_indices
from litellm.llms.openai.responses.guardrail_translation.handler import OpenAIResponsesHandler as BuiltIn
from litellm.responses.litellm_completion_transformation.transformation import LiteLLMCompletionResponsesConfig

from litellm_bighub.guardrails.check import Answer


class RequestTools:
    """The tools of a request in chat form, grouped by the tool they came from."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        tools = data.get("tools")
        self.original: tuple[Any, ...] = tuple(cast("Sequence[Any]", tools)) if isinstance(tools, (list, tuple)) else ()
        self.groups: tuple[Any, ...] = ()
        if self.original:
            forms = LiteLLMCompletionResponsesConfig.responses_tools_to_chat_forms(self.original)
            self.groups = tuple(form.chat_tools for form in forms)
        self.flat = [tool for group in self.groups for tool in group]

    def handed_over(self) -> list[Any]:
        """A copy for a guardrail, which may write into it."""
        return deepcopy(self.flat)


@dataclass(frozen=True, slots=True)
class StructuredRewrite:
    """Input and instructions as a guardrail rewrote them by way of chat messages."""

    input: Sequence[Any]
    instructions: str | None

    def write(self, data: dict[str, Any]) -> None:
        """Put them into the request."""
        data["input"] = list(self.input)
        if self.instructions is None:
            data.pop("instructions", None)
        else:
            data["instructions"] = self.instructions


class RequestMessages:
    """The request as chat messages, made once and only when a guardrail asks."""

    def __init__(self, handler: BuiltIn, data: dict[str, Any], *, skip_system: bool) -> None:
        self._handler = handler
        self._data = data
        self._skip_system = skip_system
        self._all: list[Any] = []
        self._indices: Sequence[int] = ()
        self._scoped: list[Any] | None = None

    def scoped(self) -> list[Any] | None:
        """The messages that are in the guardrail's scope, `None` where the request has none."""
        self._all = list(self._handler.get_structured_messages(self._data) or ())
        self._indices = scoped_structured_message_indices(
            self._all, scan_only_tool_results=False, skip_system=self._skip_system, skip_tool=False
        )
        self._scoped = [self._all[index] for index in self._indices]
        return self._scoped or None

    def rewritten(self, guardrail: Any, answer: Answer, texts: Sequence[str]) -> StructuredRewrite | None:
        """What the guardrail made of the messages, unless it said the same in `texts`, which are exact."""
        messages = answer.structured_messages
        if messages is None or self._scoped is None or messages is self._scoped or messages == self._scoped:
            return None
        if answer.texts != texts and len(messages) == len(self._scoped):
            return None
        written: Any = self._handler._written_back_request_fields(  # noqa: SLF001 - the inherited write-back
            self._data,
            self._all,
            self._indices,
            self._scoped,
            guardrail,
            cast("Any", {"structured_messages": messages}),
        )
        return None if written is None else StructuredRewrite(written.input, written.instructions)
