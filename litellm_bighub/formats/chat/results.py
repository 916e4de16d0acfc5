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
from litellm_bighub.formats.requests.results import FoundResult, ReplayedCall, ReplayedCalls, RequestResults
from litellm_bighub.wording import ENGLISH, Wording


def brought(request: JsonMapping) -> RequestResults:
    """What the messages bring back."""
    calls = ReplayedCalls()
    results: list[FoundResult] = []
    for index, message in enumerate(_list(request.get("messages"))):
        path = f"messages[{index}]"
        for at, call in enumerate(_list(get(message, "tool_calls"))):
            if call_id := text(call, "id"):
                calls.add(call_id, ReplayedCall(call, f"{path}.tool_calls[{at}]"), index)
        if text(message, "role") == "tool" and (call_id := text(message, "tool_call_id")):
            replayed = calls.answered(call_id)
            read = None if replayed is None else partial(read_call, replayed.item, replayed.path)
            results.append(FoundResult(call_id, path, message, read))
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
    return [
        noted(message, edited_note(edited[path], wording)) if (path := f"messages[{index}]") in edited else message
        for index, message in enumerate(messages)
    ]


def _list(value: object) -> Sequence[Payload]:
    return cast("Sequence[Payload]", value) if isinstance(value, (list, tuple)) else ()
