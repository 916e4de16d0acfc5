"""What a chat request brings back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.chat.calls import read_call
from litellm_bighub.formats.payload.copies import json_text, text
from litellm_bighub.formats.payload.fields import elements, get
from litellm_bighub.formats.requests.approval_note import approval_note, noted
from litellm_bighub.formats.requests.results import FoundResult, ReplayedCall, ReplayedCalls, RequestResults
from litellm_bighub.formats.requests.turns import Author, LostCalls, Turns, find_turns, said, unlike
from litellm_bighub.wording import ENGLISH, Wording


def brought(request: JsonMapping) -> RequestResults:
    """What the messages bring back."""
    calls = ReplayedCalls()
    results: list[FoundResult] = []
    for index, message in enumerate(elements(request.get("messages"))):
        path = f"messages[{index}]"
        for at, call in enumerate(elements(get(message, "tool_calls"))):
            if call_id := text(call, "id"):
                calls.add(call_id, ReplayedCall(call, f"{path}.tool_calls[{at}]"), index)
        if text(message, "role") == "tool" and (call_id := text(message, "tool_call_id")):
            replayed = calls.answered(call_id)
            read = None if replayed is None else partial(read_call, replayed.item, replayed.path)
            results.append(FoundResult(call_id, path, message, read))
    return RequestResults(tuple(results))


def continued(
    messages: Sequence[Payload], approved: Mapping[str, DecidedCall], wording: Wording = ENGLISH
) -> list[Payload]:
    """The messages, in which the results of approved calls tell what a person has changed or has to say.

    Args:
        messages: of the request.
        approved: such calls, by the places of their results.
        wording: what the model is told.
    """
    return [
        noted(message, approval_note(approved[path], wording))
        if (path := f"messages[{index}]") in approved
        else message
        for index, message in enumerate(messages)
    ]


def turns(request: JsonMapping) -> Turns:
    """The answers in the messages, and what the coming one goes on from."""
    return find_turns(elements(request.get("messages")), _author)


def with_lost_calls(request: JsonMapping, messages: Sequence[Payload], lost: Sequence[LostCalls]) -> list[Payload]:
    """The messages with withheld calls and what the model was told of them, before the answers that followed.

    A model that thinks wants its thoughts before each call of the turn that still goes on. The ledger has none, so
    such calls stay away there.

    Args:
        request: whose messages they are.
        messages: its messages, one for each of the request's.
        lost: withheld calls of answers among them.
    """
    asked = max((at for at, message in enumerate(messages) if text(message, "role") == "user"), default=-1)
    before: dict[int, list[Payload]] = {}
    for each in lost if request.get("tools") else ():
        answer = messages[each.turn.start : each.turn.end]
        if not each.continued or (each.turn.start > asked and any(map(_thinks, answer))):
            continue
        words = "\n".join(map(said, answer))
        calls = [call for call in each.calls if call.type == "function" and call.notice not in words]
        before[each.turn.start] = [made for call in unlike(calls) for made in _pair(call)]
    return [made for at, message in enumerate(messages) for made in (*before.get(at, ()), message)]


def _pair(call: DecidedCall) -> list[Payload]:
    function = {"name": call.tool, "arguments": json_text(call.arguments)}
    made = {"id": call.call_id, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": call.call_id, "content": call.notice},
    ]


def _thinks(message: object) -> bool:
    return any(get(message, key) for key in ("reasoning_content", "reasoning", "thinking_blocks"))


def _author(message: object) -> Author:
    match text(message, "role"):
        case "assistant":
            return "model"
        case "system" | "developer":
            return "instructions"
        case _:
            return "caller"
