"""Chat completions as one record, with the request that goes on where an answer ended in blocked calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.formats.answers.found_call import FoundCall, Replacements
from litellm_bighub.formats.chat.answer_fields import ANSWER
from litellm_bighub.formats.chat.calls import ChatCall, edit, find_calls, name_calls, say, withhold
from litellm_bighub.formats.chat.gate import ChatGate
from litellm_bighub.formats.chat.joined_stream import ChatJoinedStream
from litellm_bighub.formats.chat.results import brought, continued, turns, with_lost_calls
from litellm_bighub.formats.chat.shape import check_answer
from litellm_bighub.formats.chat.texts.texts import TEXTS
from litellm_bighub.formats.format import Format, InCode
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.copies import plain, text
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.requests.repair import RequestRepair
from litellm_bighub.formats.stream.gate_protocol import StreamGate, Withhold
from litellm_bighub.formats.stream.listed_fields_gate import ListedFieldsGate
from litellm_bighub.formats.stream.stream_failure import StreamFailure

_KEPT = ("content", "tool_calls", "function_call", "reasoning_content", "thinking_blocks")


def answering(request: JsonMapping, response: object, notices: Mapping[str, str]) -> JsonObject | None:
    """The fields of the request that change.

    Args:
        request: the one that was answered.
        response: its answer.
        notices: what each call is answered with, by its id; a legacy call has none.

    Returns:
        `None` if a call cannot be answered: one without notice, or of several choices, which are several conversations.
    """
    choices: object = get(response, "choices")
    if not isinstance(choices, list) or len(choices) != 1:
        return None
    message: object = get(choices[0], "message")
    replayed = {"role": "assistant", "content": None}
    replayed |= {key: plain(value) for key in _KEPT if (value := get(message, key)) is not None}
    answers: list[JsonObject] = []
    for call in get(message, "tool_calls") or ():
        call_id = text(call, "id")
        if call_id not in notices:
            return None
        answers.append({"role": "tool", "tool_call_id": call_id, "content": notices[call_id]})
    legacy: object = get(message, "function_call")
    if legacy is not None:
        if "" not in notices:
            return None
        answers.append({"role": "function", "name": text(legacy, "name"), "content": notices[""]})
    changed: JsonObject = {"messages": [*request.get("messages", ()), replayed, *answers]}
    for key in ("tool_choice", "function_call"):
        if request.get(key) not in (None, "auto", "none"):
            changed[key] = "auto"  # who must call a tool would call this one again
    return changed


def failed_stream(failure: StreamFailure) -> list[bytes]:
    """An error in the place of a chunk, which OpenAI's clients raise without asking again.

    LiteLLM makes an answer with the error's status of it where it is the first.
    """
    told = {"message": failure.message, "type": failure.kind, "param": None, "code": str(failure.status)}
    return [f"data: {json.dumps({'error': told})}\n\n".encode()]


def _is_answer(response: object) -> bool:
    return fields.get(response, "choices") is not None


def _found(response: object, _: Replacements) -> list[FoundCall]:
    name_calls(response)
    return [
        FoundCall(found.call, partial(edit, found), partial(_withhold, found), partial(say, found))
        for found in find_calls(response)
    ]


def _withhold(found: ChatCall, withheld: Withhold) -> None:
    withhold(found, withheld.notice)


def _gate(_request: object, _new_item_id: Callable[[], str]) -> StreamGate:
    return ListedFieldsGate(ChatGate, ANSWER)


def _repaired(request: JsonMapping, repair: RequestRepair) -> JsonObject:
    if not (repair.approved or repair.lost):
        return {}
    messages = continued(request["messages"], repair.approved, repair.wording)
    return {"messages": with_lost_calls(request, messages, repair.lost)}


CHAT: Final = Format(
    name="chat",
    conversation="messages",
    routes=(
        *("POST ~/chat/completions", "POST /engines/{*}/chat/completions"),
        *("POST /openai/deployments/{*}/chat/completions", "POST /cursor/chat/completions", "POST /prompts/test"),
    ),
    call_types=("completion", "acompletion"),
    in_code=InCode("acompletion", "acompletion", "acompletion"),
    is_answer=_is_answer,
    check_answer=check_answer,
    find_calls=_found,
    answer_fields=ANSWER,
    gate=_gate,
    joined_stream=ChatJoinedStream,
    failed_stream=failed_stream,
    brought=brought,
    turns=turns,
    repaired=_repaired,
    next_request=answering,
    texts=TEXTS,
    batches=True,
)
