"""Chat completions as one record."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.formats.answers.found_call import FoundCall, Replacements
from litellm_bighub.formats.chat.answer_fields import ANSWER
from litellm_bighub.formats.chat.calls import ChatCall, edit, find_calls, name_calls, withhold
from litellm_bighub.formats.chat.failed_stream import failed_stream
from litellm_bighub.formats.chat.gate import ChatGate
from litellm_bighub.formats.chat.joined_stream import ChatJoinedStream
from litellm_bighub.formats.chat.next_request import answering
from litellm_bighub.formats.chat.results import brought, continued, turns, with_lost_calls
from litellm_bighub.formats.chat.shape import check_answer
from litellm_bighub.formats.chat.texts.texts import TEXTS
from litellm_bighub.formats.format import Format, InCode
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.requests.repair import RequestRepair
from litellm_bighub.formats.stream.gate_protocol import StreamGate, Withhold
from litellm_bighub.formats.stream.listed_fields_gate import ListedFieldsGate


def _is_answer(response: object) -> bool:
    return fields.get(response, "choices") is not None


def _found(response: object, _: Replacements) -> list[FoundCall]:
    name_calls(response)
    return [FoundCall(found.call, partial(edit, found), partial(_withhold, found)) for found in find_calls(response)]


def _withhold(found: ChatCall, withheld: Withhold) -> None:
    withhold(found, withheld.notice)


def _gate(_request: object, _new_item_id: Callable[[], str]) -> StreamGate:
    return ListedFieldsGate(ChatGate, ANSWER)


def _repaired(request: JsonMapping, repair: RequestRepair) -> JsonObject:
    if not (repair.edited or repair.lost):
        return {}
    messages = continued(request["messages"], repair.edited, repair.wording)
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
