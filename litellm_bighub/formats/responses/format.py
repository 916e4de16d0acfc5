"""The Responses API as one record, with the request that goes on where an answer ended in blocked calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from pydantic import BaseModel

from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.answers.found_call import FoundCall, Replacements
from litellm_bighub.formats.format import Format, InCode
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.copies import plain, text, whole
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.requests.approval_answers import ClientApprovals
from litellm_bighub.formats.requests.repair import RequestRepair
from litellm_bighub.formats.responses.answer_fields import EVENTS, RESPONSE
from litellm_bighub.formats.responses.approval_request import request_item
from litellm_bighub.formats.responses.calls import ResponsesCall, find_calls, rewrite_arguments, withhold
from litellm_bighub.formats.responses.item_kinds import NO_CALLS, is_call
from litellm_bighub.formats.responses.notice_item import notice_item, wants_refusals
from litellm_bighub.formats.responses.requests.approval_answers import find_answers, readable
from litellm_bighub.formats.responses.requests.results import brought, continued, turns
from litellm_bighub.formats.responses.shape import check_answer
from litellm_bighub.formats.responses.stream.gate import ResponsesGate
from litellm_bighub.formats.responses.stream.joined_stream import ResponsesJoinedStream
from litellm_bighub.formats.responses.texts.texts import TEXTS
from litellm_bighub.formats.stream.gate_protocol import StreamGate, Withhold
from litellm_bighub.formats.stream.listed_fields_gate import ListedFieldsGate
from litellm_bighub.formats.stream.stream_failure import StreamFailure

_OUTPUTS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}


def answering(request: JsonMapping, response: object, notices: Mapping[str, str]) -> JsonObject | None:
    """The fields of the request that change.

    Args:
        request: the one that was answered.
        response: its answer, whose items are replayed: that works whether the provider keeps answers or not.
        notices: what each call is answered with, by its id.

    Returns:
        `None` if a call cannot be answered: of another type (a computer's needs a screenshot), or without notice.
    """
    given: object = request.get("input")
    items: list[Payload] = [{"role": "user", "content": given}] if isinstance(given, str) else list(_listed(given))
    remembered = bool(request.get("conversation"))  # it holds the request and the answer already
    stored = request.get("store") is not False
    outputs: list[Payload] = []
    for item in _listed(get(response, "output")):
        replayed = plain(item)
        if not stored:
            replayed.pop("id", None)  # the provider has forgotten it
            if replayed.get("type") == "reasoning" and not replayed.get("encrypted_content"):
                continue
        items.append(replayed)
        if not is_call(item):
            continue
        output_type, call_id = _OUTPUTS.get(text(item, "type")), text(item, "call_id")
        if output_type is None or call_id not in notices:
            return None
        outputs.append({"type": output_type, "call_id": call_id, "output": notices[call_id]})
    changed: JsonObject = {"input": outputs if remembered else [*items, *outputs]}
    if request.get("tool_choice") not in (None, "auto", "none"):
        changed["tool_choice"] = "auto"  # who must call a tool would call this one again
    return changed


def _listed(items: object) -> list[Payload]:
    return list(items) if isinstance(items, list | tuple) else []


_FINAL = "invalid_prompt"
"""Of the codes that OpenAI documents for failed responses, the one after which no client asks again."""


def failed_stream(failure: StreamFailure) -> list[JsonObject]:
    """`error` and then `response.failed`, as OpenAI sends them: some clients hear the first, others the second.

    LiteLLM makes an answer with the error's status of the first where it is the first event of the stream.
    """
    number = whole(failure.last, "sequence_number")
    told = {"type": failure.kind, "code": str(failure.status), "message": failure.message, "param": None}
    error: JsonObject = {**told, "type": "error", "error": told, "sequence_number": (number or 0) + 1}
    if failure.begun is None:
        return [error]
    code = "server_error" if failure.is_servers else _FINAL
    ended = {"status": "failed", "error": {"code": code, "message": failure.message}, "output": []}
    response = {**plain(failure.begun), **ended}
    return [error, {"type": "response.failed", "response": response, "sequence_number": (number or 0) + 2}]


def _is_answer(response: object) -> bool:
    return fields.get(response, "output") is not None


def _found(response: object, replacements: Replacements) -> list[FoundCall]:
    return [
        FoundCall(found.call, partial(_edit, found), partial(_withhold, found, replacements))
        for found in find_calls(response)
    ]


def _edit(found: ResponsesCall, arguments: Arguments, _note: str) -> None:
    withhold(found, rewrite_arguments(found.item, arguments))


def _withhold(found: ResponsesCall, replacements: Replacements, withheld: Withhold) -> None:
    if withheld.approval_id:
        item = request_item(withheld.approval_id, found.call.name, found.call.arguments)
    else:
        item_id = withheld.item_id or replacements.new_item_id()
        item = notice_item(item_id, withheld.notice, refusal=replacements.refusals)
    withhold(found, replacements.as_model(item) if isinstance(found.item, BaseModel) else item)


def _gate(request: object, new_item_id: Callable[[], str]) -> StreamGate:
    make = partial(ResponsesGate, new_item_id=new_item_id, refusals=wants_refusals(request))
    return ListedFieldsGate(lambda leaving: make(leaving=leaving), EVENTS)


def _repaired(request: JsonMapping, repair: RequestRepair) -> JsonObject:
    put_right = continued(
        request.get("input"),
        owed=repair.owed,
        owed_after=repair.owed_after,
        notices=repair.notices,
        behind=repair.behind,
        lost=repair.lost,
        approved=repair.approved,
        denied=repair.denied,
        told=repair.told,
        with_calls=repair.with_calls,
        wording=repair.wording,
    )
    return {"input": put_right}


RESPONSES: Final = Format(
    name="responses",
    conversation="input",
    routes=(
        *("POST ~/responses", "POST ~/responses/compact"),
        *("POST /openai/v1/responses", "POST /openai/v1/responses/compact"),
        *("GET ~/responses/{}", "GET ~/responses/{}/input_items", "POST ~/responses/{}/cancel"),
        *("GET /openai/v1/responses/{}", "GET /openai/v1/responses/{}/input_items"),
        "POST /openai/v1/responses/{}/cancel",
    ),
    inner_routes=("/cursor/chat/completions",),
    call_types=("responses", "aresponses", "acompact_responses"),
    in_code=InCode("aresponses", "aresponses", "aresponses"),
    is_answer=_is_answer,
    check_answer=check_answer,
    find_calls=_found,
    no_calls=NO_CALLS,
    answer_fields=RESPONSE,
    gate=_gate,
    joined_stream=ResponsesJoinedStream,
    failed_stream=failed_stream,
    brought=brought,
    turns=turns,
    repaired=_repaired,
    next_request=answering,
    wants_refusals=wants_refusals,
    client_approvals=ClientApprovals(find_answers, readable),
    texts=TEXTS,
    stores_answers=True,
    passes_unknown_fields=False,
    has_event_objects=True,
)
