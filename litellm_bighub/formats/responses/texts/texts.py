"""The texts of the Responses API, as a part of its record."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from typing import Final, cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.format_texts import FormatTexts, ScannedCall
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.json_escapes import unescaped
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where
from litellm_bighub.formats.responses.calls import payload_keys
from litellm_bighub.formats.responses.item_kinds import CALLS
from litellm_bighub.formats.responses.texts.event_texts import may_stream, read, taken
from litellm_bighub.formats.responses.texts.text_finder import (
    find_in_item,
    find_in_request,
    find_in_response,
    in_scope,
    lone_text_in_request,
    lone_text_in_response,
)
from litellm_bighub.formats.stream.event_texts import Place
from litellm_bighub.formats.stream.text_gate import StreamTextGate, TextGate
from litellm_bighub.formats.stream.text_items import Item
from litellm_bighub.formats.stream.text_part import Mode

_TOLD: Final = CALLS.keys() - {"program", "tool_search_call"} | {"mcp_call"}
"""The types of calls that guardrails are given as such. The two are the provider's own nearly always."""


def text_gate(mode: Mode | None = None) -> TextGate:
    """A new gate for the texts of a Responses stream."""
    return TextGate(read, may_stream=may_stream, mode=mode, message_of=_message_of, taken=taken)


def _message_of(item: Item, place: Place, kind: TextKind) -> Hashable | None:
    """Clients join the texts of all messages; summaries, refusals and thoughts belong to their item."""
    if len(place) != 3 or place[2] not in {"text", "refusal"}:
        return None
    return place[2] if kind is TextKind.OUTPUT_TEXT else (item.index, place[0], place[2])


def _gate(mode: Mode) -> StreamTextGate:
    return text_gate(mode)


def _calls(items: object, root: str) -> Sequence[ScannedCall]:
    return tuple(_found(items, root))


def _found(items: object, root: str) -> Iterator[ScannedCall]:
    if not isinstance(items, (list, tuple)):
        return
    for index, item in enumerate(cast("Sequence[Payload]", items)):
        kind = fields.get(item, "type")
        if kind in _TOLD:
            yield _call(item, kind, ((None, root), index))


def _call(item: Payload, kind: str, where: Where) -> ScannedCall:
    field = next(iter(payload_keys(item)), "arguments")  # the one that says what it does
    payload = fields.get(item, field)
    told: Slot | None = None
    if isinstance(payload, str):
        kind_of_text = TextKind.JSON if field == "arguments" else TextKind.TEXT
        arguments = unescaped(payload) if kind_of_text is TextKind.JSON else payload
        told = Slot(item, field, arguments, kind_of_text, (where, field))
    else:
        arguments = json.dumps(_plain(payload), default=str)
        told = Slot(item, field, arguments, TextKind.OBJECT, (where, field)) if fields.is_object(payload) else None
    name = fields.get(item, "name")
    named = Slot(item, "name", name, TextKind.NAME, (where, "name")) if isinstance(name, str) else None
    return ScannedCall(fields.get(item, "call_id") or fields.get(item, "id"), name or kind, arguments, named, told)


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
