"""What a chat request brings back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.chat.calls import read_call
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.requests.edited_note import edited_note, noted
from litellm_bighub.formats.requests.results import FoundResult, RequestResults
from litellm_bighub.wording import ENGLISH, Wording


def brought(request: JsonMapping) -> RequestResults:
    """What the messages bring back."""
    calls: dict[str, tuple[object, str]] = {}
    results: list[FoundResult] = []
    for index, message in enumerate(_list(request.get("messages"))):
        path = f"messages[{index}]"
        for at, call in enumerate(_list(get(message, "tool_calls"))):
            if call_id := text(call, "id"):
                calls[call_id] = (call, f"{path}.tool_calls[{at}]")
        if text(message, "role") == "tool" and (call_id := text(message, "tool_call_id")):
            call = partial(read_call, *calls[call_id]) if call_id in calls else None
            results.append(FoundResult(call_id, path, message, call))
    return RequestResults(tuple(results))


def continued(
    messages: Sequence[Payload], edited: Mapping[str, DecidedCall], wording: Wording = ENGLISH
) -> list[Payload]:
    """The messages, in which the results of calls that ran with a person's arguments say so."""
    return [
        noted(message, edited_note(edited[call_id], wording))
        if text(message, "role") == "tool" and (call_id := text(message, "tool_call_id")) in edited
        else message
        for message in messages
    ]


def _list(value: object) -> Sequence[Payload]:
    return cast("Sequence[Payload]", value) if isinstance(value, (list, tuple)) else ()
