"""Anthropic's Messages as one record, with the request that goes on where an answer ended in blocked calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.answers.found_call import FoundCall, Replacements
from litellm_bighub.formats.format import Format, InCode
from litellm_bighub.formats.messages.answer_fields import EVENTS, MESSAGE
from litellm_bighub.formats.messages.calls import NO_CALLS, MessagesCall, edit, find_calls, is_call, withhold
from litellm_bighub.formats.messages.gate import MessagesGate
from litellm_bighub.formats.messages.joined_stream import MessagesJoinedStream
from litellm_bighub.formats.messages.results import brought, continued, turns, with_lost_calls
from litellm_bighub.formats.messages.shape import check_answer
from litellm_bighub.formats.messages.sse import failed_stream
from litellm_bighub.formats.messages.texts.texts import TEXTS
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.copies import plain, text
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.requests.repair import RequestRepair
from litellm_bighub.formats.stream.gate_protocol import StreamGate, Withhold
from litellm_bighub.formats.stream.listed_fields_gate import ListedFieldsGate

_FREE = frozenset({"auto", "none"})


def answering(request: JsonMapping, response: object, notices: Mapping[str, str]) -> JsonObject | None:
    """The fields of the request that change.

    Args:
        request: the one that was answered.
        response: its answer.
        notices: what each call is answered with, by its id.

    Returns:
        `None` if a call has no notice.
    """
    content: object = get(response, "content")
    blocks: list[Payload] = content if isinstance(content, list) else []
    ids = [text(block, "id") for block in blocks if is_call(block)]
    if any(call_id not in notices for call_id in ids):
        return None
    answers = [
        {"type": "tool_result", "tool_use_id": call_id, "content": notices[call_id], "is_error": True}
        for call_id in ids
    ]
    turns = [{"role": "assistant", "content": plain(blocks)}, {"role": "user", "content": answers}]
    changed: JsonObject = {"messages": [*request.get("messages", ()), *turns]}
    choice: object = request.get("tool_choice")
    if choice is not None and text(choice, "type") not in _FREE:
        changed["tool_choice"] = {"type": "auto"}  # who must call a tool would call this one again
    return changed


def _is_answer(response: object) -> bool:
    return bool(fields.get(response, "type") == "message")


def _found(response: object, _: Replacements) -> list[FoundCall]:
    return [FoundCall(found.call, partial(_edit, found), partial(_withhold, found)) for found in find_calls(response)]


def _edit(found: MessagesCall, arguments: Arguments, _note: str) -> None:
    edit(found, arguments)


def _withhold(found: MessagesCall, withheld: Withhold) -> None:
    withhold(found, withheld.notice)


def _gate(_request: object, _new_item_id: Callable[[], str]) -> StreamGate:
    return ListedFieldsGate(MessagesGate, EVENTS)


def _repaired(request: JsonMapping, repair: RequestRepair) -> JsonObject:
    if not (repair.approved or repair.lost):
        return {}
    messages = continued(request["messages"], repair.approved, repair.wording)
    return {"messages": with_lost_calls(request, messages, repair.lost)}


MESSAGES: Final = Format(
    name="messages",
    conversation="messages",
    routes=("POST /v1/messages", "POST /claude_code_gateway/v1/messages"),
    call_types=("anthropic_messages",),
    in_code=InCode("anthropic_messages", "aanthropic_messages", "amessages"),
    is_answer=_is_answer,
    check_answer=check_answer,
    find_calls=_found,
    no_calls=NO_CALLS,
    answer_fields=MESSAGE,
    gate=_gate,
    joined_stream=MessagesJoinedStream,
    failed_stream=failed_stream,
    brought=brought,
    turns=turns,
    repaired=_repaired,
    next_request=answering,
    texts=TEXTS,
    merges_extra_body=False,
)
