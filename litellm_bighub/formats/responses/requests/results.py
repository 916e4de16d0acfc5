"""What a Responses request brings back, and its input with what the provider still waits for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import elements, get, members
from litellm_bighub.formats.requests.approval_note import approval_note
from litellm_bighub.formats.requests.results import (
    APPROVAL_PREFIX,
    NOTICE_PREFIX,
    FoundReasoning,
    FoundResult,
    ReplayedCall,
    ReplayedCalls,
    RequestResults,
)
from litellm_bighub.formats.requests.turns import Author, LostCalls, Turns, find_turns, said as words, unlike
from litellm_bighub.formats.responses.calls import read_call
from litellm_bighub.formats.responses.item_kinds import NO_CALLS, is_reference
from litellm_bighub.formats.responses.reasoning_items import is_models, is_reasoning, orphans, reasoning_mark
from litellm_bighub.formats.responses.requests.withheld_output import developer_message, not_run, restored
from litellm_bighub.wording import ENGLISH, Wording


def brought(request: JsonMapping) -> RequestResults:
    """What the input brings back; a text brings nothing."""
    if isinstance(request.get("input"), str):
        return RequestResults()
    items = _items(request.get("input"))
    calls = ReplayedCalls()
    results: list[tuple[str, str, object]] = []
    notices: list[str] = []
    complete = True
    for index, item in enumerate(items):
        kind = text(item, "type")
        if text(item, "id").startswith(NOTICE_PREFIX):
            notices.append(_notice_id(item))
        elif is_reference(item):
            notices.append(text(item, "id"))  # perhaps of a request for approval, whose id is the decider's
            complete = False
        elif kind == "compaction":
            complete = False
        elif call_id := _result_of(item, kind):
            results.append((call_id, f"input[{index}]", item))
        elif call_id := _id_of_call(item, kind):
            calls.add(call_id, ReplayedCall(item, f"input[{index}]"))
    found = tuple(
        FoundResult(
            call_id,
            path,
            item,
            None if (call := calls.answered(call_id)) is None else partial(read_call, call.item, call.path),
            partial(_is_output_of, item),
        )
        for call_id, path, item in results
    )
    broken = bool(orphans(items)) or any(text(item, "id").startswith(APPROVAL_PREFIX) for item in items)
    reasoning = tuple(
        FoundReasoning(mark, f"input[{index}]") for index, item in enumerate(items) if (mark := reasoning_mark(item))
    )
    return RequestResults(found, tuple(notices), complete, answered(request), reasoning, broken)


def turns(request: JsonMapping) -> Turns:
    """The answers in the input, and what the coming one goes on from."""
    return find_turns(_items(request.get("input")), _author)


def answered(request: JsonMapping) -> dict[str, str]:
    """The calls that the input holds outputs for, those that say no included, by the outputs' places."""
    items = enumerate(_items(request.get("input")))
    ids = {
        f"input[{index}]": _result_of(item, text(item, "type")) or text(item, "approval_request_id")
        for index, item in items
    }
    return {path: call_id for path, call_id in ids.items() if call_id}


def continued(
    given: object,
    *,
    owed: Sequence[DecidedCall] = (),
    owed_after: Mapping[str, Sequence[DecidedCall]] | None = None,
    notices: Mapping[str, DecidedCall] | None = None,
    behind: Mapping[str, DecidedCall] | None = None,
    lost: Sequence[LostCalls] = (),
    approved: Mapping[str, DecidedCall] | None = None,
    denied: Collection[str] = (),
    told: Collection[str] = (),
    with_calls: bool = False,
    wording: Wording = ENGLISH,
) -> list[Payload]:
    """An input that leaves the provider waiting for nothing.

    Args:
        given: the client's input; not changed.
        owed: withheld calls whose output the provider waits for; they come before everything else.
        owed_after: others, by the places of the results behind which their outputs come.
        notices: withheld calls by the id of the notice in their place. The call, which a reasoning item before it
            cannot do without, comes back with an output that says it has not been run.
        behind: withheld calls by the places of the reasoning right before them, which come back likewise. Reasoning
            whose call cannot come back goes.
        lost: withheld calls of answers in the input. Where their notices stand as the model's own words, without ids,
            they come back in those places; if the model was told of them and went on, before its next answer.
        approved: calls that a person has changed or says something of, by the places of their results, behind which
            the model is told.
        denied: the places of approvals that do not count.
        told: ids of withheld calls that the provider keeps together with their outputs.
        with_calls: whether owed outputs come with their calls, for a provider that has kept none.
        wording: what the model is told.
    """
    items = _items(given)
    back = _Returning(items, {call.call_id for call in owed}.union(told), wording)
    said, unsaid = _places(items, lost, [*(behind or {}).values()])
    built = _outputs(owed, wording, with_calls=with_calls)
    for index, item in enumerate(items):
        path = f"input[{index}]"
        led_to, withheld = (behind or {}).get(path), (notices or {}).get(_notice_id(item)) or said.get(index)
        for call in unsaid.get(index, ()):
            built += back.in_place(call, own_id=False) or []
        if led_to is not None and back.is_missing(led_to):
            built = back.behind(built, item, led_to)
        elif withheld is not None and (again := back.in_place(withheld, own_id=_follows_reasoning(built))) is not None:
            built += again
        elif is_reference(item) and (withheld is not None or text(item, "id").startswith(NOTICE_PREFIX)):
            built += back.in_place_of_reference(withheld)
        elif text(item, "id").startswith(APPROVAL_PREFIX):
            built.append({key: value for key, value in members(item).items() if key != "id"})
        elif path not in denied:
            built.append(item)
            note = developer_message(approval_note(approved[path], wording)) if approved and path in approved else None
            built += [] if note is None or note in items[index + 1 : index + 2] else [note]
            built += _outputs((owed_after or {}).get(path, ()), wording, with_calls=with_calls)
    without_follower = orphans(built)
    return [item for index, item in enumerate(built) if index not in without_follower]


