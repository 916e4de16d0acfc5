"""Which routes of the gateway speak the Responses API."""

from __future__ import annotations

from litellm.litellm_core_utils.api_route_to_call_types import get_call_types_for_route
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.utils import CallTypes

RESPONSES = frozenset({CallTypes.responses, CallTypes.aresponses})


def speaks_responses(user_api_key_dict: UserAPIKeyAuth) -> bool:
    """Whether an answer on this route is one of the Responses API. A route that nobody knows is taken for one."""
    route = user_api_key_dict.request_route
    call_types = get_call_types_for_route(route) if route else None
    return not call_types or not RESPONSES.isdisjoint(call_types)
