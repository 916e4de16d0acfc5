"""The texts of Messages, as a part of their record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, MutableMapping, Sequence, Set as AbstractSet
from typing import Any, Final, cast

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.format_texts import FormatTexts, ScannedCall
from litellm_bighub.formats.messages.texts.event_texts import CALLS, read
from litellm_bighub.formats.messages.texts.field_rules import ANSWER, MESSAGE, REQUEST, VOCABULARY
from litellm_bighub.formats.messages.texts.gate import MessagesTextGate
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.copies import json_text, plain, text
from litellm_bighub.formats.payload.json_escapes import unescaped
from litellm_bighub.formats.payload.request_walk import LoneField, LoneMessage, RequestWalk, in_scope
from litellm_bighub.formats.payload.slots import Found, LoneText, Slot, TextKind, Where, render
from litellm_bighub.formats.payload.text_walk import TextWalk

_CONTENT: Final = "content"
_TEXT: Final = TextKind.TEXT
_TEXT_BLOCK: Final = VOCABULARY.types["text"]
_FIRST: Final[Where] = ((None, _CONTENT), 0)
_BLOCKS: Final = LoneField(_CONTENT, ANSWER, VOCABULARY.text_fields)
_TOLD: Final = LoneField("text", _TEXT_BLOCK, VOCABULARY.text_fields)


def find_in_request(
    data: MutableMapping[str, Any],
    *,
    skip_roles: Collection[str] = (),
    unsent: AbstractSet[str] = frozenset(),
) -> Found:
    """Find everything a caller, a tool or an earlier turn wrote into a request.

    Args:
        data: the keyword arguments of `anthropic_messages`, as LiteLLM hands them to a hook.
        skip_roles: roles whose messages are out of the guardrail's scope; `system` is that field, too.
        unsent: names of fields that no provider gets.

    Raises:
        PayloadError: it cannot be read.
    """
    walk = RequestWalk(VOCABULARY, REQUEST, lambda _: MESSAGE, skip_roles)
    walk.request(data, None, unsent | {"system"} if "system" in skip_roles else unsent)
    return walk.finish()


def find_in_answer(response: object) -> Found:
    """Find everything in an answer that a model, a tool or a provider wrote."""
    walk = TextWalk(VOCABULARY)
    walk.item(response, None, placed=ANSWER)
    found = walk.finish()
    found.is_said = found.run is not None and found.run.owners is fields.get(response, _CONTENT)
    return found


def lone_text_in_answer(response: object) -> LoneText | None:
    """The text of an answer that is one block with one text; `None` says only that it is not so simple."""
    blocks = _BLOCKS.of(response)
    if type(blocks) is not list or len(cast("list[Payload]", blocks)) != 1:
        return None
    block: Payload = blocks[0]
    if fields.get(block, "type") != "text":
        return None
    told = _TOLD.of(block)
    return (told, (block, "text", _TEXT, _FIRST, None, None)) if type(told) is str and told else None


def find_in_message(message: object, where: Where = None) -> Found:
    """Find the texts of one message of a request."""
    walk = TextWalk(VOCABULARY)
    walk.item(message, where, placed=MESSAGE)
    return walk.finish()


def _calls(items: object, root: str) -> Sequence[ScannedCall]:
    """The calls in the messages of a request, or in the blocks of an answer."""
    return tuple(_found(items, (None, root)))


def _found(items: object, where: Where) -> Iterator[ScannedCall]:
    for index, item in enumerate(fields.elements(items)):
        if type(item) is dict and item.get("type") == "text" and "role" not in item:
            continue  # the simplest block
        told = fields.members(item)
        if "type" not in told and type(told.get(_CONTENT)) is str:  # by far the most common message
            continue
        if text(item, "type") in CALLS:
            yield _call(item, (where, index))
        elif told.get("role") is not None:
            yield from _found(told.get(_CONTENT), ((where, index), _CONTENT))


def _call(block: Payload, where: Where) -> ScannedCall:
    """A call. In streams, its input is the text that deltas told."""
    name, given = fields.get(block, "name"), fields.get(block, "input")
    kind = TextKind.JSON if isinstance(given, str) else TextKind.OBJECT
    try:
        arguments = unescaped(given) if isinstance(given, str) else json_text(plain(given))
    except ValueError as error:
        raise PayloadError(render((where, "input")), "cannot be written as JSON") from error
    told = None if given is None else Slot(block, "input", arguments, kind, (where, "input"))
    named = Slot(block, "name", name, TextKind.NAME, (where, "name")) if isinstance(name, str) else None
    return ScannedCall(fields.get(block, "id"), name or "", arguments, named, told)


TEXTS: Final = FormatTexts(
    call_types=("anthropic_messages",),
    in_request=find_in_request,
    in_answer=find_in_answer,
    in_item=find_in_message,
    in_scope=in_scope,
    lone_in_request=LoneMessage(REQUEST).find,
    lone_in_answer=lone_text_in_answer,
    calls=_calls,
    read=read,
    gate=MessagesTextGate,
    answer_items=_CONTENT,
)
