"""The wire formats that are governed, one line each."""

from __future__ import annotations

from typing import Final, cast

from litellm_bighub.formats.chat.format import CHAT
from litellm_bighub.formats.format import Format, TextFormat
from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.mcp.messages import MCP, MCP_CALLS
from litellm_bighub.formats.messages.format import MESSAGES
from litellm_bighub.formats.plain.formats import PLAIN
from litellm_bighub.formats.responses.format import RESPONSES

FORMATS: Final[tuple[Format, ...]] = (
    RESPONSES,
    CHAT,
    MESSAGES,
)
"""All of them. An answer that could be in several is in the first."""

PLAIN_FORMATS: Final[tuple[TextFormat, ...]] = PLAIN
"""What requests speak that hold no conversation. No tool call can stand in their answers."""

MCP_FORMATS: Final[tuple[TextFormat, TextFormat]] = (MCP, MCP_CALLS)
"""What MCP messages speak: all of them, and those of a tool call, whose arguments and texts hooks are handed."""

DEFAULT: Final = FORMATS[0]
"""What a route is taken to speak that nobody knows."""


def known_format(name: str) -> Format | None:
    """The format of this name, if there is one."""
    return next((known for known in FORMATS if known.name == name), None)


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        LookupError: there is none.
    """
    known = known_format(name)
    if known is None:
        raise LookupError(f"there is no format {name}")
    return known


def texts_of(wire_format: TextFormat) -> FormatTexts:
    """Where the texts of a format are.

    Raises:
        LookupError: nobody finds them.
    """
    if wire_format.texts is None:
        raise LookupError(f"nobody finds texts of {wire_format.name}")
    return wire_format.texts


def format_of_call(call_type: str) -> Format | None:
    """What a request speaks that LiteLLM's hooks name by this call type; `None` if none of the formats."""
    return next((known for known in FORMATS if call_type in known.call_types), None)


def format_of_texts(call_type: str) -> Format | None:
    """What a request of this call type speaks, if its texts are found."""
    return next((known for known in FORMATS if known.texts is not None and call_type in known.texts.call_types), None)


def plain_format_of(call_type: str) -> TextFormat | None:
    """What a plain request of this call type speaks, or the answer to it; `None` if it is none."""
    return next((known for known in PLAIN_FORMATS if call_type in texts_of(known).call_types), None)


def format_of_answer(response: object) -> Format | None:
    """What a whole answer speaks, by its shape; `None` if none of the formats.

    LiteLLM's batch completion answers with a list: it speaks what its elements do.
    """
    if isinstance(response, list):
        found = map(format_of_answer, cast("list[object]", response))
        return next((each for each in found if each is not None), None)
    return next((known for known in FORMATS if known.is_answer(response)), None)
