"""What a Responses request brings back, and its input with what the provider still waits for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import cast

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get, members
from litellm_bighub.formats.requests.edited_note import edited_note
from litellm_bighub.formats.requests.results import (
    APPROVAL_PREFIX,
    NOTICE_PREFIX,
    FoundResult,
    ReplayedCall,
    ReplayedCalls,
    RequestResults,
)
from litellm_bighub.formats.responses.calls import read_call
from litellm_bighub.formats.responses.item_kinds import NO_CALLS
from litellm_bighub.formats.responses.withheld_output import developer_message, not_run, restored
from litellm_bighub.wording import ENGLISH, Wording

_HIDES = frozenset({"item_reference", "compaction"})
_CALLERS = frozenset({"mcp_approval_response", "additional_tools", "compaction_trigger", "configuration_update"})
"""Types of items that are the caller's, besides messages and outputs."""


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
        elif kind in _HIDES:
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
    broken = bool(_orphans(items)) or any(text(item, "id").startswith(APPROVAL_PREFIX) for item in items)
    return RequestResults(found, tuple(notices), complete, frozenset(answered(request)), broken)


def answered(request: JsonMapping) -> set[str]:
    """The calls that the input holds outputs for, those that say no included."""
    items = _items(request.get("input"))
    ids = {_result_of(item, text(item, "type")) or text(item, "approval_request_id") for item in items}
    return ids - {""}


def continued(
    given: object,
    *,
    owed: Sequence[DecidedCall] = (),
    notices: Mapping[str, DecidedCall] | None = None,
    edited: Mapping[str, DecidedCall] | None = None,
    denied: Collection[str] = (),
    with_calls: bool = False,
    wording: Wording = ENGLISH,
) -> list[Payload]:
    """An input that leaves the provider waiting for nothing.

    Args:
        given: the client's input; not changed.
        owed: withheld calls whose output the provider waits for; they come before everything else.
        notices: withheld calls by the id of the notice in their place. The call, which a reasoning item before it
            cannot do without, comes back with an output that says it has not been run.
        edited: calls that ran with a person's arguments, by the places of their results, behind which the model is
            told.
        denied: withheld MCP calls, whose approval by the client does not count.
        with_calls: whether owed outputs come with their calls, for a provider that has kept none.
        wording: what the model is told.
    """
    items = _items(given)
    calls = {_id_of_call(item, text(item, "type")) for item in items}
    results = {_result_of(item, text(item, "type")) for item in items}
    taken = {call.call_id for call in owed} | calls
    built: list[Payload] = []
    for call in owed:
        made = restored(call) if with_calls else None
        built += not_run(call, wording) if made is None else [made, *not_run(call, wording)]
    for index, item in enumerate(items):
        kind = text(item, "type")
        withheld = (notices or {}).get(_notice_id(item))
        made = None if withheld is None or withheld.call_id in taken else restored(withheld)
        if withheld is not None and made is not None:
            built += [made] if withheld.call_id in results else [made, *not_run(withheld, wording)]
            taken.add(withheld.call_id)
            continue
        if kind == "item_reference" and text(item, "id").startswith(NOTICE_PREFIX):
            built += [developer_message(withheld.notice)] if withheld is not None and withheld.notice else []
            continue  # the provider has no item of this id
        if text(item, "id").startswith(APPROVAL_PREFIX):
            built.append({key: value for key, value in members(item).items() if key != "id"})
            continue
        call_id = _result_of(item, kind)
        if kind == "mcp_approval_response" and call_id in denied:
            continue
        built.append(item)
        if edited and (path := f"input[{index}]") in edited:
            note = developer_message(edited_note(edited[path], wording))
            built += [] if note in items[index + 1 : index + 2] else [note]
    orphans = _orphans(built)
    return [item for index, item in enumerate(built) if index not in orphans]


def _orphans(items: Sequence[object]) -> set[int]:
    """The places of reasoning that nothing of the model follows.

    A client that keeps no trace of a withheld call keeps the reasoning that led to it, and a provider takes no
    reasoning without the item that followed it: it would refuse every request from then on.
    """
    orphans: set[int] = set()
    follows = False
    for index in range(len(items) - 1, -1, -1):
        if text(items[index], "type") != "reasoning":
            follows = _is_models(items[index])
        elif not follows:
            orphans.add(index)
    return orphans


def _is_models(item: object) -> bool:
    """Whether the item may be one that the model has made."""
    kind, role = text(item, "type"), text(item, "role")
    if kind in {"", "message"}:
        return role == "assistant" and not text(item, "id").startswith(NOTICE_PREFIX)
    return kind not in _CALLERS and not kind.endswith("_output")


def _notice_id(item: object) -> str:
    return text(item, "id").removeprefix(APPROVAL_PREFIX)


def _is_output_of(item: object, call: DecidedCall, wording: Wording) -> bool:
    return item in not_run(call, wording) or item in not_run(call)  # the wording may have changed meanwhile


def _items(given: object) -> Sequence[Payload]:
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return cast("Sequence[Payload]", given) if isinstance(given, (list, tuple)) else ()


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
