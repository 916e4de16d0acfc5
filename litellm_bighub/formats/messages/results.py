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
from litellm_bighub.formats.requests.results import FoundResult, ReplayedCall, ReplayedCalls, RequestResults
from litellm_bighub.wording import ENGLISH, Wording


def brought(request: JsonMapping) -> RequestResults:
    """What the messages bring back."""
    calls = ReplayedCalls()
    results: list[FoundResult] = []
    for index, message in enumerate(_list(request.get("messages"))):
        for at, block in enumerate(_list(get(message, "content"))):
            path = f"messages[{index}].content[{at}]"
            if is_call(block):
                calls.add(text(block, "id"), ReplayedCall(block, path), index)
            elif call_id := _result_of(block):
                replayed = calls.answered(call_id)
                read = None if replayed is None else partial(read_call, replayed.item, replayed.path)
                results.append(FoundResult(call_id, path, block, read))
    return RequestResults(tuple(results))


def continued(
    messages: Sequence[Payload], edited: Mapping[str, DecidedCall], wording: Wording = ENGLISH
) -> list[Payload]:
    """The messages, in which the results of calls that ran with a person's arguments say so.

    Args:
        messages: of the request.
        edited: such calls, by the places of their results.
        wording: what the model is told.
    """
    return [_noted(message, f"messages[{index}]", edited, wording) for index, message in enumerate(messages)]


def _noted(message: object, path: str, edited: Mapping[str, DecidedCall], wording: Wording) -> object:
    blocks = _list(get(message, "content"))
    told = [edited.get(f"{path}.content[{at}]") for at in range(len(blocks))]
    if not any(told):
        return message
    written = [
        block if call is None else noted(block, edited_note(call, wording))
        for block, call in zip(blocks, told, strict=True)
    ]
    return with_fields(message, content=written)


def _result_of(block: object) -> str:
    return text(block, "tool_use_id") if text(block, "type") == "tool_result" else ""


def _list(value: object) -> Sequence[Payload]:
    return cast("Sequence[Payload]", value) if isinstance(value, (list, tuple)) else ()
