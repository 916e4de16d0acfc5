"""What streams of each format are made to pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from litellm_bighub.formats.chat.answer_fields import ANSWER as CHAT_ANSWER
from litellm_bighub.formats.chat.gate import ChatGate
from litellm_bighub.formats.chat.joined_stream import ChatJoinedStream as ChatJoin
from litellm_bighub.formats.messages.answer_fields import EVENTS as MESSAGES_EVENTS
from litellm_bighub.formats.messages.gate import MessagesGate
from litellm_bighub.formats.messages.joined_stream import MessagesJoinedStream as MessagesJoin
from litellm_bighub.formats.responses.answer_fields import EVENTS as RESPONSES_EVENTS
from litellm_bighub.formats.responses.gate import ResponsesGate
from litellm_bighub.formats.responses.joined_stream import ResponsesJoinedStream as ResponsesJoin
from litellm_bighub.formats.responses.notice import wants_refusals
from litellm_bighub.formats.stream.gate_protocol import StreamGate
from litellm_bighub.formats.stream.joined_stream import JoinedStream
from litellm_bighub.formats.stream.listed_fields_gate import ListedFieldsGate
from litellm_bighub.gateway.routes.route_formats import Format


def gate_of(spoken: Format, request: object, *, new_item_id: Callable[[], str]) -> StreamGate:
    """A new gate.

    Args:
        spoken: the stream's format.
        request: says whether notices are to be refusals.
        new_item_id: makes ids for notices where they are items.
    """
    match spoken:
        case Format.RESPONSES:
            make = partial(ResponsesGate, new_item_id=new_item_id, refusals=wants_refusals(request))
            return ListedFieldsGate(lambda leaving: make(leaving=leaving), RESPONSES_EVENTS)
        case Format.CHAT:
            return ListedFieldsGate(ChatGate, CHAT_ANSWER)
        case Format.MESSAGES:
            return ListedFieldsGate(MessagesGate, MESSAGES_EVENTS)


def join_of(spoken: Format) -> JoinedStream:
    """What joins two answers of this format in one stream."""
    match spoken:
        case Format.RESPONSES:
            return ResponsesJoin()
        case Format.CHAT:
            return ChatJoin()
        case Format.MESSAGES:
            return MessagesJoin()
