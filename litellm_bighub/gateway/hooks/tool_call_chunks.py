"""Tool calls as guardrails know them: chat completion chunks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where

_PAYLOADS: Mapping[str, str] = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "mcp_call": "arguments",
    "mcp_approval_request": "arguments",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
    "computer_call": "action",
}


class ToolCallChunks:
    """The tool calls of a list of items, as chunks, with where their arguments stand."""

    def __init__(self, items: object, root: str) -> None:
        self.chunks: list[JsonObject] = []
        self._slots: list[Slot | None] = []
        self._names: list[Slot | None] = []
        if isinstance(items, (list, tuple)):
            for index, item in enumerate(cast("Sequence[Payload]", items)):
                kind = fields.get(item, "type")
                if kind in _PAYLOADS:
                    self._add(item, kind, ((None, root), index))

    def _add(self, item: Payload, kind: str, where: Where) -> None:
        field = _PAYLOADS[kind]
        payload = fields.get(item, field)
        if isinstance(payload, str):
            text = payload
            json_kind = TextKind.JSON if field == "arguments" else TextKind.TEXT
            self._slots.append(Slot(item, field, payload, json_kind, (where, field)))
        else:
            text = json.dumps(_plain(payload), default=str)
            self._slots.append(None)
        name = fields.get(item, "name")
        self._names.append(Slot(item, "name", name, TextKind.TEXT, (where, "name")) if isinstance(name, str) else None)
        self.chunks.append(
            {
                "id": fields.get(item, "call_id") or fields.get(item, "id"),
                "type": "function",
                "index": len(self.chunks),
                "function": {"name": name or kind, "arguments": text},
            }
        )

    def handed_over(self) -> list[JsonObject]:
        """A copy for a guardrail, which may write into it."""
        return deepcopy(self.chunks) if self.chunks else []

    def rewrites(self, answered: object, guardrail: str) -> Iterable[tuple[Slot, str]]:
        """The arguments and names that a guardrail changed in its answer's `tool_calls`.

        Raises:
            GuardrailAnswerError: not as many calls as it was given, or one without arguments, or a change to a call
                whose arguments are no text or that has no name.
        """
        if answered is None:
            return
        calls = cast("Sequence[Payload]", answered) if isinstance(answered, (list, tuple)) else ()
        if len(calls) != len(self.chunks):
            raise GuardrailAnswerError(guardrail, f"answered {len(self.chunks)} tool calls with {len(calls)}")
        for chunk, slot, name_slot, call in zip(self.chunks, self._slots, self._names, calls, strict=True):
            given, answer = chunk["function"], fields.get(call, "function")
            name = fields.get(answer, "name") or given["name"]
            for place, before, after in (
                (slot, given["arguments"], fields.get(answer, "arguments")),
                (name_slot, given["name"], name),
            ):
                if after == before:
                    continue
                if not isinstance(after, str) or place is None:
                    raise GuardrailAnswerError(guardrail, "answered with a tool call that cannot be written back")
                yield place, after


NO_CALLS = ToolCallChunks(None, "")
"""Of a payload without tool calls."""


def _plain(value: object) -> object:
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value
