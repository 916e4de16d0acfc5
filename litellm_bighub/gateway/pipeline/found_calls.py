"""The calls of a whole answer in any format, each with what it takes to edit or withhold it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

from openai.types.responses import ResponseOutputMessage
from openai.types.responses.response_output_item import McpApprovalRequest
from pydantic import BaseModel

from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.chat import calls as chat
from litellm_bighub.formats.messages import calls as messages
from litellm_bighub.formats.responses import calls as responses
from litellm_bighub.formats.responses.approval_request import request_item
from litellm_bighub.formats.responses.notice import notice_item
from litellm_bighub.formats.stream.gate_protocol import Withhold
from litellm_bighub.gateway.routes.route_formats import Format, format_of_answer


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call in an answer.

    Attributes:
        call: what is decided on.
        edit: puts a person's arguments in place of the model's.
        withhold: puts something else in the call's place.
    """

    call: ToolCall
    edit: Callable[[Arguments], None]
    withhold: Callable[[Withhold], None]


def calls_of(response: object, *, new_item_id: Callable[[], str], refusals: bool) -> list[FoundCall]:
    """Find the calls of an answer.

    Args:
        response: of any format, as a dict or model, or a list of such; an answer of none has no calls.
        new_item_id: makes ids for notices.
        refusals: whether notices are refusals, as `notice.wants_refusals` says of the request.

    Raises:
        PayloadError: the answer cannot be read.
    """
    if isinstance(response, list):
        return [
            replace(found, call=replace(found.call, path=f"[{index}].{found.call.path}"))
            for index, each in enumerate(cast("list[object]", response))
            for found in calls_of(each, new_item_id=new_item_id, refusals=refusals)
        ]
    match format_of_answer(response):
        case Format.RESPONSES:
            return [
                FoundCall(
                    found.call,
                    partial(_edit_item, found),
                    partial(_withhold_item, found, new_item_id=new_item_id, refusal=refusals),
                )
                for found in responses.find_calls(response)
            ]
        case Format.CHAT:
            return [
                FoundCall(found.call, partial(chat.edit, found), partial(_withhold_in_chat, found))
                for found in chat.find_calls(response)
            ]
        case Format.MESSAGES:
            return [
                FoundCall(found.call, partial(messages.edit, found), partial(_withhold_in_messages, found))
                for found in messages.find_calls(response)
            ]
        case None:
            return []


def _edit_item(found: responses.ResponsesCall, arguments: Arguments) -> None:
    responses.withhold(found, responses.rewrite_arguments(found.item, arguments))


def _withhold_item(
    found: responses.ResponsesCall, withheld: Withhold, *, new_item_id: Callable[[], str], refusal: bool
) -> None:
    if withheld.approval_id:
        item = request_item(withheld.approval_id, found.call.name, found.call.arguments)
        responses.withhold(found, _like(found, item, McpApprovalRequest))
    else:
        item = notice_item(withheld.item_id or new_item_id(), withheld.notice, refusal=refusal)
        responses.withhold(found, _like(found, item, ResponseOutputMessage))


def _like(found: responses.ResponsesCall, item: JsonObject, model: type[BaseModel]) -> object:
    """The item as a dict or model, as the call is."""
    return model.model_validate(item) if isinstance(found.item, BaseModel) else item


def _withhold_in_chat(found: chat.ChatCall, withheld: Withhold) -> None:
    chat.withhold(found, withheld.notice)


def _withhold_in_messages(found: messages.MessagesCall, withheld: Withhold) -> None:
    messages.withhold(found, withheld.notice)
