"""What a Messages request brings back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.messages.calls import is_call, read_call
from litellm_bighub.formats.payload.copies import text, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.requests.edited_note import edited_note, noted
from litellm_bighub.formats.requests.results import FoundResult, RequestResults
from litellm_bighub.wording import ENGLISH, Wording


def brought(request: JsonMapping) -> RequestResults:
    """What the messages bring back."""
    calls: dict[str, tuple[object, str]] = {}
    results: list[FoundResult] = []
    for index, message in enumerate(_list(request.get("messages"))):
        for at, block in enumerate(_list(get(message, "content"))):
            path = f"messages[{index}].content[{at}]"
            if is_call(block):
                calls[text(block, "id")] = (block, path)
            elif call_id := _result_of(block):
                call = partial(read_call, *calls[call_id]) if call_id in calls else None
                results.append(FoundResult(call_id, path, block, call))
    return RequestResults(tuple(results))


def continued(
    messages: Sequence[Payload], edited: Mapping[str, DecidedCall], wording: Wording = ENGLISH
) -> list[Payload]:
    """The messages, in which the results of calls that ran with a person's arguments say so."""
    return [_noted(message, edited, wording) for message in messages]


def _noted(message: object, edited: Mapping[str, DecidedCall], wording: Wording) -> object:
    blocks = _list(get(message, "content"))
    if not any(_result_of(block) in edited for block in blocks):
        return message
    written = [
        noted(block, edited_note(edited[call_id], wording)) if (call_id := _result_of(block)) in edited else block
        for block in blocks
    ]
    return with_fields(message, content=written)


def _result_of(block: object) -> str:
    return text(block, "tool_use_id") if text(block, "type") == "tool_result" else ""


def _list(value: object) -> Sequence[Payload]:
    return cast("Sequence[Payload]", value) if isinstance(value, (list, tuple)) else ()
