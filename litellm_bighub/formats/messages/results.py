"""What a Messages request brings back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.messages.calls import is_call, read_call
from litellm_bighub.formats.payload.copies import text, with_fields
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
        for at, block in enumerate(elements(get(message, "content"))):
            path = f"messages[{index}].content[{at}]"
            if is_call(block):
                calls.add(text(block, "id"), ReplayedCall(block, path), index)
            elif call_id := _result_of(block):
                replayed = calls.answered(call_id)
                read = None if replayed is None else partial(read_call, replayed.item, replayed.path)
                results.append(FoundResult(call_id, path, block, read))
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
    return [_noted(message, f"messages[{index}]", approved, wording) for index, message in enumerate(messages)]


def turns(request: JsonMapping) -> Turns:
    """The answers in the messages, and what the coming one goes on from."""
    return find_turns(elements(request.get("messages")), _author)


def with_lost_calls(request: JsonMapping, messages: Sequence[Payload], lost: Sequence[LostCalls]) -> list[Payload]:
    """The messages with withheld calls and what the model was told of them, before the answers that followed.

    A model that thinks wants its thoughts before each call of the turn that still goes on. The ledger has none, so
    such calls stay away there. Ids of calls must differ.

    Args:
        request: whose messages they are.
        messages: its messages, one for each of the request's.
        lost: withheld calls of answers among them.
    """
    asked = max((at for at, message in enumerate(messages) if _is_prompt(message)), default=-1)
    thinks = text(request.get("thinking"), "type") not in {"", "disabled"}
    taken = {text(block, "id") for message in messages for block in elements(get(message, "content"))}
    before: dict[int, list[Payload]] = {}
    for each in lost if request.get("tools") else ():
        if not each.continued or (thinks and each.turn.start > asked):
            continue
        words = "\n".join(map(said, messages[each.turn.start : each.turn.end]))
        calls = [call for call in each.calls if call.type == "function" and call.notice not in words]
        before[each.turn.start] = made = []
        for call in unlike(calls):
            made += [] if call.call_id in taken else _pair(call)
            taken.add(call.call_id)
    return [made for at, message in enumerate(messages) for made in (*before.get(at, ()), message)]


def _pair(call: DecidedCall) -> list[Payload]:
    use = {"type": "tool_use", "id": call.call_id, "name": call.tool, "input": dict(call.arguments)}
    result = {"type": "tool_result", "tool_use_id": call.call_id, "content": call.notice, "is_error": True}
    return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


def _is_prompt(message: object) -> bool:
    """Whether the user says something, and does not only bring results."""
    content: object = get(message, "content")
    return text(message, "role") == "user" and not any(_result_of(block) for block in elements(content))


def _author(message: object) -> Author:
    match text(message, "role"):
        case "assistant":
            return "model"
        case "system":
            return "instructions"
        case _:
            return "caller"


def _noted(message: object, path: str, approved: Mapping[str, DecidedCall], wording: Wording) -> object:
    blocks = elements(get(message, "content"))
    told = [approved.get(f"{path}.content[{at}]") for at in range(len(blocks))]
    if not any(told):
        return message
    written = [
        block if call is None else noted(block, approval_note(call, wording))
        for block, call in zip(blocks, told, strict=True)
    ]
    return with_fields(message, content=written)


def _result_of(block: object) -> str:
    return text(block, "tool_use_id") if text(block, "type") == "tool_result" else ""
