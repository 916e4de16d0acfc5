"""Tool calls as guardrails know them: chat completion chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.format_texts import ScannedCall
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import Slot


class ToolCallChunks:
    """The tool calls of a payload, as chunks, with where their arguments stand."""

    def __init__(self, calls: Sequence[ScannedCall]) -> None:
        self._calls = calls
        self.chunks: list[JsonObject] = [
            {
                "id": call.call_id,
                "type": "function",
                "index": index,
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for index, call in enumerate(calls)
        ]

    def handed_over(self) -> list[JsonObject]:
        """A copy for a guardrail, which may write into it."""
        return deepcopy(self.chunks) if self.chunks else []

    def rewrites(self, answered: object, guardrail: str) -> Iterable[tuple[Slot, str]]:
        """The arguments and names that a guardrail changed in its answer's `tool_calls`.

        Raises:
            GuardrailAnswerError: not as many calls as it was given, or one without arguments or with another id, or a
                change to a call whose arguments are no text or that has no name.
        """
        if answered is None:
            return
        calls = fields.elements(answered)
        if len(calls) != len(self.chunks):
            raise GuardrailAnswerError(guardrail, f"answered {len(self.chunks)} tool calls with {len(calls)}")
        for given, call in zip(self._calls, calls, strict=True):
            answer = fields.get(call, "function")
            name = fields.get(answer, "name") or given.name
            if fields.get(call, "id") not in {None, given.call_id}:
                raise GuardrailAnswerError(guardrail, "answered with the call of another id")
            for place, before, after in (
                (given.told, given.arguments, fields.get(answer, "arguments")),
                (given.named, given.name, name),
            ):
                if after == before:
                    continue
                if not isinstance(after, str) or place is None:
                    raise GuardrailAnswerError(guardrail, "answered with a tool call that cannot be written back")
                yield place, after


NO_CALLS = ToolCallChunks(())
"""Of a payload without tool calls."""
