"""Which wire format the routes of the gateway speak."""

from __future__ import annotations

from enum import Enum

from litellm.litellm_core_utils.api_route_to_call_types import get_call_types_for_route
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.utils import CallTypes

from litellm_bighub.wire import fields

RESPONSES = frozenset({CallTypes.responses, CallTypes.aresponses})


class Format(Enum):
    """The formats in which tool calls are found and withheld."""

    RESPONSES = "responses"
    CHAT = "chat"
    MESSAGES = "messages"


_FORMATS = {
    **dict.fromkeys(RESPONSES, Format.RESPONSES),
    CallTypes.completion: Format.CHAT,
    CallTypes.acompletion: Format.CHAT,
    CallTypes.anthropic_messages: Format.MESSAGES,
}

_BY_NAME = {**{known.value: spoken for known, spoken in _FORMATS.items()}, "acompact_responses": Format.RESPONSES}


def format_of_route(user_api_key_dict: UserAPIKeyAuth) -> Format | None:
    """What streams on this route speak; `None` if none of the formats. A route that nobody knows is taken for one."""
    route = user_api_key_dict.request_route
    call_types = get_call_types_for_route(route) if route else None
    if not call_types:
        return Format.RESPONSES
    return next((_FORMATS[call_type] for call_type in call_types if call_type in _FORMATS), None)


def format_of_call(call_type: str) -> Format | None:
    """What a request speaks that LiteLLM's hooks name by this call type; `None` if none of the formats."""
    return _BY_NAME.get(call_type)


def format_of_answer(response: object) -> Format | None:
    """What a whole answer speaks, by its shape; `None` if none of the formats."""
    if fields.get(response, "output") is not None:
        return Format.RESPONSES
    if fields.get(response, "choices") is not None:
        return Format.CHAT
    return Format.MESSAGES if fields.get(response, "type") == "message" else None


def speaks_responses(user_api_key_dict: UserAPIKeyAuth) -> bool:
    """Whether an answer on this route is one of the Responses API. A route that nobody knows is taken for one."""
    return format_of_route(user_api_key_dict) is Format.RESPONSES
