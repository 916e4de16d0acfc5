"""The texts of the Responses API, as a part of its record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.format_texts import CallText, FormatTexts
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where
from litellm_bighub.formats.responses.texts.event_texts import may_stream, read
from litellm_bighub.formats.responses.texts.text_finder import (
    find_in_item,
    find_in_request,
    find_in_response,
    in_scope,
    lone_text_in_request,
    lone_text_in_response,
)
from litellm_bighub.formats.stream.text_gate import StreamTextGate, TextGate
from litellm_bighub.formats.stream.text_part import Mode

_ARGUMENTS: Final[Mapping[str, str]] = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "mcp_call": "arguments",
    "mcp_approval_request": "arguments",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
    "computer_call": "action",
}
"""The field of each type of call that says what it does."""


def text_gate(mode: Mode | None = None) -> TextGate:
    """A new gate for the texts of a Responses stream."""
    return TextGate(read, may_stream=may_stream, mode=mode)


def _gate(mode: Mode) -> StreamTextGate:
    return text_gate(mode)


def _calls(items: object, root: str) -> Sequence[CallText]:
    return tuple(_found(items, root))


def _found(items: object, root: str) -> Iterator[CallText]:
    if not isinstance(items, (list, tuple)):
        return
    for index, item in enumerate(cast("Sequence[Payload]", items)):
        kind = fields.get(item, "type")
        if kind in _ARGUMENTS:
            yield _call(item, kind, ((None, root), index))


def _call(item: Payload, kind: str, where: Where) -> CallText:
    field = _ARGUMENTS[kind]
    payload = fields.get(item, field)
    told: Slot | None = None
    if isinstance(payload, str):
        arguments = payload
        told = Slot(item, field, payload, TextKind.JSON if field == "arguments" else TextKind.TEXT, (where, field))
    else:
        arguments = json.dumps(_plain(payload), default=str)
    name = fields.get(item, "name")
    named = Slot(item, "name", name, TextKind.TEXT, (where, "name")) if isinstance(name, str) else None
    return CallText(fields.get(item, "call_id") or fields.get(item, "id"), name or kind, arguments, named, told)


def _plain(value: object) -> object:
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value


TEXTS: Final = FormatTexts(
    call_types=("responses", "aresponses"),
    in_request=find_in_request,
    in_answer=find_in_response,
    in_item=find_in_item,
    in_scope=in_scope,
    lone_in_request=lone_text_in_request,
    lone_in_answer=lone_text_in_response,
    calls=_calls,
    read=read,
    gate=_gate,
)
