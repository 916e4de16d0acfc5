"""Values in and out of JSON bodies: objects read strictly, times written in ISO 8601."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import overload

from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import Arguments


@overload
def iso(time: float) -> str: ...
@overload
def iso(time: None) -> None: ...
@overload
def iso(time: float | None) -> str | None: ...
def iso(time: float | None) -> str | None:
    """POSIX seconds in ISO 8601, UTC."""
    return None if time is None else datetime.fromtimestamp(time, timezone.utc).isoformat().replace("+00:00", "Z")


def readable(given: Mapping[str, object]) -> Arguments:
    """The object, proved to have a canonical form, and not nested too deeply.

    Raises:
        UnreadableArguments: it has none; answered with 422.
    """
    try:
        text = json.dumps(given, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise UnreadableArguments("a number is not finite, or the nesting is too deep") from error
    return read_arguments(text)