def _follows_reasoning(built: Sequence[object]) -> bool:
    return bool(built) and is_reasoning(built[-1])


def _outputs(calls: Sequence[DecidedCall], wording: Wording, *, with_calls: bool) -> list[Payload]:
    """The outputs of withheld calls, each behind its call if that is wanted."""
    built: list[Payload] = []
    for call in calls:
        made = restored(call) if with_calls else None
        built += not_run(call, wording) if made is None else [made, *not_run(call, wording)]
    return built


class _Returning:
    """The withheld calls that come back into an input, each once, with an output that says they have not been run."""

    def __init__(self, items: Sequence[object], kept: Collection[str], wording: Wording) -> None:
        self._kept = kept
        self._taken = {_id_of_call(item, text(item, "type")) for item in items}.union(kept)
        self._results = {_result_of(item, text(item, "type")) for item in items}
        self._back: set[tuple[str, str, str, str]] = set()
        self._wording = wording

    def is_missing(self, call: DecidedCall) -> bool:
        """Whether the call stands nowhere."""
        return call.call_id not in self._taken

    def behind(self, built: Sequence[Payload], reasoning: Payload, call: DecidedCall) -> list[Payload]:
        """What is built so far, the reasoning, and the call. A call that cannot come back takes its reasoning along."""
        made = self._made(call)
        if made:
            return [*built, reasoning, *made]
        last = next((at for at in range(len(built), 0, -1) if not is_reasoning(built[at - 1])), 0)
        return list(built[:last])

    def in_place(self, call: DecidedCall, *, own_id: bool = True) -> list[Payload] | None:
        """What stands in the place of its notice; `None` if that has to stay.

        Args:
            call: the call.
            own_id: whether it has the item's id. A provider that knows that id wants the reasoning before it, too.
        """
        if call.place in self._back:
            return []
        return (self._made(call, own_id=own_id) or None) if self.is_missing(call) else None

    def in_place_of_reference(self, call: DecidedCall | None) -> list[Payload]:
        """What stands in the place of a reference to its notice, an item that the provider does not know."""
        if call is None or not call.notice or call.call_id in self._kept:
            return []
        return [developer_message(call.notice)]

    def _made(self, call: DecidedCall, *, own_id: bool = True) -> list[Payload]:
        made = restored(call if own_id else replace(call, item_id=""))
        if made is None:
            return []
        self._taken.add(call.call_id)
        self._back.add(call.place)
        return [made] if call.call_id in self._results else [made, *not_run(call, self._wording)]


def _places(
    items: Sequence[object], lost: Sequence[LostCalls], placed: Sequence[DecidedCall]
) -> tuple[dict[int, DecidedCall], dict[int, list[DecidedCall]]]:
    """Where calls come back: in the places of messages that say their notices, and before the answers that followed."""
    said: dict[int, DecidedCall] = {}
    unsaid: dict[int, list[DecidedCall]] = {}
    ids = {_notice_id(item) for item in items}
    for each in lost:
        left = list(each.calls)
        for index in range(each.turn.start, each.turn.end):
            spoken = _bare_words(items[index])
            call = next((call for call in left if spoken and call.notice == spoken), None)
            if call is not None:
                said[index] = call
                left.remove(call)
        left = [call for call in left if call.notice_id not in ids and call not in placed]
        if each.continued and left:
            unsaid[each.turn.start] = unlike(left)
    return said, unsaid


def _bare_words(item: object) -> str:
    """What a message of the model says, if it is none of ours by its id."""
    if text(item, "role") != "assistant" or text(item, "id").startswith(NOTICE_PREFIX):
        return ""
    return words(item)


def _author(item: object) -> Author:
    kind, role = text(item, "type"), text(item, "role")
    if role in {"system", "developer"}:
        return "instructions"
    if kind == "reasoning":
        return "thought"
    return "model" if is_models(item) or text(item, "id").startswith(NOTICE_PREFIX) else "caller"


def _notice_id(item: object) -> str:
    return text(item, "id").removeprefix(APPROVAL_PREFIX)


def _is_output_of(item: object, call: DecidedCall, wording: Wording) -> bool:
    return item in not_run(call, wording) or item in not_run(call)  # the wording may have changed meanwhile


def _items(given: object) -> Sequence[Payload]:
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return elements(given)


def _result_of(item: object, kind: str) -> str:
    """The id of the call that this is the result of; empty if it is none."""
    if kind == "mcp_approval_response":
        return text(item, "approval_request_id") if get(item, "approve") is not False else ""
    if not kind.endswith("_output"):
        return ""
    return text(item, "call_id") or (text(item, "id") if kind == "local_shell_call_output" else "")


def _id_of_call(item: object, kind: str) -> str:
    """The id of the call that this is; empty if it is none."""
    if kind in NO_CALLS:
        return ""
    return text(item, "call_id") or (text(item, "id") if kind == "mcp_approval_request" else "")
