"""Which wire format the routes of the gateway speak."""

from __future__ import annotations

from enum import Enum
from typing import cast

from litellm.litellm_core_utils.api_route_to_call_types import get_call_types_for_route
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.utils import CallTypes

from litellm_bighub.formats.payload import fields
from litellm_bighub.gateway.conversation.stored_responses import lists_input
from litellm_bighub.gateway.routes.route_table import RouteCoverage, row_of

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


_ENDS = (("/chat/completions", Format.CHAT), ("/prompts/test", Format.CHAT), ("/messages", Format.MESSAGES))
"""How the patterns of governed routes end that do not speak Responses."""


def governed_format(route: str) -> Format | None:
    """What the answers of a governed route speak; `None` if the route is not one.

    A route that hands out stored responses is governed where it is asked for (`GET`); `POST` decides where both fit.
    """
    for row in filter(None, (row_of("POST", route), row_of("GET", route))):
        match row.fate:
            case RouteCoverage.GOVERNED:
                return next((spoken for end, spoken in _ENDS if row.pattern.endswith(end)), Format.RESPONSES)
            case RouteCoverage.REFUSED:
                continue
            case _:
                return None
    return None


def whole_formats(user_api_key_dict: UserAPIKeyAuth) -> frozenset[Format]:
    """What a whole answer on this route may speak; empty where any shape may pass."""
    route = user_api_key_dict.request_route
    if not route:
        return frozenset(Format)  # LiteLLM tells the route wherever it answers a model's request
    spoken = governed_format(route)
    if spoken is None:
        return frozenset()
    both = route.rstrip("/") in _RESPONSES_WITHIN_CHAT
    return frozenset({spoken, Format.RESPONSES}) if both else frozenset({spoken})


_RESPONSES_WITHIN_CHAT = frozenset({"/cursor/chat/completions"})
"""Routes where LiteLLM makes a completion out of a response, after its hooks."""


def format_of_route(user_api_key_dict: UserAPIKeyAuth) -> Format | None:
    """What streams on this route speak; `None` if none of the formats. A route that nobody knows is taken for one."""
    route = user_api_key_dict.request_route
    if route and not lists_input(route) and (spoken := governed_format(route)) is not None:
        return spoken
    call_types = get_call_types_for_route(route) if route else None
    if not call_types:
        return Format.RESPONSES
    return next((_FORMATS[call_type] for call_type in call_types if call_type in _FORMATS), None)


def format_of_call(call_type: str) -> Format | None:
    """What a request speaks that LiteLLM's hooks name by this call type; `None` if none of the formats."""
    return _BY_NAME.get(call_type)


def format_of_answer(response: object) -> Format | None:
    """What a whole answer speaks, by its shape; `None` if none of the formats.

    LiteLLM's batch completion answers with a list: it speaks what its elements do.
    """
    if isinstance(response, list):
        spoken = map(format_of_answer, cast("list[object]", response))
        return next((each for each in spoken if each is not None), None)
    if fields.get(response, "output") is not None:
        return Format.RESPONSES
    if fields.get(response, "choices") is not None:
        return Format.CHAT
    return Format.MESSAGES if fields.get(response, "type") == "message" else None


def speaks_responses(user_api_key_dict: UserAPIKeyAuth) -> bool:
    """Whether an answer on this route is one of the Responses API. A route that nobody knows is taken for one."""
    return format_of_route(user_api_key_dict) is Format.RESPONSES
