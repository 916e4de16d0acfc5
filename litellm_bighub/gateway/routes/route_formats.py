"""The wire format of each route."""

from __future__ import annotations

from litellm.litellm_core_utils.api_route_to_call_types import get_call_types_for_route
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub.formats.format import Format, TextFormat
from litellm_bighub.formats.registry import DEFAULT, FORMATS, PLAIN_FORMATS, format_of_call, format_of_texts
from litellm_bighub.gateway.conversation.stored_responses import lists_input
from litellm_bighub.gateway.routes.route_table import RouteCoverage, row_of


def governed_format(route: str) -> Format | None:
    """What the answers of a governed route speak; `None` if the route is not one.

    A route that hands out stored responses is governed where it is asked for (`GET`); `POST` decides where both fit.
    """
    for row in filter(None, (row_of("POST", route), row_of("GET", route))):
        match row.coverage:
            case RouteCoverage.GOVERNED:
                return next(known for known in FORMATS if row.pattern in known.routes)
            case RouteCoverage.REFUSED:
                continue
            case _:
                return None
    return None


def whole_formats(user_api_key_dict: UserAPIKeyAuth) -> frozenset[Format]:
    """What a whole answer on this route may speak; empty where any shape may pass."""
    route = user_api_key_dict.request_route
    if not route:
        return frozenset(FORMATS)  # LiteLLM tells the route wherever it answers a model's request
    wire_format = governed_format(route)
    if wire_format is None:
        return frozenset()
    return frozenset({wire_format, *(known for known in FORMATS if route.rstrip("/") in known.inner_routes)})


def format_of_streamed_texts(user_api_key_dict: UserAPIKeyAuth) -> Format | None:
    """In which format the texts of streams on this route are found: also where they have no place for a call."""
    wire_format = format_of_route(user_api_key_dict)
    if wire_format is not None:
        return wire_format
    call_types = get_call_types_for_route(user_api_key_dict.request_route or "") or ()
    return next((known for call_type in call_types if (known := format_of_texts(call_type.value))), None)


def plain_format_of_route(user_api_key_dict: UserAPIKeyAuth) -> TextFormat | None:
    """What plain requests on this route speak; `None` if it takes none."""
    row = row_of("POST", user_api_key_dict.request_route or "")
    return None if row is None else next((known for known in PLAIN_FORMATS if row.pattern in known.routes), None)


def format_of_route(user_api_key_dict: UserAPIKeyAuth) -> Format | None:
    """What streams on this route speak; `None` if none of the formats. A route that nobody knows is taken for one."""
    route = user_api_key_dict.request_route
    if route and not lists_input(route) and (wire_format := governed_format(route)) is not None:
        return wire_format
    call_types = get_call_types_for_route(route) if route else None
    if not call_types:
        return DEFAULT
    return next((known for call_type in call_types if (known := format_of_call(call_type.value))), None)
