"""The wire formats that are governed, one line each."""

from __future__ import annotations

from typing import Final, cast

from litellm_bighub.formats.chat.format import CHAT
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.messages.format import MESSAGES
from litellm_bighub.formats.responses.format import RESPONSES

FORMATS: Final[tuple[Format, ...]] = (
    RESPONSES,
    CHAT,
    MESSAGES,
)
"""All of them. An answer that could be in several is in the first."""

DEFAULT: Final = FORMATS[0]
"""What a route is taken to speak that nobody knows."""


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        LookupError: there is none.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    raise LookupError(f"there is no format {name}")


def format_of_call(call_type: str) -> Format | None:
    """What a request speaks that LiteLLM's hooks name by this call type; `None` if none of the formats."""
    return next((known for known in FORMATS if call_type in known.call_types), None)


def format_of_answer(response: object) -> Format | None:
    """What a whole answer speaks, by its shape; `None` if none of the formats.

    LiteLLM's batch completion answers with a list: it speaks what its elements do.
    """
    if isinstance(response, list):
        found = map(format_of_answer, cast("list[object]", response))
        return next((each for each in found if each is not None), None)
    return next((known for known in FORMATS if known.is_answer(response)), None)
