"""Everything that a payload holds, however deep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from litellm_bighub.wire.fields import is_object, members


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
