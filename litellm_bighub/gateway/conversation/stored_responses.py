"""Responses that the provider stored: the routes that hand them out, and their input in the shape of an answer."""

from __future__ import annotations

import re

from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.formats.payload.fields import get, members

_STORED = re.compile(r"(/openai)?(/v1)?/responses/(?!(compact|input_tokens)$)[^/]+(/input_items|/cancel)?")


def is_stored(route: str) -> bool:
    """Whether the route hands out what an earlier request made."""
    return _STORED.fullmatch(route) is not None


def lists_input(route: str) -> bool:
    """Whether the route hands out the input of a stored response, which holds calls of earlier ones."""
    return route.endswith("/input_items")


def is_deletion(response: object) -> bool:
    """Whether it says no more than that a stored response was deleted, under the route that hands it out."""
    said = {key: value for key, value in members(response).items() if value is not None and not key.startswith("_")}
    return said.pop("deleted", None) is True and said.keys() <= {"id", "object"} and all(map(_is_text, said.values()))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def as_answer(response: object, request_data: JsonMapping) -> object:
    """The response itself, or the list of a stored response's input items as an answer that holds the same list."""
    items = get(response, "data")
    if get(response, "output") is None and isinstance(items, list) and "response_id" in request_data:
        return {"id": request_data["response_id"], "output": items}
    return response
