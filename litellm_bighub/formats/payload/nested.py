"""Everything that a payload holds, however deep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from litellm_bighub.formats.payload.fields import get, is_object, members


def nested(payload: object) -> Iterator[object]:
    """The payload and every dict, model, list and value in it."""
    left = [payload]
    while left:
        value = left.pop()
        yield value
        if isinstance(value, list | tuple):
            left.extend(cast("list[object]", value))
        elif is_object(value):
            left.extend(members(value).values())


def holds_call(payload: object) -> bool:
    """Whether anything within a payload of unknown type looks like a call, in whichever format."""
    return any(value is not payload and _looks_like_a_call(value) for value in nested(payload))


def _looks_like_a_call(value: object) -> bool:
    if not is_object(value):
        return False
    if any(get(value, key) for key in ("tool_calls", "function_call")):
        return True
    return get(value, "name") is not None and any(get(value, key) is not None for key in ("arguments", "input"))
