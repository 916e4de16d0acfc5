"""The texts of chat completions, as a part of their record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.chat.calls import PAYLOADS
from litellm_bighub.formats.chat.texts.chunk_texts import ChatTextGate, read
from litellm_bighub.formats.chat.texts.text_finder import (
    find_in_answer,
    find_in_message,
    find_in_request,
    lone_text_in_answer,
    lone_text_in_request,
)
from litellm_bighub.formats.format_texts import FormatTexts, ScannedCall
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.copies import plain
from litellm_bighub.formats.payload.json_escapes import unescaped
from litellm_bighub.formats.payload.request_walk import in_scope
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where


def _calls(items: object, root: str) -> Sequence[ScannedCall]:
    return tuple(_found(items, root))


def _found(items: object, root: str) -> Iterator[ScannedCall]:
    """The calls of messages, and of choices, which hold one each."""
    for index, item in enumerate(fields.elements(items)):
        told = fields.members(item)
        message = told.get("message")
        if message is not None:
            told = fields.members(message)
        if not told.get("tool_calls") and not told.get("function_call"):
            continue
        where: Where = ((None, root), index)
        if message is None:
            message = item
        else:
            where = (where, "message")
        for number, call in enumerate(fields.elements(fields.get(message, "tool_calls"))):
            here: Where = ((where, "tool_calls"), number)
            for kind, key in PAYLOADS.items():
                payload = fields.get(call, kind)
                if payload is not None:
                    yield _call(fields.get(call, "id"), payload, key, (here, kind))
        legacy = fields.get(message, "function_call")
        if fields.is_object(legacy):
            yield _call(None, legacy, "arguments", (where, "function_call"))


def _call(call_id: Payload, payload: Payload, key: str, where: Where) -> ScannedCall:
    raw = fields.get(payload, key)
    told: Slot | None = None
    if isinstance(raw, str):
        kind = TextKind.JSON if key == "arguments" else TextKind.TEXT
        raw = unescaped(raw) if kind is TextKind.JSON else raw
        told = Slot(payload, key, raw, kind, (where, key))
    else:
        raw = json.dumps(plain(raw), default=str)
    name = fields.get(payload, "name")
    named = Slot(payload, "name", name, TextKind.NAME, (where, "name")) if isinstance(name, str) else None
    return ScannedCall(call_id, name or "", raw, named, told)


TEXTS: Final = FormatTexts(
    call_types=("completion", "acompletion", "text_completion", "atext_completion"),
    in_request=find_in_request,
    in_answer=find_in_answer,
    in_item=find_in_message,
    in_scope=in_scope,
    lone_in_request=lone_text_in_request,
    lone_in_answer=lone_text_in_answer,
    calls=_calls,
    read=read,
    gate=ChatTextGate,
    answer_items="choices",
    has_chat_items=True,
)
