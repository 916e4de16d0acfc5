"""Where tool calls are in a chat completion, and how one is read, edited and withheld."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import cast

from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import Arguments, CallType, ToolCall
from litellm_bighub.domain.ids import random_id
from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.answers.provider_calls import type_of_function
from litellm_bighub.formats.answers.unreadable_calls import NO_ID, NO_NAME, NO_PAYLOAD, TORN, UNFINISHED
from litellm_bighub.formats.payload.copies import json_text, listed, text, with_fields
from litellm_bighub.formats.payload.fields import get, is_object, put

CALL_REASONS = frozenset({"tool_calls", "function_call"})
"""The values of `finish_reason` that promise a call."""

CUT_OFF = frozenset({"length", "content_filter"})
"""The values of `finish_reason` after which nobody knows which calls are complete."""

PAYLOADS = {"function": "arguments", "custom": "input"}


def made_up_id(answer_id: str, path: str) -> str:
    """An id for a call whose provider gave it none: the same one wherever the same answer is read.

    Args:
        answer_id: the answer's id; without one the call's is another one each time.
        path: the call's place in the answer.
    """
    return (
        f"call_{sha256(f'{answer_id} {path}'.encode(errors='replace')).hexdigest()[:32] if answer_id else random_id()}"
    )


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A tool call and where it stands.

    Attributes:
        call: what is decided on.
        choice: the choice whose message holds it.
        item: the element of `tool_calls`, or the message's whole `function_call`.
    """

    call: ToolCall
    choice: object
    item: object


def find_calls(response: object) -> list[ChatCall]:
    """Every call in a completion, dict or model, choice by choice.

    Raises:
        PayloadError: choices or calls are no list, so that nothing could be withheld in them.
    """
    found: list[ChatCall] = []
    for at, choice in enumerate(listed(get(response, "choices"), "choices")):
        message: object = get(choice, "message")
        path = f"choices[{at}].message"
        unfinished = text(choice, "finish_reason") in CUT_OFF
        for index, item in enumerate(listed(get(message, "tool_calls"), f"{path}.tool_calls")):
            call = read_call(item, f"{path}.tool_calls[{index}]", unfinished=unfinished)
            found.append(ChatCall(call, choice, item))
        legacy: object = get(message, "function_call")
        if legacy is not None:
            call = read_function_call(legacy, f"{path}.function_call", unfinished=unfinished)
            found.append(ChatCall(call, choice, legacy))
    return found


def name_calls(response: object) -> None:
    """Give each call of a completion that has no id one, in place: its result has to name it.

    Raises:
        PayloadError: choices or calls are no list.
    """
    for at, choice in enumerate(listed(get(response, "choices"), "choices")):
        message: object = get(choice, "message")
        path = f"choices[{at}].message.tool_calls"
        calls = listed(get(message, "tool_calls"), path)
        if any(is_object(item) and not get(item, "id") for item in calls):
            named = [_named(item, text(response, "id"), f"{path}[{index}]") for index, item in enumerate(calls)]
            put(message, "tool_calls", named)


def read_call(item: object, path: str, *, unfinished: bool = False) -> ToolCall:
    """Read an element of `tool_calls`. What cannot be read stands in `unreadable`; nothing is raised."""
    declared, call_id = text(item, "type"), text(item, "id")
    kinds = [kind for kind in PAYLOADS if get(item, kind) is not None]
    if len(kinds) != 1:
        problem = TORN if kinds else NO_PAYLOAD
        return ToolCall(call_id, "unknown", text(get(item, "function"), "name") or declared, {}, problem, path)
    [kind] = kinds
    payload: object = get(item, kind)
    call_type: CallType = "unknown"
    if declared in {"", *PAYLOADS}:
        call_type = "custom" if kind == "custom" else type_of_function(call_id, text(payload, "name"))
    call = _read(ToolCall(call_id, call_type, text(payload, "name"), path=path), payload, PAYLOADS[kind])
    if unfinished:
        return replace(call, arguments={}, unreadable=UNFINISHED)
    return call if call_id else replace(call, arguments={}, unreadable=NO_ID)


def read_function_call(item: object, path: str, *, unfinished: bool = False) -> ToolCall:
    """Read a legacy `function_call`, which has no id."""
    call = _read(ToolCall("", "function", text(item, "name"), path=path), item, "arguments")
    return replace(call, arguments={}, unreadable=UNFINISHED) if unfinished else call


