"""Reading objects out of bodies as strictly as the arguments of a tool call."""

from __future__ import annotations

import json
from collections.abc import Mapping

from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import Arguments


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