def withhold(found: ChatCall, notice: str) -> None:
    """Take the call out of its message, in place, and say so in the message's content."""
    message: object = get(found.choice, "message")
    calls = [item for item in get(message, "tool_calls") or () if item is not found.item]
    if get(message, "function_call") is found.item:
        _clear(message, "function_call")
    elif calls:
        put(message, "tool_calls", calls)
    else:
        _clear(message, "tool_calls")
    _say(found.choice, notice)
    left = calls or get(message, "function_call") is not None
    if not left and text(found.choice, "finish_reason") in CALL_REASONS:
        put(found.choice, "finish_reason", "stop")


def edit(found: ChatCall, arguments: Arguments, note: str = "") -> None:
    """Give the call a person's arguments, in place.

    Args:
        found: the call.
        arguments: the person's.
        note: tells the model of a `function_call` that was changed: its result will name no call.

    Raises:
        PayloadError: the arguments have no place in this call.
    """
    edited = rewrite_arguments(found.item, arguments)
    message: object = get(found.choice, "message")
    _forget_probabilities(found.choice)
    if get(message, "function_call") is found.item:
        put(message, "function_call", edited)
        if note:
            _say(found.choice, note)
    else:
        put(message, "tool_calls", [edited if item is found.item else item for item in get(message, "tool_calls")])


def say(found: ChatCall, note: str) -> None:
    """Tell the model, in place, of a `function_call` that stays as it is: its result will name no call."""
    message: object = get(found.choice, "message")
    if get(message, "function_call") is found.item:
        _say(found.choice, note)


def rewrite_arguments(item: object, arguments: Arguments) -> object:
    """A copy of the call with edited arguments, which have the shape that `read_call` gave them.

    Raises:
        PayloadError: the arguments have no place in this call.
    """
    kind = next((kind for kind in PAYLOADS if get(item, kind) is not None), None)
    if kind is None:
        return with_fields(item, arguments=json_text(arguments))
    payload: object = get(item, kind)
    key = PAYLOADS[kind]
    return with_fields(item, **{kind: with_fields(payload, **{key: edited_text(kind, arguments)})})


def edited_text(kind: str, arguments: Arguments) -> str:
    """Edited arguments as they stand on the wire.

    Args:
        kind: `custom`, or any other for JSON.
        arguments: in the shape that `read_call` gave them.

    Raises:
        PayloadError: a custom tool's are not one text under `input`.
    """
    if kind != "custom":
        return json_text(arguments)
    edited = arguments.get("input")
    if set(arguments) != {"input"} or not isinstance(edited, str):
        raise PayloadError("custom.input", "edited arguments must be one text under the key input")
    return edited


def after(content: str, notice: str) -> str:
    """The notice as it is added to what the message says already."""
    return f"\n\n{notice}" if content else notice


def _read(call: ToolCall, payload: object, key: str) -> ToolCall:
    if not call.name:
        return replace(call, unreadable=NO_NAME)
    raw: object = get(payload, key)
    try:
        if key == "input":
            if not isinstance(raw, str):
                raise UnreadableArguments(NO_PAYLOAD)  # noqa: TRY301 - one place turns reasons into a value
            return replace(call, arguments=read_arguments(json.dumps({"input": raw})))
        return replace(call, arguments=read_arguments(raw))
    except UnreadableArguments as error:
        return replace(call, unreadable=str(error))


def _named(item: object, answer_id: str, path: str) -> object:
    return with_fields(item, id=made_up_id(answer_id, path)) if is_object(item) and not get(item, "id") else item


def _clear(message: Payload, key: str) -> None:
    if isinstance(message, dict):
        del message[key]
    else:
        put(message, key, None)


def _say(choice: object, notice: str) -> None:
    message: object = get(choice, "message")
    put(message, "content", _with_notice(get(message, "content"), notice))
    _forget_probabilities(choice)


def _forget_probabilities(choice: object) -> None:
    if get(choice, "logprobs") is not None:
        put(choice, "logprobs", None)  # they name the tokens of calls too


def _with_notice(content: object, notice: str) -> object:
    if isinstance(content, list):
        return [*cast("list[object]", content), {"type": "text", "text": notice}]
    said = content if isinstance(content, str) else ""
    return said + after(said, notice)
